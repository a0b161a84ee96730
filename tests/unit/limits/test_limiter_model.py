"""The limiter against a list of times for each client, over random windows, steps and clients."""

from math import ceil

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from event_seating.limits.limiter import Limiter
from event_seating.written import Window

CLIENTS = st.one_of(st.integers(0, 4), st.sampled_from(["key:a", "key:b"]))
STEPS = st.one_of(st.integers(0, 24), st.integers(0, 200)).map(lambda eighths: eighths / 8)
WINDOWS = st.lists(st.builds(Window, st.integers(1, 8), st.integers(1, 20)), min_size=1, max_size=4)


class NaiveLimiter:
    """Every accepted time for ever, and every window counted from the start each time."""

    def __init__(self, windows: list[Window]) -> None:
        self.windows = sorted(windows, key=lambda window: (window.seconds, window.limit))
        self.accepted: dict[object, list[float]] = {}

    def inside(self, client: object, window: Window, now: float) -> list[float]:
        return [at for at in self.accepted.get(client, []) if at > now - window.seconds]

    def admits(self, client: object, now: float) -> bool:
        return all(len(self.inside(client, w, now)) < w.limit for w in self.windows)

    def header(self, client: object, now: float) -> str:
        parts = []
        for window in self.windows:
            times = self.inside(client, window, now)
            t = ceil(min(times, default=now) + window.seconds - now)
            parts.append(f";r={window.limit - len(times)};t={t}")
        return ", ".join(parts)

    def retry_after_s(self, client: object, now: float) -> int:
        return next(s for s in range(100) if self.admits(client, now + s))

    def remembered_at_least(self, now: float) -> int:
        longest = self.windows[-1].seconds
        return sum(max(times) > now - longest for times in self.accepted.values())


def without_names(header: bytes) -> str:
    return ", ".join(part[part.index(";") :] for part in header.decode().split(", "))


class LimiterMachine(RuleBasedStateMachine):
    """Exact where there is room for every client, whatever is forgotten on the way."""

    @initialize(windows=WINDOWS)
    def begin(self, windows: list[Window]) -> None:
        self.now = 5_000.0
        self.limiter = Limiter(windows, lambda: self.now)
        self.model = NaiveLimiter(windows)

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
            assert without_names(verdict.header) == self.model.header(client, self.now)

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

    @initialize(windows=WINDOWS, max_clients=st.integers(1, 6))
    def begin(self, windows: list[Window], max_clients: int) -> None:
        self.now = 5_000.0
        self.max_clients = max_clients
        self.limiter = Limiter(windows, lambda: self.now, max_clients=max_clients)
        self.model = NaiveLimiter(windows)

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
