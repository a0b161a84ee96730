"""Cache invalidation between processes."""

from event_seating.cache.invalidation import KEYS_PER_SIGNAL, CacheInvalidation


class Cached:
    """What one process remembers, and the signals it sends."""

    def __init__(self, *, alone: bool = False) -> None:
        self.said: list[tuple[str, str]] = []
        self.invalidated: list[str] = []
        self.invalidation = CacheInvalidation(None if alone else self._publish)
        self.invalidation.attach(self.invalidated.append, lambda: self.invalidated.append("all"))

    def _publish(self, channel: str, message: str) -> None:
        self.said.append((channel, message))


def test_a_process_that_is_alone_always_caches_and_publishes_nothing() -> None:
    invalidation = CacheInvalidation(None)
    assert invalidation.alone
    assert invalidation.subscribed
    invalidation.publish(["a"])
    invalidation.publish_all()


def test_nothing_is_cached_before_the_subscription() -> None:
    cached = Cached()
    assert not cached.invalidation.subscribed
    cached.invalidation.on_up()
    assert cached.invalidation.subscribed


def test_without_the_subscription_nothing_is_cached_and_everything_is_invalidated() -> None:
    cached = Cached()
    cached.invalidation.on_up()
    cached.invalidated.clear()
    cached.invalidation.on_down()
    assert cached.invalidated == ["all"]
    assert not cached.invalidation.subscribed


def test_when_the_subscription_is_back_all_is_invalidated_before_any_is_cached() -> None:
    cached = Cached()
    subscribed: list[bool] = []
    cached.invalidation.attach(
        lambda _key: None,
        lambda: subscribed.append(cached.invalidation.subscribed),
    )
    cached.invalidation.on_up()
    assert subscribed == [False]


def test_each_key_of_a_signal_is_invalidated() -> None:
    cached = Cached()
    cached.invalidation.on_changed("a b c")
    assert cached.invalidated == ["a", "b", "c"]
    assert cached.invalidation.remote_generation == 1


def test_a_change_of_many_keys_goes_out_in_bounded_signals() -> None:
    cached = Cached()
    keys = [f"u{number}" for number in range(2 * KEYS_PER_SIGNAL + 1)]
    cached.invalidation.publish(keys)
    assert [channel for channel, _ in cached.said] == ["users"] * 3
    assert " ".join(message for _, message in cached.said).split(" ") == keys


def test_emptying_reaches_the_others() -> None:
    cached = Cached()
    cached.invalidation.publish_all()
    assert cached.said == [("cache", "")]
    cached.invalidation.on_cleared()
    assert cached.invalidated == ["all"]
