"""The limiter against a list of times for each client, over random windows, steps and clients.

Both of its kinds: the one that keeps times, and the one that counts by parts of a window.
"""

from fractions import Fraction
from math import ceil

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from event_seating.limits.counters import PARTS
from event_seating.limits.limiter import TIMES_MAX_BYTES, Limiter
from event_seating.settings.parsers import Window

CLIENTS = st.one_of(st.integers(0, 4), st.sampled_from(["key:a", "key:b"]))
STEPS = st.one_of(st.integers(0, 24), st.integers(0, 200)).map(lambda eighths: eighths / 8)
WINDOWS = st.lists(st.builds(Window, st.integers(1, 8), st.integers(1, 20)), min_size=1, max_size=4)


class NaiveLimiter:
    """Every accepted time for ever, and every window counted from the start each time.

    With `parts` a time counts as the end of the part of the window in which it lies.
    """

    def __init__(self, windows: list[Window], parts: int | None = None) -> None:
        self.parts = parts
        self.windows = sorted(windows, key=lambda window: (window.seconds, window.limit))
        self.accepted: dict[object, list[float]] = {}

    def counts_as(self, at: float, window: Window) -> float | Fraction:
        if self.parts is None:
            return at
        part = Fraction(window.seconds, self.parts)
        return (Fraction(at) // part + 1) * part

    def inside(self, client: object, window: Window, now: float) -> list[float | Fraction]:
        times = [self.counts_as(at, window) for at in self.accepted.get(client, [])]
        return [at for at in times if at > now - window.seconds]

    def admits(self, client: object, now: float) -> bool:
        return all(len(self.inside(client, w, now)) < w.limit for w in self.windows)

    def header(self, client: object, now: float, *, admitted: bool) -> str:
        """After a request that was accepted last if it was `admitted`; `t` is of those before."""
        parts = []
        for window in self.windows:
            times = self.inside(client, window, now)
            before = times[:-1] if admitted else times
            t = ceil(min(before) + window.seconds - now) if before else window.seconds
            parts.append(f";r={window.limit - len(times)};t={t}")
        return ", ".join(parts)

    def retry_after_s(self, client: object, now: float) -> int:
        return next(s for s in range(100) if self.admits(client, now + s))

    def remembered_at_least(self, now: float) -> int:
        longest = self.windows[-1]
        return sum(bool(self.inside(client, longest, now)) for client in self.accepted)


def without_names(header: bytes) -> str:
    return ", ".join(part[part.index(";") :] for part in header.decode().split(", "))


class LimiterMachine(RuleBasedStateMachine):
    """Exact where there is room for every client, whatever is forgotten on the way."""

    @initialize(windows=WINDOWS, exact=st.booleans())
    def begin(self, windows: list[Window], exact: bool) -> None:
        self.now = 5_000.0
        bound = TIMES_MAX_BYTES if exact else 0
        self.limiter = Limiter(windows, lambda: self.now, times_max_bytes=bound)
        self.model = NaiveLimiter(windows, None if exact else PARTS)
        assert self.limiter.exact is exact

    @rule(client=CLIENTS, times=st.integers(1, 6))
    def ask(self, client: object, times: int) -> None:
        for _ in range(times):
            expected = self.model.admits(client, self.now)
            wait_s = self.model.retry_after_s(client, self.now)
            if expected:
                self.model.accepted.setdefault(client, []).append(self.now)
            verdict = self.limiter.check(client)
            assert verdict.admitted is expected
            assert verdict.retry_after_s == wait_s
            assert without_names(verdict.header) == self.model.header(
                client, self.now, admitted=expected
            )

    @rule(step=STEPS)
    def pass_time(self, step: float) -> None:
        self.now += step

    @rule(most=st.integers(0, 5))
    def forget(self, most: int) -> None:
        before = len(self.limiter)
        forgotten = self.limiter.forget_idle(most)
        assert 0 <= forgotten <= most
        assert len(self.limiter) == before - forgotten

    @rule()
    def forget_all(self) -> None:
        self.limiter.forget_idle(100)
        assert len(self.limiter) == self.model.remembered_at_least(self.now)

    @invariant()
    def nobody_with_a_time_in_a_window_is_forgotten(self) -> None:
        if hasattr(self, "model"):
            assert len(self.limiter) >= self.model.remembered_at_least(self.now)


class CrowdedLimiterMachine(RuleBasedStateMachine):
    """With too little room for all: bounded, and never stricter than the rule."""

    @initialize(windows=WINDOWS, max_clients=st.integers(1, 6), exact=st.booleans())
    def begin(self, windows: list[Window], max_clients: int, exact: bool) -> None:
        self.now = 5_000.0
        self.max_clients = max_clients
        self.limiter = Limiter(
            windows,
            lambda: self.now,
            max_clients=max_clients,
            times_max_bytes=TIMES_MAX_BYTES if exact else 0,
        )
        self.model = NaiveLimiter(windows, None if exact else PARTS)

    @rule(client=CLIENTS)
    def ask(self, client: object) -> None:
        verdict = self.limiter.check(client)
        assert verdict.admitted or not self.model.admits(client, self.now)
        if verdict.admitted:
            self.model.accepted.setdefault(client, []).append(self.now)
        assert len(self.limiter) <= self.max_clients

    @rule(step=STEPS)
    def pass_time(self, step: float) -> None:
        self.now += step

    @rule(most=st.integers(0, 5))
    def forget(self, most: int) -> None:
        self.limiter.forget_idle(most)


SHORT = settings(max_examples=60, stateful_step_count=40, deadline=None, database=None)

TestLimiter = LimiterMachine.TestCase
TestLimiter.settings = SHORT
TestCrowdedLimiter = CrowdedLimiterMachine.TestCase
TestCrowdedLimiter.settings = SHORT
