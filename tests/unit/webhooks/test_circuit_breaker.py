"""Receivers that do not answer rest for a moment."""

from event_seating.webhooks.circuit_breaker import REST_S, SILENT_MOST, CircuitBreaker
from event_seating.webhooks.model import WEBHOOKS_MAX


class Watch:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def silenced(resting: CircuitBreaker, webhook: str, times: int) -> None:
    for _ in range(times):
        resting.said_nothing(webhook)


def test_a_few_silences_in_a_row_make_a_rest_that_ends() -> None:
    watch = Watch()
    resting = CircuitBreaker(watch)
    silenced(resting, "a", SILENT_MOST - 1)
    assert not resting.is_resting("a")
    silenced(resting, "a", 1)
    assert resting.is_resting("a")
    assert not resting.is_resting("b")
    watch.now += REST_S
    assert not resting.is_resting("a")


def test_after_a_rest_one_silence_is_enough_and_one_answer_makes_it_good() -> None:
    watch = Watch()
    resting = CircuitBreaker(watch)
    silenced(resting, "a", SILENT_MOST)
    watch.now += REST_S
    silenced(resting, "a", 1)
    assert resting.is_resting("a")
    resting.answered("a")
    assert not resting.is_resting("a")
    silenced(resting, "a", SILENT_MOST - 1)
    assert not resting.is_resting("a")


def test_it_remembers_no_more_receivers_than_there_may_be() -> None:
    resting = CircuitBreaker(Watch())
    for number in range(10 * WEBHOOKS_MAX):
        silenced(resting, str(number), SILENT_MOST)
    assert len(resting._silent) == WEBHOOKS_MAX
    assert resting.is_resting(str(10 * WEBHOOKS_MAX - 1))
