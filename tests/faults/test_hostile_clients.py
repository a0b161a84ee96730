"""What no honest client sends, over real sockets: an answer or a closed connection, never a crash.

One server for all of them, which has to be well at the end.
"""

import json
import re
import socket
from collections.abc import Iterator

import httpx
import pytest
from tests.support.process import ServerProcess, serving, settings

HOST = b"Host: localhost\r\n"
LAST = HOST + b"Connection: close\r\n"
JSON = HOST + b"Content-Type: application/json\r\n"
USER = b'{"id":"u1","name":"U","email":"u1@example.com"}'

PATHS = ["/", "/users/1", "/health", "/health/ready", "/cache-status", "/metrics", "/docs",
         "/docs/swagger-ui-bundle.js", "/openapi.json", "/nope"]  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, http_server: str) -> Iterator[ServerProcess]:
    data = tmp_path_factory.mktemp(f"hostile-{http_server}")
    more = {"TRUSTED_PROXIES": "127.0.0.1", "RATE_LIMITS": "1000000/60s"}
    with serving(settings(data, **more)) as running:
        child = running.child
        yield running
        assert httpx.get(f"{running.url}/health/ready").status_code == 200
        assert running.child == child, "it died and was started again"


def connect(server: ServerProcess) -> socket.socket:
    port = int(server.url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def answer(server: ServerProcess, sent: bytes, *, breaks_off: bool = False) -> bytes:
    """All that comes back until the server closes; who breaks off sends no more."""
    with connect(server) as connection:
        try:
            connection.sendall(sent)
            if breaks_off:
                connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))
        except (BrokenPipeError, ConnectionResetError):
            return b""


def statuses(answered: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3})", answered)]


@pytest.mark.parametrize("path", PATHS)
def test_head_has_no_byte_of_a_body_on_the_wire(server: ServerProcess, path: str) -> None:
    answered = answer(server, b"HEAD %s HTTP/1.1\r\n%s\r\n" % (path.encode(), LAST))
    assert answered.endswith(b"\r\n\r\n")
    assert answered.count(b"\r\n\r\n") == 1
    assert b"content-length" in answered.lower()


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"hello\r\n\r\n", [400]),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400]),
        (b"GET /health HTTP/9.9\r\n" + HOST + b"\r\n", [400]),
        (b"GET /health\r\n", [400]),
        (b"GET /users/\x00 HTTP/1.1\r\n" + LAST + b"\r\n", [400]),
        (b"GET /health HTTP/1.1\r\n" + LAST + b"X: a\x00b\r\n\r\n", [400]),
        (b"GET /health HTTP/1.1\r\n" + LAST + b"X: a\rb\r\n\r\n", [400]),
        (b"GET /health HTTP/1.1\r\n" + LAST + b"X: a\r\n" * 200 + b"\r\n", [431]),
        (b"GET /" + b"a" * 8_192 + b" HTTP/1.1\r\n" + LAST + b"\r\n", [414]),
        (b"GET /health HTTP/1.1\r\n" + HOST + b"\r\nGET /health HTTP/1.1\r\n" + LAST + b"\r\n",
         [200, 200]),
        (b"GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /health HTTP/1.0\r\n\r\n",
         [200, 200]),
        (b"GET http://localhost/health HTTP/1.1\r\n" + LAST + b"\r\n", [200]),
        (b"CONNECT evil.example:443 HTTP/1.1\r\n" + LAST + b"\r\n", [404]),
        (b"OPTIONS * HTTP/1.1\r\n" + LAST + b"\r\n", [404]),
        (b"TRACE /health HTTP/1.1\r\n" + LAST + b"\r\n", [405]),
        (b"A" * 500 + b" /health HTTP/1.1\r\n" + LAST + b"\r\n", [405]),
        (b"GET //users/1 HTTP/1.1\r\n" + LAST + b"\r\n", [404]),
        (b"GET /users/1/ HTTP/1.1\r\n" + LAST + b"\r\n", [404]),
        (b"GET /users/%zz HTTP/1.1\r\n" + LAST + b"\r\n", [404]),
        (b"GET /users/%ff HTTP/1.1\r\n" + LAST + b"\r\n", [404]),
        (b"GET /users/%0a HTTP/1.1\r\n" + LAST + b"\r\n", [404]),
        (b"GET /docs/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" + LAST + b"\r\n", [404]),
        (b"GET /health HTTP/1.1\r\nHost: localhost:\r\nConnection: close\r\n\r\n", [200]),
        (b"GET /health HTTP/1.1\r\nHost: \xff\r\nConnection: close\r\n\r\n", [421]),
        (b"GET /health HTTP/1.1\r\n" + LAST + b"Authorization: \xff\r\n\r\n", [401]),
        (b"POST /users HTTP/1.1\r\n" + JSON + b"Content-Length: -5\r\n\r\n" + USER, [400]),
        (b"POST /users HTTP/1.1\r\n" + JSON + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n"
         + USER, [400]),
        (b"POST /users HTTP/1.1\r\n" + JSON + b"Content-Length: 5\r\n\r\n" + USER, [400, 400]),
        (b"POST /users HTTP/1.1\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
         [400]),
    ],
)  # fmt: skip
def test_an_odd_request_has_a_plain_answer(
    server: ServerProcess, sent: bytes, expected: list[int]
) -> None:
    answered = answer(server, sent)
    assert statuses(answered) == expected
    assert b"Traceback" not in answered


