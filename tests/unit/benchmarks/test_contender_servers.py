import sys

import psutil
import pytest
from benchmarks.servers import Contender, Server, ServerError

ANSWERS = """
import http.server, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("X-Asked-With", self.headers.get("X-Key", "nothing"))
        self.end_headers()
        self.wfile.write(self.path.encode())
"""
SERVES = 'http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()\n'
WITH_A_STUBBORN_CHILD = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleep = "import threading; threading.Event().wait()"
subprocess.Popen([sys.executable, "-c", sleep], start_new_session=True)
"""


def contender(program, **more):
    return Contender("a server", (sys.executable, "-c", program), **more)


def test_a_server_is_ready_when_it_answers_and_is_asked_with_its_headers(tmp_path):
    with Server(contender(ANSWERS + SERVES, headers={"X-Key": "k"}), tmp_path) as server:
        answer = server.ask("GET", "/users/1")

        assert (answer.status, answer.body) == (200, b"/users/1")
        assert answer.headers["x-asked-with"] == "k"
        assert server.ready_after_s > 0
        assert server.peak_memory_bytes() > 1_000_000
        assert server.cpu_s() > 0


def test_a_server_that_ends_at_once_is_an_error_with_what_it_said(tmp_path):
    with (
        pytest.raises(ServerError, match=r"(?s)ended at its start.*the port is taken"),
        Server(contender("raise SystemExit('the port is taken')"), tmp_path),
    ):
        pass


def test_a_preparation_that_fails_is_an_error_with_what_it_said(tmp_path):
    prepare = (sys.executable, "-c", "raise SystemExit('no such table')")
    with (
        pytest.raises(ServerError, match=r"(?s)failed.*no such table"),
        Server(contender(ANSWERS + SERVES, prepare=prepare), tmp_path),
    ):
        pass


def test_nothing_is_left_of_a_server_that_will_not_go(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.servers.STOP_TIMEOUT_S", 0.1)
    family = []
    # Other tests leave a process of Python's own behind, which tracks what they share.
    others = set(psutil.Process().children(recursive=True))

    def interrupted_while_it_runs():
        with Server(contender(ANSWERS + WITH_A_STUBBORN_CHILD + SERVES), tmp_path):
            family.extend(set(psutil.Process().children(recursive=True)) - others)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted_while_it_runs()

    assert len(family) == 2
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
