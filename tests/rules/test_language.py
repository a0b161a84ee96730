"""Words of our own that mean nothing to a reader who comes from outside, and do not come back.

Each stood here once and was replaced by the field's term, or by plain English. Held in what people
read: code, pages of the documentation, tests. History (the changelog, decisions) keeps its words.
"""

import re

import pytest
from tests.support.repository import files, name_of

# Each has a class of one letter in it, so that this file is none of those that it looks for.
REPLACED = {
    r"(?i)(?<![a-z])ho[u]ses?(?![a-z])": "BookableEvent, hall, seats, server: say which",
    r"\b_?take_tu[r]n\b|tu[r]n is had|\bin_li[n]e\b": "queue lock, write lock, acquire, release",
    r"\bwo[r]kshop\b|\bbo[o]tstrap\b": "composition: job_services, server_services",
    r"Do[o]rkeeper|So[c]ketDoor|\b(?:at|of|the) (?:one )?do[o]r\b": "edge, admission",
    r"\ban[e]w\b": "again",
    r"\ble[a]sh\b": "exit_with_parent",
    r"\bde[a]f\b|unless_de[a]f": "subscribed",
    r"\bJob(?:Fai[l]ed|Not[Y]et|Do[n]e)\b|\b(?:Pu[t]Off|TryA[g]ain|Give[n]Up)\b": "jobs.ends",
    r"\bpost off[i]ce\b|\bUserAs[k]ing\b|\bfinish_f[r]ee\b": "mailer, job requests, unlocked",
}

READ = ("src/event_seating/", "tests/", "docs/", "benchmarks/", "README.md", "CONTRIBUTING.md")
HISTORY = ("docs/decisions/", "src/event_seating/db/migrations/")

TEXTS = [
    path
    for path in files()
    if name_of(path).startswith(READ)
    and not name_of(path).startswith(HISTORY)
    and path.suffix in {".py", ".md", ".txt", ".html", ".js", ".css"}
]


@pytest.mark.parametrize(("word", "instead"), REPLACED.items())
def test_what_was_replaced_does_not_come_back(word: str, instead: str) -> None:
    pattern = re.compile(word)
    found = {
        f"{name_of(path)}:{number}": line.strip()
        for path in TEXTS
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    }
    assert found == {}, f"say instead: {instead}"


def test_a_replaced_word_would_be_found() -> None:
    assert len(TEXTS) > 500
    lines = (
        "a ho|use",
        "take_tu|rn(",
        "the bo|otstrap",
        "at the do|or",
        "an|ew",
        "le|ash",
        "_unless_de|af",
        "JobDo|ne",
        "post off|ice",
    )
    for word, line in zip(REPLACED, lines, strict=True):
        assert re.search(word, line.replace("|", "")), word