def test_a_head_beyond_the_limit_is_not_served(server: ServerProcess) -> None:
    long = b"X: " + b"a" * 200_000 + b"\r\n"
    answered = answer(server, b"GET /health HTTP/1.1\r\n" + LAST + long + b"\r\n")
    # A connection that is closed while the client sends may lose the answer.
    assert statuses(answered) in ([431], [])


@pytest.mark.parametrize(
    "length", [b"Content-Length: 500\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nff\r\n"]
)
def test_a_truncated_body_creates_nobody(server: ServerProcess, length: bytes) -> None:
    body = b'{"id":"half","name":"H","email":"half@example.com"}'
    sent = b"POST /users HTTP/1.1\r\n" + JSON + length + body
    assert statuses(answer(server, sent, breaks_off=True)) in ([400], [])
    assert httpx.get(f"{server.url}/users/half").status_code == 404


@pytest.mark.parametrize("path", ["/users", "/venues", "/events/e/holds", "/bookings/b/cancel"])
def test_who_hangs_up_within_a_body_crashes_nothing(server: ServerProcess, path: str) -> None:
    start = b"POST %s HTTP/1.1\r\n%sX-Request-Id: %s\r\nContent-Length: 500\r\n\r\n{"
    request_id = f"hung-up{path.replace('/', '-')}"
    with connect(server) as connection:
        connection.sendall(start % (path.encode(), JSON, request_id.encode()))
    assert " 400 " in server.wait_for_line(f"B  {request_id}")
    assert "ClientDisconnect" not in server.output


def test_an_escaped_letter_is_that_letter(server: ServerProcess) -> None:
    httpx.post(f"{server.url}/users", json={"id": "a1", "name": "A", "email": "a1@example.com"})
    answered = answer(server, b"GET /users/a%31 HTTP/1.1\r\n" + LAST + b"\r\n")
    assert statuses(answered) == [200]


