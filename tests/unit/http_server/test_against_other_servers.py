"""One stream, four servers: no two read different requests from it, and ours is the strictest.

A stream is read by ours, h11, uvicorn with httptools, and granian. Each difference is of a class
that `docs/http.md` explains; the test prints how many there are of each (`pytest -s`).
"""

import asyncio
from collections import Counter
from typing import Final

import pytest
from tests.unit.http_server import other_servers
from tests.unit.http_server.other_servers import Read
from tests.unit.http_server.reference import BEGUN, read
from tests.unit.http_server.streams import streams

METHODS_OF_LLHTTP: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Those of them that the streams have; `BREW` is not one."""

SAME: Final = "same"
STRICTER: Final = "stricter"
SOONER: Final = "sooner"
LATER: Final = "later"
METHOD: Final = "method"
PERSISTENCE: Final = "persistence"
HOST: Final = "host"
TARGET: Final = "target"
UNEXPLAINED: Final = "unexplained"

EXPLAINED: Final = {
    "h11": {SAME, STRICTER, SOONER, LATER, PERSISTENCE, HOST},
    "uvicorn": {SAME, STRICTER, SOONER, LATER, PERSISTENCE, METHOD, TARGET},
    "granian": {SAME, STRICTER, SOONER, LATER, TARGET},
}

SLOWLY_S: Final = 5.0


def kind(name: str, stream: bytes, ours: Read, theirs: Read) -> str:
    """Of which class the difference is, if there is one."""
    common = min(len(ours.requests), len(theirs.requests))
    if ours.requests[:common] != theirs.requests[:common]:
        return TARGET if _targets_that_are_no_paths(ours, theirs) else UNEXPLAINED
    if not _same_headers(ours, theirs, common):
        return UNEXPLAINED
    if len(ours.requests) == len(theirs.requests) and ours.refused == theirs.refused:
        return SAME
    if ours.refused and common == len(ours.requests):
        return STRICTER
    if len(ours.requests) == len(theirs.requests):
        return SOONER if read(stream).end == BEGUN else UNEXPLAINED
    return _other_kind(stream, theirs, common, EXPLAINED[name])


def _targets_that_are_no_paths(ours: Read, theirs: Read) -> bool:
    pairs = zip(ours.requests, theirs.requests, strict=False)
    return all(
        our == their or (not our[1].startswith(b"/") and (our[0], our[2]) == (their[0], their[2]))
        for our, their in pairs
    )


def _same_headers(ours: Read, theirs: Read, common: int) -> bool:
    """`Host` apart, which an authority in the target replaces in ours, and the space after values,
    which uvicorn keeps."""

    def without_host(headers: tuple[tuple[bytes, bytes], ...]) -> list[tuple[bytes, bytes]]:
        return sorted((name, value.strip()) for name, value in headers if name != b"host")

    return all(
        without_host(our) == without_host(their)
        for our, their in zip(ours.headers[:common], theirs.headers[:common], strict=True)
    )


def _other_kind(stream: bytes, theirs: Read, common: int, explained: set[str]) -> str:
    requests = read(stream).requests
    if len(theirs.requests) > common:  # ours waits for the end of a head that it will refuse
        return LATER if read(stream + b"\r\n\r\n").end.isdigit() else UNEXPLAINED
    following = requests[common]
    hosts = [name for name, _ in following.headers].count(b"host")
    before_1_0 = common > 0 and requests[common - 1].minor == b"0"
    may_be = {
        PERSISTENCE: before_1_0 and not theirs.refused,
        METHOD: theirs.refused and following.method.decode() not in METHODS_OF_LLHTTP,
        TARGET: theirs.refused and not following.target.startswith(b"/"),
        HOST: theirs.refused and hosts != 1 and following.minor == b"1",
    }
    return next((each for each in explained if may_be.get(each)), UNEXPLAINED)


async def differences(every: list[bytes]) -> dict[str, Counter[str]]:
    ours = await other_servers.by_ours(every)
    found, strange = {}, list[object]()
    for name in EXPLAINED:
        theirs = await getattr(other_servers, f"by_{name}")(every)
        kinds = [kind(name, *each) for each in zip(every, ours, theirs, strict=True)]
        for number, stream in enumerate(every):
            if name == "granian" and kinds[number] not in EXPLAINED[name]:  # it may have been slow
                (again,) = await other_servers.by_granian([stream], SLOWLY_S)
                kinds[number] = kind(name, stream, ours[number], again)
                theirs[number] = again
            if kinds[number] not in EXPLAINED[name]:
                strange.append((name, kinds[number], stream, ours[number], theirs[number]))
        found[name] = Counter(kinds)
    assert strange == []
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("count", [300, pytest.param(3_000, marks=pytest.mark.long)])
def test_each_difference_is_ours_being_stricter_or_explained(count: int) -> None:
    every = [each.whole for each in streams(1, 2 * count)]
    every = [each for each in every if b"Sec-WebSocket" not in each][:count]
    found = asyncio.run(differences(every))
    for name, kinds in found.items():
        print(f"\n{name}: of {count} streams {dict(kinds.most_common())}", end="")  # noqa: T201
        assert kinds.total() == count
        assert kinds[SAME] > count / 2
        assert kinds[STRICTER] > 0
