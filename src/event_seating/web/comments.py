r"""Takes the comments out of a JavaScript module or a style sheet before it is served.

Owns telling a comment from text that looks like one: `//` in a string, `/*` in a regular
expression, a template literal with code in it. The pages' modules carry their types and reasons
in comments, which only people and the type checker read, so browsers need not load them.

What is left means the same, token by token, and keeps its line numbers, so that an error in the
field names the line of the source: a comment that spans lines leaves its line breaks, another one
leaves a space. Where the source is ambiguous without a full parser (a slash after `}`), it raises
`AmbiguousSource` instead of guessing; tests run it on every module of the pages.

It never shortens names or joins lines: compression saves most of what that would. (rjsmin, the
known minifier in pure Python, joins lines and cuts text out of a template inside a template.)
"""

import re
from typing import Final


class AmbiguousSource(ValueError):
    """The source can be read in more than one way; the message says where."""


_LINE_BREAK: Final = re.compile(r"\r\n|[\n\r\u2028\u2029]")

_IN_CODE: Final = re.compile(r"""[/"'`]""")
_IN_TEMPLATE: Final = re.compile(r"""[/"'`{}]""")
"""The next place where reading on needs a decision; braces count in the code of a template."""

_COMMENT: Final = re.compile(r"//[^\n\r\u2028\u2029]*|/\*.*?\*/", re.DOTALL)
_STRING: Final = re.compile(r"\"(?:[^\"\\\n\r]|\\.)*\"|'(?:[^'\\\n\r]|\\.)*'", re.DOTALL)
_REGULAR_EXPRESSION: Final = re.compile(
    r"/(?:[^/\\\[\n\r\u2028\u2029]|\\.|\[(?:[^\]\\\n\r\u2028\u2029]|\\.)*\])+/[\w$]*"
)

_TEMPLATE_TEXT: Final = re.compile(r"[`}](?:[^`\\$]|\\.|\$(?!\{))*(?:`|\$\{)", re.DOTALL)
"""The text of a template literal: from its start or the end of code, to its end or more code."""

_LAST_WORD: Final = re.compile(r"(?P<mark>[.#]\s*)?(?P<word>[\w$]+)\s*\Z")

_BEFORE_OPERAND: Final = frozenset(
    {
        *("await", "case", "default", "delete", "do", "else", "extends", "in", "instanceof"),
        *("new", "return", "throw", "typeof", "void", "yield"),
    }
)
"""Keywords after which a slash begins a regular expression."""

_CONDITIONS: Final = frozenset({"for", "if", "while", "with"})
"""Keywords whose parentheses are followed by a statement, not by an operator."""


def without_javascript_comments(source: str) -> str:
    """The module without its comments. Raises `AmbiguousSource`."""
    return _JavaScript(source).stripped()


class _JavaScript:
    """One reading of a module, from its start to its end."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        # What is kept: code, a literal, code, a literal, … and the code that is being read.
        self._kept = [""]
        # How many braces are open in the code of each template that is open.
        self._braces: list[int] = []

    def stripped(self) -> str:
        while found := self._next():
            self._kept[-1] += self._source[self._at : found.start()]
            self._at = found.start()
            self._read_mark(found[0])
        if self._braces:
            raise self._ambiguous("a template literal has no end")
        self._kept[-1] += self._source[self._at :]
        return "".join(self._kept)

    def _next(self) -> re.Match[str] | None:
        pattern = _IN_TEMPLATE if self._braces else _IN_CODE
        return pattern.search(self._source, self._at)

    def _read_mark(self, mark: str) -> None:
        match mark:
            case "/" if comment := _COMMENT.match(self._source, self._at):
                self._at = comment.end()
                self._drop(comment[0])
            case "/" if self._follows_operand():
                self._keep_code(mark)
            case "/":
                self._keep_literal(_REGULAR_EXPRESSION, "a regular expression has no end")
            case "'" | '"':
                self._keep_literal(_STRING, "a string has no end")
            case "{" if self._braces:
                self._braces[-1] += 1
                self._keep_code(mark)
            case "}" if self._braces[-1]:
                self._braces[-1] -= 1
                self._keep_code(mark)
            case _:
                self._read_template(mark)

    def _drop(self, comment: str) -> None:
        """Leave the line breaks of a comment, or what separates the tokens beside it."""
        breaks = "".join(_LINE_BREAK.findall(comment))
        is_line = comment.startswith("//")
        self._kept[-1] = self._kept[-1].rstrip(" \t") + ("" if is_line else breaks or " ")

    def _keep_code(self, mark: str) -> None:
        self._at += len(mark)
        self._kept[-1] += mark

    def _keep_literal(self, pattern: re.Pattern[str], otherwise: str) -> None:
        literal = pattern.match(self._source, self._at)
        if not literal:
            raise self._ambiguous(otherwise)
        self._at = literal.end()
        self._kept += (literal[0], "")

    def _read_template(self, mark: str) -> None:
        """Read the text of a template after this mark, up to its end or to code in it."""
        if mark == "}":
            self._braces.pop()
        self._keep_literal(_TEMPLATE_TEXT, "a template literal has no end")
        if self._kept[-2].endswith("${"):
            self._braces.append(0)

    def _follows_operand(self) -> bool:
        """Whether a slash here divides; else it begins a regular expression."""
        before = self._kept[-1].rstrip()
        if not before:
            return len(self._kept) > 1 and not self._kept[-2].endswith("${")
        if before.endswith(("}", ".", "\\")):
            raise self._ambiguous("a slash divides or begins a regular expression")
        if word := _LAST_WORD.search(before):
            if word["word"] == "of" and not word["mark"]:
                raise self._ambiguous("`of` is a name or a keyword")
            return bool(word["mark"]) or word["word"] not in _BEFORE_OPERAND
        if before.endswith(")"):
            return not self._closes_condition()
        return before.endswith(("]", "++", "--"))

    def _closes_condition(self) -> bool:
        """Whether the last parenthesis closes the condition of a statement."""
        depth = 0
        for code in self._kept[::-2]:
            for found in reversed([*re.finditer(r"[()]", code)]):
                depth += 1 if found[0] == ")" else -1
                if not depth:
                    return self._ends_in_condition(code[: found.start()])
        raise self._ambiguous("a parenthesis closes nothing")

    def _ends_in_condition(self, code: str) -> bool:
        word = _LAST_WORD.search(code)
        if word and word["word"] == "await":  # of `for await (…)`, or an operator
            raise self._ambiguous("a slash divides or begins a regular expression")
        return bool(word and not word["mark"] and word["word"] in _CONDITIONS)

    def _ambiguous(self, why: str) -> AmbiguousSource:
        line = len(_LINE_BREAK.findall(self._source, 0, self._at)) + 1
        return AmbiguousSource(f"line {line}: {why}")


_STYLE_SHEET_PART: Final = re.compile(
    r"""
      (?P<comment> /\*.*?\*/ )
    | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*'
    | \\.
    | url\( \s* [^"'\s)] (?:[^)\\]|\\.)* \)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE | re.ASCII,
)


def without_style_comments(source: str) -> str:
    """The style sheet without its comments.

    In a style sheet white space can be a combinator and a comment never is, so a comment with no
    white space beside it stays.
    """

    def replace(part: re.Match[str]) -> str:
        around = source[part.start() - 1 : part.start()] + source[part.end() : part.end() + 1]
        isolated = part.start() == 0 or any(each.isspace() for each in around)
        return "".join(_LINE_BREAK.findall(part[0])) if part["comment"] and isolated else part[0]

    return _STYLE_SHEET_PART.sub(replace, source)