@pytest.mark.parametrize("path", [b"/users/1", b"/health", b"/live"])
def test_a_websocket_is_refused_and_the_connection_goes_on(
    server: ServerProcess, path: bytes
) -> None:
    upgrade = (
        b"GET %s HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with connect(server) as connection:
        connection.sendall(upgrade % path)
        assert statuses(connection.recv(65536)) == [404]
        connection.sendall(b"GET /health HTTP/1.1\r\n" + LAST + b"\r\n")
        assert statuses(connection.recv(65536)) == [200]


@pytest.mark.parametrize("chunked", [False, True])
def test_five_megabytes_are_answered_with_413_once_they_are_sent(
    server: ServerProcess, chunked: bool
) -> None:
    part = b"x" * 1_000_000
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 5000000"
    body = (b"f4240\r\n%s\r\n" % part) * 5 + b"0\r\n\r\n" if chunked else part * 5
    with connect(server) as connection:
        connection.sendall(b"POST /users HTTP/1.1\r\n" + JSON + length + b"\r\n\r\n" + body)
        answered = connection.recv(65536)
    assert statuses(answered) == [413]
    assert json.loads(answered.partition(b"\r\n\r\n")[2])["code"] == "body_too_large"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (JSON + b"Content-Length: 5000000\r\n", 413),
        (HOST + b"Content-Type: text/plain\r\nContent-Length: 5\r\n", 415),
    ],
)
def test_who_asks_before_sending_is_refused_at_once(
    server: ServerProcess, head: bytes, expected: int
) -> None:
    with connect(server) as connection:
        connection.sendall(b"POST /users HTTP/1.1\r\n" + head + b"Expect: 100-continue\r\n\r\n")
        assert statuses(connection.recv(65536)) == [expected]


def test_who_asks_before_sending_what_is_welcome_is_told_to_go_on(server: ServerProcess) -> None:
    head = b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(USER)
    with connect(server) as connection:
        connection.sendall(b"POST /users HTTP/1.1\r\n" + JSON + head)
        assert statuses(connection.recv(65536)) == [100]
        connection.sendall(USER)
        assert statuses(connection.recv(65536)) == [201]


def test_a_line_of_the_log_cannot_be_forged(server: ServerProcess) -> None:
    forged = b"%0a2026-01-01%20error%20forged"
    answer(server, b"GET /x" + forged + b" HTTP/1.1\r\n" + LAST + b"\r\n")
    answer(server, b"GET /y HTTP/1.1\r\n" + LAST + b"X-Request-Id: a forged\r\n\r\n")
    answer(server, b"GET /end-of-forgeries HTTP/1.1\r\n" + LAST + b"\r\n")
    server.wait_for_line("/end-of-forgeries")
    assert "forged" not in server.output.replace("/end-of-forgeries", "")


def test_many_who_dawdle_keep_nobody_else_waiting(server: ServerProcess) -> None:
    dawdlers = [connect(server) for _ in range(200)]
    try:
        for number, dawdler in enumerate(dawdlers):
            half = b"POST /users HTTP/1.1\r\n" + JSON + b"Content-Length: 500\r\n\r\n{"
            dawdler.sendall(half if number % 2 else b"GET /health HT")
        assert httpx.get(f"{server.url}/health", timeout=5).status_code == 200
        assert httpx.get(f"{server.url}/users/nobody", timeout=5).status_code == 404
    finally:
        for dawdler in dawdlers:
            dawdler.close()


@pytest.mark.long
def test_the_addresses_that_a_proxy_names_cost_bounded_memory(server: ServerProcess) -> None:
    def ask(first: int, count: int) -> None:
        request = b"GET /nope HTTP/1.1\r\n" + HOST + b"X-Forwarded-For: %s198.51.%d.%d\r\n\r\n"
        with connect(server) as connection:
            for number in range(first, first + count, 20):
                batch = range(number, number + 20)
                junk = b"x" * 1_000 + b"%d, "
                connection.sendall(
                    b"".join(request % (junk % n, n // 250 % 250, n % 250) for n in batch)
                )
                seen = b""
                while seen.count(b"HTTP/1.1 404") < 20 or not seen.endswith(b"}"):
                    seen += connection.recv(65536)

    ask(0, 1_000)
    before = server.child.memory_info().rss
    ask(1_000, 1_500)
    assert server.child.memory_info().rss - before < 20_000_000
