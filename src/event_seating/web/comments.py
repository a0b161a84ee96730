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
    """The source is not what this module can read for certain; says where it stopped."""


_LINE_BREAK: Final = re.compile(r"\r\n|[\n\r\u2028\u2029]")

_JAVASCRIPT_STOP: Final = re.compile(
    r"""
      (?P<comment> //[^\n\r\u2028\u2029]* | /\*.*?\*/ )
    | (?P<string> "(?:[^"\\\n\r]|\\.)*" | '(?:[^'\\\n\r]|\\.)*' )
    | [`(){}/"']
    """,
    re.VERBOSE | re.DOTALL,
)
"""The next place where reading on needs a decision."""

_REGULAR_EXPRESSION: Final = re.compile(
    r"/(?:[^/\\\[\n\r\u2028\u2029]|\\.|\[(?:[^\]\\\n\r\u2028\u2029]|\\.)*\])+/[\w$]*"
)

_TEMPLATE_PART: Final = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*(?P<end>`|\$\{)", re.DOTALL)
"""The text of a template literal up to its end, or to the code in it."""

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

# What the code before stands for, where only that it is there matters.
_OPERAND: Final = "0"
_STATEMENT: Final = ";"


def without_javascript_comments(source: str) -> str:
    """The module without its comments. Raises `AmbiguousSource`."""
    return _JavaScript(source).stripped()


class _JavaScript:
    """One reading of a module, from its start to its end."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._kept: list[str] = []
        # The code since the last bracket or literal, and that: it decides what a slash is.
        self._before = ""
        # The brackets that are open, each with what its end stands for in `_before`.
        self._open: list[tuple[str, str]] = []

    def stripped(self) -> str:
        while found := _JAVASCRIPT_STOP.search(self._source, self._at):
            self._keep_code(self._source[self._at : found.start()])
            self._at = found.end()
            if found["comment"]:
                self._drop(found[0])
            elif found["string"]:
                self._keep(found[0], _OPERAND)
            else:
                self._read_mark(found[0])
        if self._open:
            raise self._ambiguous(f"{self._open[-1][0]} is never closed")
        return "".join((*self._kept, self._source[self._at :]))

    def _read_mark(self, mark: str) -> None:
        match mark:
            case "(" | "{":
                self._open.append((mark, self._meaning_of_end(mark)))
                self._keep(mark, mark)
            case ")" | "}":
                self._close(mark)
            case "`":
                self._keep("`", "`")
                self._read_template()
            case "/":
                self._read_slash()
            case _:
                raise self._ambiguous("a string has no end")

    def _meaning_of_end(self, mark: str) -> str:
        if mark == "{":
            return "}"
        word = _LAST_WORD.search(self._before)
        if word and word["word"] == "await":
            return ")?"  # `for await (…)` or `await (…)`
        is_condition = word and not word["mark"] and word["word"] in _CONDITIONS
        return _STATEMENT if is_condition else _OPERAND

    def _close(self, mark: str) -> None:
        opened, meaning = self._open.pop() if self._open else ("", "")
        if opened == "${" and mark == "}":
            self._keep("}", "`")
            self._read_template()
        elif opened + mark in {"()", "{}"}:
            self._keep(mark, meaning)
        else:
            raise self._ambiguous(f"{mark} closes nothing")

    def _read_template(self) -> None:
        part = _TEMPLATE_PART.match(self._source, self._at)
        if not part:
            raise self._ambiguous("a template literal has no end")
        self._at = part.end()
        if part["end"] == "`":
            self._keep(part[0], _OPERAND)
        else:
            self._open.append(("${", ""))
            self._keep(part[0], "{")

    def _read_slash(self) -> None:
        if self._follows_operand():
            self._keep("/", "/")
            return
        literal = _REGULAR_EXPRESSION.match(self._source, self._at - 1)
        if not literal:
            raise self._ambiguous("a regular expression has no end")
        self._at = literal.end()
        self._keep(literal[0], _OPERAND)

    def _follows_operand(self) -> bool:
        """Whether a slash here divides; else it begins a regular expression."""
        before = self._before.rstrip()
        if before.endswith(("}", ".", ")?", "\\")):
            raise self._ambiguous("a slash divides or begins a regular expression")
        if word := _LAST_WORD.search(before):
            if word["word"] == "of" and not word["mark"]:
                raise self._ambiguous("`of` is a name or a keyword")
            return bool(word["mark"]) or word["word"] not in _BEFORE_OPERAND
        return before.endswith(("]", "++", "--"))

    def _drop(self, comment: str) -> None:
        """Leave the line breaks of a comment, or what separates the tokens beside it."""
        before = self._kept.pop().rstrip(" \t")
        self._kept.append(before)
        is_line = comment.startswith("//")
        self._keep_code("" if is_line else "".join(_LINE_BREAK.findall(comment)) or " ")

    def _keep_code(self, code: str) -> None:
        self._kept.append(code)
        self._before += code

    def _keep(self, text: str, before: str) -> None:
        self._kept.append(text)
        self._before = before

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
