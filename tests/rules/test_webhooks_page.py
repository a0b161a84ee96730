"""What docs/webhooks.md tells receivers to do verifies what is sent."""

import json
import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from playwright._impl._driver import compute_driver_executable
from tests.support import markdown
from tests.support.repository import ROOT

from event_seating.booking.effects.follow_up_jobs import NEWS_TYPES
from event_seating.clock import SystemClock
from event_seating.webhooks import signing

PAGE = (ROOT / "docs/webhooks.md").read_text()
BODY = '{"type":"test","data":{"name":"Ärger ☃"}}'
OLD, NEW = signing.new_secret(), signing.new_secret()

Verified = Callable[[str, dict[str, str], str], bool]


def shown(language: str) -> str:
    (text,) = (block.text for block in markdown.blocks(PAGE) if block.language == language)
    return text


def in_python(secret: str, headers: dict[str, str], body: str) -> bool:
    names: dict[str, Any] = {}
    exec(shown("python"), names)
    return bool(names["verified"](secret, headers, body.encode()))


def in_node(secret: str, headers: dict[str, str], body: str) -> bool:
    asked = (
        f"verified({json.dumps(secret)}, {json.dumps(headers)}, Buffer.from({json.dumps(body)}))"
    )
    program = f"{shown('js')}\nconsole.log({asked})"
    # The Node that drives the browser of the other tests.
    node, _ = compute_driver_executable()
    done = subprocess.run(
        [node, "-"], input=program, capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout) is True


@pytest.mark.parametrize("verified", [in_python, in_node])
def test_the_code_of_the_page_takes_what_is_sent_and_nothing_else(verified: Verified) -> None:
    now_ms = SystemClock().now_ms()
    headers = signing.headers("job-1", BODY, now_ms, [NEW, OLD])
    assert verified(OLD, headers, BODY)
    assert verified(NEW, headers, BODY)
    assert not verified(signing.new_secret(), headers, BODY)
    assert not verified(NEW, headers, BODY + " ")
    assert not verified(NEW, {**headers, "webhook-id": "job-2"}, BODY)
    assert not verified(NEW, {**headers, "webhook-signature": "v1,"}, BODY)
    late = signing.headers("job-1", BODY, now_ms - 301_000, [NEW])
    assert not verified(NEW, late, BODY)


def test_the_page_names_each_type() -> None:
    types = {
        type_ for cells in markdown.rows(PAGE, "type") for type_ in re.findall(r"`(.+?)`", cells[0])
    }
    assert types == {*NEWS_TYPES, "*"}
