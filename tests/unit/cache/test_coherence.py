"""Keeping several caches right."""

from event_seating.cache import coherence as coherence_module
from event_seating.cache.coherence import Coherence


class Cached:
    """What one process remembers, and the signals it sends."""

    def __init__(self, *, alone: bool = False) -> None:
        self.said: list[tuple[str, str]] = []
        self.forgot: list[str] = []
        self.coherence = Coherence(None if alone else self._publish)
        self.coherence.attach(self.forgot.append, lambda: self.forgot.append("all"))

    def _publish(self, channel: str, message: str) -> None:
        self.said.append((channel, message))


def test_who_is_alone_always_caches_and_tells_nobody() -> None:
    coherence = Coherence(None)
    assert coherence.alone
    assert coherence.caching
    coherence.tell(["a"])
    coherence.tell_all()


def test_nothing_is_cached_before_signals_are_heard() -> None:
    cached = Cached()
    assert not cached.coherence.caching
    cached.coherence.on_up()
    assert cached.coherence.caching


def test_while_they_are_not_heard_nothing_is_cached_and_all_is_forgotten() -> None:
    cached = Cached()
    cached.coherence.on_up()
    cached.forgot.clear()
    cached.coherence.on_down()
    assert cached.forgot == ["all"]
    assert not cached.coherence.caching


def test_once_they_are_heard_again_all_is_forgotten_before_anything_is_cached() -> None:
    cached = Cached()
    caching_when_forgetting: list[bool] = []
    cached.coherence.attach(
        lambda _key: None, lambda: caching_when_forgetting.append(cached.coherence.caching)
    )
    cached.coherence.on_up()
    assert caching_when_forgetting == [False]


def test_each_key_of_a_signal_is_forgotten() -> None:
    cached = Cached()
    cached.coherence.on_changed("a b c")
    assert cached.forgot == ["a", "b", "c"]
    assert cached.coherence.heard == 1


def test_a_change_of_many_keys_goes_out_in_bounded_signals() -> None:
    cached = Cached()
    keys = [f"u{number}" for number in range(2 * coherence_module.KEYS_A_SIGNAL + 1)]
    cached.coherence.tell(keys)
    assert [channel for channel, _ in cached.said] == ["users"] * 3
    assert " ".join(message for _, message in cached.said).split(" ") == keys


def test_emptying_reaches_the_others() -> None:
    cached = Cached()
    cached.coherence.tell_all()
    assert cached.said == [("cache", "")]
    cached.coherence.on_cleared()
    assert cached.forgot == ["all"]
