"""However a stream is cut into pieces, it holds the same requests and gets the same answers."""

import asyncio
import itertools

import pytest
from tests.support.framings import FRAMINGS
from tests.unit.http_server.outcomes import expected, outcomes
from tests.unit.http_server.recorded import REQUESTS


def cut(sent: bytes, *places: int) -> list[bytes]:
    return [sent[start:end] for start, end in itertools.pairwise((0, *places, len(sent)))]


@pytest.mark.parametrize("at_once", [False, True])
def test_each_recorded_request_is_read_as_the_reference_reads_it(at_once: bool) -> None:
    found = asyncio.run(outcomes([[sent] for sent in REQUESTS], at_once=at_once))
    for sent, outcome in zip(REQUESTS, found, strict=True):
        assert outcome == expected(sent), sent[:300]


def test_each_ambiguous_framing_is_read_as_the_reference_reads_it() -> None:
    found = asyncio.run(outcomes([[sent] for sent in FRAMINGS], at_once=False))
    for sent, outcome in zip(FRAMINGS, found, strict=True):
        assert outcome == expected(sent), sent


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.long)])
def test_every_place_where_a_request_can_be_cut_gives_the_same(every: int) -> None:
    async def read_all() -> None:
        for number, sent in enumerate(REQUESTS):
            step = every if len(sent) < 1_000 else 97
            places = range(1 + number % every, len(sent), step)
            for at_once in [number % 2 == 1] if every > 1 else [False, True]:
                found = await outcomes([cut(sent, place) for place in places], at_once=at_once)
                for place, outcome in zip(places, found, strict=True):
                    assert outcome == expected(sent), (sent[:place], sent[place:])

    asyncio.run(read_all())


@pytest.mark.parametrize("at_once", [False, True])
def test_a_request_that_comes_by_single_bytes_is_the_same(at_once: bool) -> None:
    short = [sent for sent in REQUESTS if len(sent) < 1_000]
    pieces = [[sent[at : at + 1] for at in range(len(sent))] for sent in short]
    found = asyncio.run(outcomes(pieces, at_once=at_once))
    for sent, outcome in zip(short, found, strict=True):
        assert outcome == expected(sent), sent
