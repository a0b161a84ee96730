"""Receivers that do not answer rest for a moment."""

from event_seating.webhooks.circuit_breaker import OPEN_S, UNANSWERED_MAX, CircuitBreaker
from event_seating.webhooks.model import WEBHOOKS_MAX


class Watch:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def unanswered(circuits: CircuitBreaker, webhook: str, times: int) -> None:
    for _ in range(times):
        circuits.unanswered(webhook)


def test_a_few_silences_in_a_row_make_a_rest_that_ends() -> None:
    watch = Watch()
    circuits = CircuitBreaker(watch)
    unanswered(circuits, "a", UNANSWERED_MAX - 1)
    assert not circuits.is_open("a")
    unanswered(circuits, "a", 1)
    assert circuits.is_open("a")
    assert not circuits.is_open("b")
    watch.now += OPEN_S
    assert not circuits.is_open("a")


def test_after_a_rest_one_silence_is_enough_and_one_answer_makes_it_good() -> None:
    watch = Watch()
    circuits = CircuitBreaker(watch)
    unanswered(circuits, "a", UNANSWERED_MAX)
    watch.now += OPEN_S
    unanswered(circuits, "a", 1)
    assert circuits.is_open("a")
    circuits.answered("a")
    assert not circuits.is_open("a")
    unanswered(circuits, "a", UNANSWERED_MAX - 1)
    assert not circuits.is_open("a")


def test_it_remembers_no_more_receivers_than_there_may_be() -> None:
    circuits = CircuitBreaker(Watch())
    for number in range(10 * WEBHOOKS_MAX):
        unanswered(circuits, str(number), UNANSWERED_MAX)
    assert len(circuits._unanswered) == WEBHOOKS_MAX
    assert circuits.is_open(str(10 * WEBHOOKS_MAX - 1))
