"""What a request has to hold to become a WebSocket."""

import pytest

from event_seating.http_server.handshake import BadHandshake, accept_key, check_handshake

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
RIGHT = {
    b"host": b"tickets.example",
    b"upgrade": b"websocket",
    b"connection": b"Upgrade",
    b"sec-websocket-version": b"13",
    b"sec-websocket-key": KEY,
}


def refused(**changed: bytes | None) -> BadHandshake:
    """Why it is refused with these headers changed, or left out."""
    headers = dict(RIGHT)
    for name, value in changed.items():
        if value is None:
            del headers[name.replace("_", "-").encode()]
        else:
            headers[name.replace("_", "-").encode()] = value
    with pytest.raises(BadHandshake) as found:
        check_handshake(headers.items())
    return found.value


def test_the_key_of_the_answer_is_that_of_the_rfc() -> None:
    assert accept_key(KEY) == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    ("upgrade", "connection"),
    [
        (b"websocket", b"upgrade"),
        (b"WebSocket", b"UPGRADE"),
        (b"h2c, websocket", b"keep-alive, Upgrade"),
        (b"websocket ,h2c", b"keep-alive\t,\tupgrade"),
    ],
)
def test_the_tokens_may_stand_in_lists_and_in_any_case(upgrade: bytes, connection: bytes) -> None:
    check_handshake((RIGHT | {b"upgrade": upgrade, b"connection": connection}).items())


@pytest.mark.parametrize(
    "upgrade", [None, b"", b"h2c", b"websockets", b"web socket", b"xwebsocket"]
)
def test_another_protocol_is_refused(upgrade: bytes | None) -> None:
    assert refused(upgrade=upgrade).status == 400


@pytest.mark.parametrize("connection", [None, b"", b"close", b"keep-alive", b"upgrade-insecure"])
def test_a_connection_that_is_not_to_be_upgraded_is_refused(connection: bytes | None) -> None:
    assert refused(connection=connection).status == 400


@pytest.mark.parametrize("version", [None, b"", b"8", b"0", b"14", b"113", b"013", b"13, 8"])
def test_another_version_is_refused_with_the_one_that_is_spoken(version: bytes | None) -> None:
    error = refused(sec_websocket_version=version)
    assert error.status == 426
    assert error.headers == ((b"sec-websocket-version", b"13"),)


@pytest.mark.parametrize(
    "key",
    [
        None,
        b"",
        KEY[:-1],
        KEY + b"=",
        KEY + b"\n",
        b"dGhlIHNhbXBsZSBub25jZ===",  # 15 bytes
        b"dGhlIHNhbXBsZSBub25jZWE=",  # 17 bytes
        b"dGhlIHNhbXBs-SBub25jZQ==",  # not base64's usual alphabet
        b"dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",  # it came twice
    ],
)
def test_a_key_that_is_not_16_bytes_in_base64_is_refused(key: bytes | None) -> None:
    assert refused(sec_websocket_key=key).status == 400


def test_a_refusal_says_why() -> None:
    assert refused(upgrade=None).sentence == "`Upgrade` does not name `websocket`."
