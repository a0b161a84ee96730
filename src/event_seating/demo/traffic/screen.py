"""A run on the terminal: a progress bar, the numbers at the end, and Ctrl-C to stop it."""

import asyncio
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from event_seating.clock import SystemClock
from event_seating.demo.traffic.crowd import Crowd, TrafficOptions
from event_seating.demo.traffic.tally import TrafficCounts

REDRAW_S: Final = 0.2
"""Seconds between updates: five times a second looks alive and costs nothing."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


async def run(asked: TrafficOptions, console: Console) -> None:
    """Fill the event and print the result; raises `StartupError` if it could not run."""
    chance = random.Random()  # noqa: S311 (nobody gains by guessing it)
    crowd = Crowd(asked, SystemClock(), chance)
    with _ended_by_signals(crowd):
        await crowd.open()
        console.print(f"{crowd.event['name']} ({crowd.event['id']})", highlight=False, markup=False)
        if not crowd.target:
            console.print("as many of its seats are sold as --share allows")
            return
        shown = asyncio.create_task(_show(crowd, asked.seconds, console))
        try:
            await crowd.run()
        finally:
            crowd.stop.now()
            await shown
    console.print(summary(crowd.tally), highlight=False)
    if crowd.stop.error is not None:
        raise crowd.stop.error


def summary(tally: TrafficCounts) -> str:
    """The numbers of a run, one line for each kind."""
    refused = ", ".join(f"{count} {code}" for code, count in tally.refused.most_common())
    left = f"{tally.released} released, {tally.abandoned} left to run out"
    return "\n".join(
        (
            f"held      {tally.held} seats in {tally.holds} holds",
            f"booked    {tally.booked} seats in {tally.bookings} bookings",
            f"given up  {left}, {tally.cancelled} cancelled",
            f"refused   {refused or 'nothing'}",
            f"requests  {tally.requests} in {tally.seconds:.1f} s, {tally.rate:.1f}/s",
        )
    )


async def _show(crowd: Crowd, seconds: float, console: Console) -> None:
    tally = crowd.tally
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, auto_refresh=False, transient=True) as progress:
        task = progress.add_task("", total=1.0)
        while not crowd.stop.is_over:
            # The limit that will be reached first.
            done = max(tally.seconds / seconds, tally.sold / crowd.target)
            text = (
                f"{tally.sold} sold, {tally.refused.total()} refused, {tally.rate:.0f} requests/s"
            )
            progress.update(task, completed=min(done, 1.0), description=text, refresh=True)
            await crowd.stop.pause(REDRAW_S)


@contextmanager
def _ended_by_signals(crowd: Crowd) -> Iterator[None]:
    """The first signal ends the run in an orderly way; the second one at once, by default."""
    loop = asyncio.get_running_loop()

    def end() -> None:
        crowd.stop.now()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    for number in _SIGNALS:
        loop.add_signal_handler(number, end)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
