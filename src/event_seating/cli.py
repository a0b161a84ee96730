"""The command line: `event-seating serve`, `migrate` and `settings`."""

import asyncio
import os
import sys

import typer

from event_seating import config
from event_seating.channel import EXIT_CANNOT_START
from event_seating.errors import StartupError

cli = typer.Typer(
    help="The self-hosted seating engine that never sells a seat twice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@cli.command()
def serve() -> None:
    """Serve the API; settings come from the environment (`event-seating settings`)."""
    from event_seating import supervisor  # noqa: PLC0415 (other commands start faster)

    raise typer.Exit(supervisor.run())


@cli.command()
def migrate() -> None:
    """Bring the database up to date; needed before `serve` in production."""
    from event_seating import preparation  # noqa: PLC0415

    typer.echo(asyncio.run(preparation.migrate(config.load())))


@cli.command()
def settings() -> None:
    """Print every setting with its default and what it is for."""
    typer.echo(config.as_text())


@cli.command()
def version() -> None:
    """Print the version."""
    from event_seating.version import VERSION  # noqa: PLC0415

    typer.echo(VERSION)


def main() -> None:
    """The console script: one clear line, and no stack trace, when something cannot start."""
    _open_the_standard_streams()
    try:
        cli()
    except StartupError as error:
        typer.echo(f"event-seating: {error}", err=True)
        sys.exit(EXIT_CANNOT_START)


def _open_the_standard_streams() -> None:
    """A stream that the caller closed leads nowhere, instead of into the next file opened here."""
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            # The lowest free number is taken, which is this one: the ones below are open by now.
            opened = os.open(os.devnull, os.O_RDWR)
            assert opened == descriptor
            os.set_inheritable(descriptor, True)  # the serving process gets it as well
            setattr(sys, name, os.fdopen(descriptor, mode))


if __name__ == "__main__":
    main()
