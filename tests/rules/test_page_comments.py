"""The comments of the pages: a browser gets none, and the same program at the same lines.

`web/comments.py` decides with a small tokenizer; here a real parser, Deno's, judges it.
"""

import gzip
import json
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from tests.rules.test_page_rooms import PAGE
from tests.support.repository import ROOT

from event_seating.web.comments import without_javascript_comments, without_style_comments

MODULES = sorted(PAGE.rglob("*.js"))
STYLES = sorted(PAGE.rglob("*.css"))

HARD = {
    "strings": """x = "// no" + '/* no */' + "a\\"//b" + 'c\\\\' // yes""",
    "line in a string": 'x = "a \\\n // no" /* yes */',
    "regular expressions": r"x = /[/]\/\/[^\]/*]/g.test(y) /* yes */ / 2 // yes",
    "a regular expression after a keyword": "f = () => { return /\\/*/ /* yes */ } // yes",
    "a regular expression after a condition": "if (a) /x\\/*/.test(y) // yes",
    "conditions and calls in each other": (
        "if (f(a) && (b)) /\\/*/.test(c); while (a) /'/.test(b(c) / 2 / (d) / 3) // yes"
    ),
    "a condition with a string in it": "if (a === ')' && `(${b}`) /\\/*/.test(c) // yes",
    "a quotient after a call": "x = call(a) / 2 /* yes */ / b // yes",
    "a property named as a keyword": "x = y.return / 2 /* yes */ / 3; z = w?.if(a) / 2 / 3",
    "a template in a template": "x = `// no ${ /* yes */ a + `/* no */ ${b /* yes */}` } // no`",
    "an object in a template": "x = `${ { a: `}` /* yes */, b: /}/ }.a } /* no */`",
    "a dollar in a template": "x = `$ // no ${a}$` // yes",
    "a comment that ends a statement": "x = a /* yes\n */ ++y",
    "a comment that separates two words": "f = () => { return/**/typeof/* yes */y }",
    "a comment between two signs": "x = a +/**/+ b -/* yes */-c",
    "an increment": "x = a++ / 2 /* yes */; y = b[0]-- / 2 / 3",
    "a comment at the end": "x = 1 /* yes */",
    "a private name": "class A { #of = 4; b = this.#of / 2 /* yes */ / 2 }",
    "line breaks of all kinds": "x = 1 // yes\r\ny = 2 /* a \r\n b \u2028 c */\rz = 3 // yes",
}


def trees(folder: Path) -> dict[str, dict[str, Any]]:
    """The syntax tree of each module in the folder, by the module's path in it."""
    config = ROOT / "tests/rules/syntax/deno.json"
    deno = Path(sysconfig.get_path("scripts"), "deno")
    environment = {"DENO_DIR": str(folder / ".deno_cache"), "DENO_NO_UPDATE_CHECK": "1"}
    answer = subprocess.run(
        [deno, "lint", "--json", "--config", config, folder],
        capture_output=True,
        check=False,  # a report is a fault to a linter
        env=os.environ | environment,
        timeout=120,
    )
    read = json.loads(answer.stdout)
    assert read["errors"] == []
    return {
        each["filename"].rpartition(f"{folder.name}/")[2]: json.loads(each["message"])
        for each in read["diagnostics"]
    }


def is_part_of(line: str, source: str) -> bool:
    """Whether the line has nothing that its source has not, in the same order."""
    rest = iter(source)
    return all(sign in rest for sign in line if not sign.isspace())


def test_a_module_without_its_comments_is_the_same_program(tmp_path: Path) -> None:
    source, stripped = tmp_path / "source", tmp_path / "stripped"
    shutil.copytree(PAGE, source / "page", ignore=shutil.ignore_patterns("*.html", "*.css"))
    (source / "hard").mkdir()
    for name, text in HARD.items():
        (source / "hard" / f"{name}.js").write_text(text, newline="")
    for module in source.rglob("*.js"):
        served = stripped / module.relative_to(source)
        served.parent.mkdir(parents=True, exist_ok=True)
        with module.open(newline="") as text:
            served.write_text(without_javascript_comments(text.read()), newline="")
    before, after = trees(source), trees(stripped)
    assert len(before) == len(MODULES) + len(HARD)
    assert sum(each["comments"] for each in before.values()) > 1_000
    assert [name for name, each in after.items() if each["comments"]] == []
    assert before.keys() == after.keys()
    assert [name for name in before if before[name]["tree"] != after[name]["tree"]] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(PAGE).as_posix())
def test_each_line_of_a_module_stays_at_its_number(module: Path) -> None:
    source = module.read_text()
    stripped = without_javascript_comments(source).split("\n")
    assert len(stripped) == len(source.split("\n"))
    assert all(map(is_part_of, stripped, source.split("\n")))


@pytest.mark.parametrize("style", STYLES, ids=lambda path: path.relative_to(PAGE).as_posix())
def test_a_style_sheet_loses_its_comments_and_nothing_else(style: Path) -> None:
    source = style.read_text()
    stripped = without_style_comments(source)
    assert "/*" not in stripped
    assert len(stripped.split("\n")) == len(source.split("\n"))
    assert all(map(is_part_of, stripped.split("\n"), source.split("\n")))


def test_a_browser_loads_a_quarter_less() -> None:
    source = [module.read_text() for module in MODULES]
    stripped = [without_javascript_comments(text) for text in source]
    assert sum(map(packed, stripped)) < 0.75 * sum(map(packed, source))


def packed(text: str) -> int:
    """Its length when it is compressed, in bytes."""
    return len(gzip.compress(text.encode(), mtime=0))
