"""The clocks of a process."""

from datetime import UTC, datetime

from event_seating.clock import SystemClock


def test_the_clock_of_the_machine_does_not_run_backwards() -> None:
    clock = SystemClock()
    times = [clock.monotonic() for _ in range(100)]
    assert times == sorted(times)
    assert abs(clock.now_ms() - datetime.now(UTC).timestamp() * 1000) < 60_000
