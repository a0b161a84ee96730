"""The files that run the service elsewhere name what exists here."""

import re

from tests.support.declared import endpoints
from tests.support.repository import ROOT

from event_seating.processes import child_process
from event_seating.settings.describe import environment_name
from event_seating.settings.model import Settings
from event_seating.valkey import embedded
from event_seating.web.roles import Role

DOCKERFILE = (ROOT / "Dockerfile").read_text()
UNIT = (ROOT / "deploy/systemd/event-seating.service").read_text()
WORKER_UNIT = (ROOT / "deploy/systemd/event-seating-worker.service").read_text()

SETTINGS = {environment_name(name) for name in Settings.model_fields}
SETTABLE = SETTINGS | {f"{name}_FILE" for name in Settings.secret_names}


def dockerfile_environment() -> dict[str, str]:
    """What the last stage sets."""
    (lines,) = re.findall(
        r"^ENV ((?:.*\\\n)*.*)", DOCKERFILE.rpartition("\nFROM ")[2], re.MULTILINE
    )
    return dict(re.findall(r"(\w+)=(\S+)", lines))


def unit_environment() -> dict[str, str]:
    return dict(re.findall(r"^Environment=(\w+)=(.*)$", UNIT, re.MULTILINE))


def test_each_variable_is_a_setting() -> None:
    assert set(dockerfile_environment()) - {"PATH"} <= SETTABLE
    assert set(unit_environment()) <= SETTABLE


def test_what_is_set_without_a_secret_makes_settings() -> None:
    given = dockerfile_environment() | unit_environment()
    names = {name.lower(): value for name, value in given.items() if name in SETTINGS}
    assert Settings(**names).production


def test_an_image_that_others_can_reach_needs_a_key() -> None:
    assert dockerfile_environment()["HOST"] == "0.0.0.0"
    assert dockerfile_environment()["APP_ENV"] == "production"


def test_the_image_is_made_of_wheels_with_hashes_alone() -> None:
    installs = re.findall(r"pip install((?:.*\\\n)*.*)", DOCKERFILE)
    assert len(installs) == 3
    for install in installs:
        hashed = "--require-hashes" in install and "--only-binary :all:" in install
        assert hashed or ("--no-deps" in install and "--no-index" in install)


def test_what_the_image_copies_is_there_and_sent_to_the_builder() -> None:
    sent = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for name in line.split():
            assert (ROOT / name).exists()
            assert name.split("/")[0] in sent


def test_the_image_has_a_user_without_rights_and_asks_whether_it_is_ready() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    (path,) = re.findall(r"%s(/\S+?)'", last)
    assert endpoints()[f"GET {path}"].access == Role.anyone


def test_the_service_is_given_the_time_that_stopping_may_take() -> None:
    longest_s = child_process.STOP_WITHIN_S + embedded.STOP_WITHIN_S
    assert longest_s < 25
    for unit in (UNIT, WORKER_UNIT):
        (seconds,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
        assert int(seconds) > longest_s


def test_the_worker_is_started_as_one_with_a_directory_of_its_own() -> None:
    (command,) = re.findall(r"^ExecStart=\S+/event-seating (\w+)$", WORKER_UNIT, re.MULTILINE)
    assert command == "worker"
    of_the_server, of_the_worker = (
        re.findall(r"^StateDirectory=(.+)$", unit, re.MULTILINE) for unit in (UNIT, WORKER_UNIT)
    )
    assert of_the_server != of_the_worker
    names = re.findall(r"^Environment=(\w+)=", WORKER_UNIT, re.MULTILINE)
    assert set(names) <= SETTABLE


def test_what_systemd_starts_is_what_the_page_installs() -> None:
    page = (ROOT / "docs/running.md").read_text()
    commands = re.findall(r"^ExecStart(?:Pre)?=(\S+)/bin/event-seating (\w+)$", UNIT, re.MULTILINE)
    assert commands == [("/opt/event-seating", "migrate"), ("/opt/event-seating", "serve")]
    assert "python3 -m venv /opt/event-seating\n" in page
    (credential,) = re.findall(r"^LoadCredential=\w+:(\S+)$", UNIT, re.MULTILINE)
    assert f"> {credential}\n" in page
