"""What is wrong with a Redis, in words."""

import pytest
from redis import exceptions

from event_seating.valkey.diagnostics import UnfitServer, check_version, described


def refused() -> Exception:
    """As the library raises it."""
    try:
        try:
            raise ConnectionRefusedError(111, "Connection refused")
        except OSError as error:
            raise exceptions.ConnectionError("Error 111 connecting") from error
    except exceptions.ConnectionError as error:
        return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (exceptions.AuthenticationError("invalid username-password pair"), "password is wrong"),
        (exceptions.AuthenticationError("Authentication required."), "needs a password"),
        (exceptions.ConnectionError("HELLO must be called with the client already authenticated"),
         "needs a password"),
        (exceptions.OutOfMemoryError("command not allowed"), "full"),
        (exceptions.ReadOnlyError("You can't write"), "replica"),
        (exceptions.BusyLoadingError("loading"), "loading its data"),
        (exceptions.NoPermissionError("no"), "lacks a permission"),
        (exceptions.ResponseError("MISCONF Errors writing"), "cannot write to its disk"),
        (exceptions.ResponseError("ODD x" * 200), "it says: ODD"),
        (exceptions.TimeoutError("Timeout reading"), "does not answer"),
        (TimeoutError(), "does not answer"),
        (FileNotFoundError(2, "No such file or directory"), "No such file or directory"),
        (refused(), "cannot be reached: Connection refused"),
        (UnfitServer("it is too old"), "it is too old"),
    ],
)  # fmt: skip
def test_each_error_has_its_sentence(error: Exception, words: str) -> None:
    message = described(error)
    assert words in message
    assert len(message) < 300


@pytest.mark.parametrize("version", ["2.8.0", "5.0.14", "6.0.20", "6.1.9"])
def test_what_is_too_old_is_said_with_what_is_needed(version: str) -> None:
    with pytest.raises(UnfitServer, match=rf"{version}; 6\.2 or later"):
        check_version({"redis_version": version})


@pytest.mark.parametrize("version", ["6.2.0", "7.0", "7.2.4", "10.0.0", "unstable", ""])
def test_what_is_new_enough_or_not_known_will_do(version: str) -> None:
    check_version({"redis_version": version})
