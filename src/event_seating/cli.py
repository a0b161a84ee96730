"""The command line; `event-seating --help` lists the commands."""

import asyncio
import math
import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from event_seating import private_files
from event_seating.errors import StartupError
from event_seating.processes.control_channel import EXIT_CANNOT_START
from event_seating.settings import describe, model

DEMO_SECONDS_MAX: Final = 3_600
"""A longer demo is a load test, for which there is `make bench`."""

DEMO_BUYERS_MAX: Final = 64
"""More buyers would hit the rate limit of their common address and wait."""

ARCHIVES: Final = "archives"
"""The directory of archived logs in `DATA_DIR`."""

cli = typer.Typer(
    help="The self-hosted seating engine that never sells a seat twice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@cli.command()
def serve() -> None:
    """Serve the API; settings come from the environment (`event-seating settings`)."""
    from event_seating.processes import supervisor  # noqa: PLC0415 (other commands start faster)

    raise typer.Exit(supervisor.serve())


@cli.command()
def worker() -> None:
    """Do jobs beside running servers, on their PostgreSQL and Redis (REDIS_URL); serve nothing."""
    from event_seating.processes import supervisor  # noqa: PLC0415

    raise typer.Exit(supervisor.work())


@cli.command()
def migrate() -> None:
    """Bring the database up to date; needed before `serve` in production."""
    from event_seating.processes import startup_checks  # noqa: PLC0415

    typer.echo(asyncio.run(startup_checks.migrate(model.load())))


@cli.command()
def demo(
    url: Annotated[
        str | None, typer.Option(help="The running server. Default: this machine, at PORT.")
    ] = None,
    event: Annotated[
        str | None,
        typer.Option(help="Id of the event. Default: the next one that is on sale."),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Key for a server in production. Default: ADMIN_API_KEY.")
    ] = None,
    seconds: Annotated[
        int, typer.Option(min=1, max=DEMO_SECONDS_MAX, help="Longest duration.")
    ] = 30,
    share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Largest share of the seats to sell.")
    ] = 0.6,
    buyers: Annotated[
        int, typer.Option(min=1, max=DEMO_BUYERS_MAX, help="Number of concurrent buyers.")
    ] = 8,
) -> None:
    """Fill an event of a running server with simulated buyers, to see something happen."""
    from rich.console import Console  # noqa: PLC0415

    from event_seating.demo.traffic import crowd, screen  # noqa: PLC0415

    if not math.isfinite(share):
        raise typer.BadParameter("not a share", param_hint="--share")
    loaded = model.load()
    own = loaded.admin_api_key
    asked = crowd.TrafficOptions(
        url=(url or f"http://localhost:{loaded.port}").rstrip("/"),
        key=key or (own.get_secret_value() if own is not None else None),
        event=event,
        seconds=seconds,
        share=share,
        buyers=buyers,
    )
    asyncio.run(screen.run(asked, Console()))


@cli.command()
def settings() -> None:
    """Print every setting with its default and its purpose."""
    typer.echo(describe.as_text())


@cli.command()
def simulate(
    seed: Annotated[int, typer.Option(help="The first seed.")] = 1,
    steps: Annotated[int, typer.Option(min=1, help="Requests and faults per run.")] = 5_000,
    seeds: Annotated[int, typer.Option(min=1, help="Number of consecutive seeds.")] = 1,
    jobs: Annotated[
        int, typer.Option(min=0, help="Number of processes; 0 means one per core.")
    ] = 0,
) -> None:
    """Look for a way to sell a seat twice: crashes, lost answers and wrong clocks, by seed."""
    from rich.console import Console  # noqa: PLC0415

    from event_seating.simulation import many  # noqa: PLC0415

    raise typer.Exit(many.simulate(range(seed, seed + seeds), steps, jobs or None, Console()))


@cli.command()
def verify(
    event: Annotated[str | None, typer.Option(help="Only this event.")] = None,
    archives: Annotated[
        Path | None, typer.Option(help="Directory of archived logs. Default: archives in DATA_DIR.")
    ] = None,
) -> None:
    """Compare the log of every event with its snapshots, bookings and seats; exit 1 if they differ.

    It only reads, and may run beside a server. If the archived part of a log is not available, the
    check begins with the oldest snapshot.
    """
    raise typer.Exit(asyncio.run(_verify(event, archives)))


async def _verify(event_id: str | None, archives: Path | None) -> int:
    from rich.console import Console  # noqa: PLC0415

    from event_seating.composition import job_services  # noqa: PLC0415
    from event_seating.maintenance import command  # noqa: PLC0415

    settings = model.load()
    grace_ms = settings.booking_grace_ms
    async with job_services.stored(settings) as (database, load_index):
        return await command.verify_all(
            database,
            load_index,
            event_id,
            grace_ms=grace_ms,
            archives=archives or settings.data_dir / ARCHIVES,
            console=Console(),
        )


@cli.command()
def archive(
    event: Annotated[str | None, typer.Option(help="Only this event.")] = None,
    to: Annotated[
        Path | None, typer.Option(help="Directory of the files. Default: archives in DATA_DIR.")
    ] = None,
    after_days: Annotated[
        int, typer.Option(min=1, help="Days since the event began and its log was last written.")
    ] = 30,
    check: Annotated[
        Path | None, typer.Option(help="Only check whether this file is a complete archive.")
    ] = None,
) -> None:
    """Move the logs of events that are over into files, up to the older of their two snapshots.

    Each file is read back before its rows leave the database. May run beside a server.
    """
    from rich.console import Console  # noqa: PLC0415

    from event_seating.maintenance import command  # noqa: PLC0415

    if check is not None:
        raise typer.Exit(command.check_file(check, Console()))
    raise typer.Exit(asyncio.run(_archive(event, to, after_days)))


async def _archive(event_id: str | None, to: Path | None, after_days: int) -> int:
    from rich.console import Console  # noqa: PLC0415

    from event_seating.clock import SystemClock  # noqa: PLC0415
    from event_seating.composition import job_services  # noqa: PLC0415
    from event_seating.maintenance import command  # noqa: PLC0415

    settings = model.load()
    directory = to or settings.data_dir / ARCHIVES
    try:
        async with job_services.stored(settings) as (database, load_index):
            return await command.archive_all(
                database,
                load_index,
                event_id,
                directory,
                SystemClock(),
                after_days=after_days,
                grace_ms=settings.booking_grace_ms,
                console=Console(),
            )
    except OSError as error:
        raise StartupError(f"{directory}: {error.strerror or error}; nothing was deleted") from None


@cli.command()
def version() -> None:
    """Print the version."""
    from event_seating.version import VERSION  # noqa: PLC0415

    typer.echo(VERSION)


def main() -> None:
    """The console script: a failure to start prints one clear line and no stack trace."""
    _open_the_standard_streams()
    private_files.keep_private()
    try:
        cli()
    except StartupError as error:
        typer.echo(f"event-seating: {error}", err=True)
        sys.exit(EXIT_CANNOT_START)


def _open_the_standard_streams() -> None:
    """Open a closed standard stream to nothing, so that the next opened file does not become it."""
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            # The lowest free number is used, which is this one: those below are open by now.
            opened = os.open(os.devnull, os.O_RDWR)
            assert opened == descriptor
            os.set_inheritable(descriptor, True)  # the serving process inherits it
            setattr(sys, name, os.fdopen(descriptor, mode))


if __name__ == "__main__":
    main()
