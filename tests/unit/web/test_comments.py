"""What is a comment in a module or a style sheet, and what only looks like one.

Here programs are made of pieces whose comments are known; `tests/rules/test_page_comments.py` asks
a real parser about the pages' modules and about hard cases.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_seating.web.comments import (
    AmbiguousSource,
    without_javascript_comments,
    without_style_comments,
)

# Comments, each with what it leaves behind.
COMMENTS = {
    "/* plain */": " ",
    "/**/": " ",
    "/* ' \" ` ${ } / */": " ",
    "/** @type {string} */": " ",
    "/* two\n * lines // */": "\n",
    "// to the end ` ' \" /* ${\n": "\n",
    "//\n": "\n",
}

OPERANDS = (
    "name",
    "12.5",
    "$",
    "this.in",
    '"// no"',
    "'/* no */'",
    '"it\\"s // no"',
    "`// no`",
    "`/* no */ $ \\` \\${ // no`",
    "/[/*]\\/\\//g",
    "/'/",
    "/`${/u",
    "(/x/)",
    "(f(1))",
    "list[0]",
)

OPERATORS = ("+", "/", "&&", "=", ",", "=>", "instanceof", "?")

Piece = tuple[str, str]
"""A text, and what is left of it."""

comments = st.sampled_from([*COMMENTS.items()])
gaps: st.SearchStrategy[Piece] = st.just((" ", " ")) | comments.map(
    lambda piece: (f" {piece[0]} ", f"{piece[1]} ")
)


def joined(*pieces: Piece) -> Piece:
    return "".join(text for text, _ in pieces), "".join(left for _, left in pieces)


def same(text: str) -> Piece:
    return text, text


def wider(expressions: st.SearchStrategy[Piece]) -> st.SearchStrategy[Piece]:
    """Expressions that have these in them."""
    chained = st.tuples(expressions, gaps, st.sampled_from(OPERATORS).map(same), gaps, expressions)
    around = st.tuples(gaps, expressions, gaps)
    return (
        chained.map(lambda pieces: joined(*pieces))
        | around.map(lambda pieces: joined(same("call("), *pieces, same(")")))
        | around.map(lambda pieces: joined(same("`// no ${"), *pieces, same("} /* no */`")))
        | around.map(lambda pieces: joined(same("({ a:"), *pieces, same("})")))
        | around.map(lambda pieces: joined(same("typeof"), *pieces))
    )


programs = st.recursive(st.sampled_from(OPERANDS).map(same), wider, max_leaves=12)


def without_blanks(text: str) -> list[str]:
    """The lines without what is blank at their ends, where a comment may have been."""
    return [" ".join(line.split()) for line in text.split("\n")]


@given(programs)
def test_all_comments_go_and_nothing_else(program: Piece) -> None:
    source, left = program
    assert without_blanks(without_javascript_comments(source)) == without_blanks(left)


@given(st.text("/*`'\"${}()\\ \nax1.=", max_size=30))
def test_any_text_is_read_to_its_end_or_refused(text: str) -> None:
    try:
        stripped = without_javascript_comments(text)
    except AmbiguousSource:
        return
    assert stripped.count("\n") == text.count("\n")
    assert len(stripped) <= len(text)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("x = {}\n/a/.test(b)", "line 2: a slash divides or begins a regular expression"),
        ("for await (a of b) /c/.test(a)", "line 1: a slash divides"),
        ("x = of / 2", "`of` is a name or a keyword"),
        ('x = "abc\n"', "a string has no end"),
        ("x = `abc", "a template literal has no end"),
        ("x = `${ a", "a template literal has no end"),
        ("x = /abc\n", "a regular expression has no end"),
        ("\n\nx = ) / 2", "line 3: a parenthesis closes nothing"),
    ],
)
def test_what_is_not_certain_is_refused(source: str, why: str) -> None:
    with pytest.raises(AmbiguousSource, match=why):
        without_javascript_comments(source)


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("/* a */\nb { c: d; } /* e\n */ f { }", "\nb { c: d; } \n f { }"),
        ("b { c: \"/* no */\"; d: '/* no */' }", "b { c: \"/* no */\"; d: '/* no */' }"),
        ("b { c: url(/*no*/x) } /* yes */", "b { c: url(/*no*/x) } "),
        ('b { c: "\\"/* no */" }', 'b { c: "\\"/* no */" }'),
        ('.a\\"b { } /* yes */ .c\\"d { }', '.a\\"b { }  .c\\"d { }'),
        # Without a space there it would be another selector.
        ("a/**/.b { }", "a/**/.b { }"),
    ],
)
def test_a_style_sheet_without_its_comments_selects_the_same(source: str, left: str) -> None:
    assert without_style_comments(source) == left
