"""Words of our own that mean nothing to a reader who comes from outside, and do not come back.

Each stood here once and was replaced by the field's term, or by plain English. Held in what people
read: code, pages of the documentation, tests. History (the changelog, decisions) keeps its words.
"""

import re
from pathlib import Path

import pytest
from tests.support.repository import files, name_of

# By pattern: an example that it must find, and what to say instead.
REPLACED = {
    r"(?i)(?<![a-z])houses?(?![a-z])": ("a house", "BookableEvent, hall, seats: say which"),
    r"\b_?take_turn\b|turn is had|\bin_line\b": ("take_turn(", "queue lock, write lock"),
    r"\bworkshop\b|\bbootstrap\b": ("bootstrap.py", "composition"),
    r"Doorkeeper|SocketDoor|\b(?:at|of|the) (?:one )?door\b": ("the door", "edge, admission"),
    r"\banew\b": ("start anew", "again"),
    r"\bleash\b": ("the leash", "exit_with_parent"),
    r"\bdeaf\b|unless_deaf": ("_unless_deaf", "subscribed"),
    r"(?i)(?<![a-z])coheren": ("self._coherence", "invalidation"),
    r"(?i)(?<![a-z])taint": ("flights.taint_all(", "invalidate"),
    r"valkey(\.|/| import )trouble": ("from event_seating.valkey import trouble", "diagnostics"),
    r"\bdb[./]away|when_away": ("unavailable_when_away", "errors_as_unavailable"),
    r"venues(\.|/| import )pace\b": ("venues.pace", "throttling"),
    r"\bexchange\.found\b": ("exchange.found", "headers"),
    r"\bLOOK_EVERY_S\b": ("job_watch.LOOK_EVERY_S", "what is looked for"),
    r"\bTold\b|\b_told\b": ("class Told:", "notified, reply, fields: say which"),
    r"start_anew": ("ledger.start_anew()", "start_over"),
    r"\bJob(?:Failed|NotYet|Done)\b|\b(?:PutOff|TryAgain|GivenUp)\b": ("JobDone", "jobs.ends"),
    r"\bpost office\b|\bUserAsking\b|\bfinish_free\b": ("outbox.finish_free(", "mailer, unlocked"),
    r"(?:second|last) net\b": ("the second net", "second line of defence"),
    r"follows of\b": ("nothing follows of a Held", "no projection for"),
    r"hangs? on (?:it|its)\b": ("nothing hangs on it", "depends on"),
    r"\bthat lacks?\b|\bwhat lacks\b": ("take in all that lacks", "missing"),
    r"(?:do|does) not lie\b": ("on whom the caps do not lie", "is exempt from"),
    r"\bnobody else is at\b": ("that nobody else is at", "unlocked"),
    r"(?i)\boccasions?\b": ("submission.occasion", "schedule, event_columns, notice: say which"),
    r"\b(?:ledger|undo)\.gone\b|\btake_back\b": ("ledger.gone", "tombstones, roll_back"),
    r"\bkept_from\b|\b_must\b": ("cool_down.kept_from", "refused_to, _require"),
    r"clock import.*rfc3339": ("from event_seating.clock import rfc3339", "values.rfc3339"),
}

READ = (
    "src/event_seating/",
    "tests/",
    "docs/",
    "benchmarks/",
    "scripts/",
    "deploy/",
    "README.md",
    "CONTRIBUTING.md",
)
HISTORY = ("docs/decisions/", "src/event_seating/db/migrations/", "scripts/moves/")
_LINK = re.compile(r"\(decisions/[^)]*\)")
"""The name of a decision's file is history too."""

TEXTS = [
    path
    for path in files()
    if name_of(path).startswith(READ)
    and not name_of(path).startswith(HISTORY)
    and path.suffix in {".py", ".md", ".txt", ".html", ".js", ".css", ".yml", ".service"}
    and path != Path(__file__)
]


@pytest.mark.parametrize("word", REPLACED)
def test_what_was_replaced_does_not_come_back(word: str) -> None:
    pattern = re.compile(word)
    found = {
        f"{name_of(path)}:{number}": line.strip()
        for path in TEXTS
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(_LINK.sub("", line))
    }
    assert found == {}, f"say instead: {REPLACED[word][1]}"


def test_a_replaced_word_would_be_found() -> None:
    assert len(TEXTS) > 500
    for word, (example, _instead) in REPLACED.items():
        assert re.search(word, example), word
