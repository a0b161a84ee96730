"""A real Prometheus, asking a server as `deploy/prometheus/prometheus.yml` says."""

import json
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml
from tests.support import system_packages
from tests.support.process import ServerProcess, serving, settings
from tests.support.repository import ROOT
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

DEPLOY: Final = ROOT / "deploy"
KEY: Final = secrets.token_hex(24)
STOPS_WITHIN_S: Final = 30


@pytest.fixture(scope="module")
def programs() -> Iterator[Path]:
    """The directory of `prometheus` and `promtool`: where they are installed, or Debian's."""
    with tempfile.TemporaryDirectory(prefix="es-prometheus-") as directory:
        installed = shutil.which("promtool")
        if installed is None:
            system_packages.unpacked("prometheus", Path(directory))
        found = Path(installed).parent if installed else Path(directory) / "usr/bin"
        if not (found / "prometheus").exists():
            raise RuntimeError("this needs prometheus and promtool: `apt-get install prometheus`")
        yield found


class Prometheus:
    """One that runs, asked by its API."""

    def __init__(self, client: httpx.Client) -> None:
        """Asked by a client whose base is its address."""
        self._client = client

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            return self._client.get("/api/v1/status/buildinfo").status_code == 200
        except httpx.TransportError:
            return False

    def values(self, expression: str) -> list[str]:
        """What an expression comes to now; one that it does not understand is an error."""
        answer = self._client.get("/api/v1/query", params={"query": expression})
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        return [found["value"][1] for found in answer.json()["data"]["result"]]

    def alerts(self) -> list[str]:
        """Those that fire, or will if nothing changes."""
        return [
            rule["name"] for rule in self.rules() if rule.get("state", "inactive") != "inactive"
        ]

    def rules(self) -> list[dict[str, Any]]:
        """Every rule that it has, with what came of it."""
        groups = self._client.get("/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]


@contextmanager
def asking(
    server: ServerProcess, programs: Path, directory: Path, key: str
) -> Iterator[Prometheus]:
    """The page's configuration, asking this server every second instead of every 15."""
    text = (DEPLOY / "prometheus/prometheus.yml").read_text()
    (directory / "key").write_text(key)
    for named, here in (
        ("127.0.0.1:3001", server.url.removeprefix("http://")),
        ("/etc/prometheus/event-seating-key", f"{directory}/key"),
        ("scrape_interval: 15s", "scrape_interval: 1s\n  evaluation_interval: 1s"),
    ):
        assert text.count(named) == 1
        text = text.replace(named, here)
    (directory / "prometheus.yml").write_text(text)
    shutil.copy(DEPLOY / "prometheus/rules.yml", directory)
    with socket.create_server(("127.0.0.1", 0)) as found:
        address = f"127.0.0.1:{found.getsockname()[1]}"
    process = subprocess.Popen(
        [
            programs / "prometheus",
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            f"--web.listen-address={address}",
        ],
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://{address}") as client:
            prometheus = Prometheus(client)
            wait_until(prometheus.ready)
            yield prometheus
    finally:
        process.terminate()
        process.wait(STOPS_WITHIN_S)


def test_it_is_let_in_by_its_key_and_understands_every_rule_and_panel(
    programs: Path, tmp_path: Path
) -> None:
    board = json.loads((DEPLOY / "grafana/event-seating.json").read_text())
    with (
        serving(settings(tmp_path / "data", ADMIN_API_KEY=KEY)) as server,
        asking(server, programs, tmp_path, KEY) as prometheus,
    ):
        wait_until(lambda: prometheus.values('up{job="event-seating"}') == ["1"])
        assert prometheus.values("sum(live_subscribers)") == ["0"]
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                prometheus.values(target["expr"])
        wait_until(lambda: all(rule["health"] != "unknown" for rule in prometheus.rules()))
        assert {rule["health"] for rule in prometheus.rules()} == {"ok"}
        # Before it asked for the first time, it knew of no instance.
        wait_until(lambda: not prometheus.alerts())


def test_a_server_that_is_gone_is_down(programs: Path, tmp_path: Path) -> None:
    with (
        serving(settings(tmp_path / "data", ADMIN_API_KEY=KEY)) as server,
        asking(server, programs, tmp_path, KEY) as prometheus,
    ):
        wait_until(lambda: prometheus.values("up") == ["1"])
        server.kill()
        wait_until(lambda: prometheus.values("up") == ["0"])
        wait_until(lambda: prometheus.alerts() == ["Down"])


def test_a_wrong_key_looks_as_if_it_were_down(programs: Path, tmp_path: Path) -> None:
    with (
        serving(settings(tmp_path / "data", ADMIN_API_KEY=KEY)) as server,
        asking(server, programs, tmp_path, secrets.token_hex(24)) as prometheus,
    ):
        wait_until(lambda: prometheus.values("up") == ["0"])


def test_promtool_finds_nothing_wrong_with_the_configuration(
    programs: Path, tmp_path: Path
) -> None:
    for example in ("prometheus", "compose"):
        text = (DEPLOY / example / "prometheus.yml").read_text()
        key = tmp_path / "key"
        key.write_text(KEY)
        text = re.sub(r"(credentials_file:) \S+", rf"\1 {key}", text)
        (tmp_path / "prometheus.yml").write_text(text)
        shutil.copy(DEPLOY / "prometheus/rules.yml", tmp_path)
        subprocess.run([programs / "promtool", "check", "config", "prometheus.yml"],
                       cwd=tmp_path, check=True)  # fmt: skip


UP: Final = 'up{job="event-seating", instance="one"}'
ANSWERS: Final = 'http_request_duration_seconds_count{route="/users/{id}", status="%d"}'

FIRES: Final = [
    ("Down", {UP: "0x10"}, "2m", True),
    ("Down", {UP: "1x10"}, "2m", False),
    ("Down", {UP: "1x4 0x2 1x4"}, "10m", False),
    ("Down", {}, "2m", True),
    ("RedisAway", {'redis_up{instance="one"}': "0x10"}, "4m", True),
    ("RedisAway", {'redis_up{instance="one"}': "1x10"}, "4m", False),
    ("JobsWait", {"outbox_oldest_seconds": "900x10"}, "7m", True),
    ("JobsWait", {"outbox_oldest_seconds": "500x10"}, "7m", False),
    ("HighErrorRate", {ANSWERS % 200: "0+1000x20", ANSWERS % 500: "0+20x20"}, "15m", True),
    ("HighErrorRate", {ANSWERS % 200: "0+1000x20", ANSWERS % 500: "0+5x20"}, "15m", False),
]
"""An alert, the series that it looks at (a value a minute), when it is asked, whether it fires."""


@pytest.mark.parametrize(("alert", "series", "at", "fires"), FIRES)
def test_an_alert_fires_when_it_should(
    alert: str, series: dict[str, str], at: str, fires: bool, programs: Path, tmp_path: Path
) -> None:
    count = f'count(ALERTS{{alertname="{alert}", alertstate="firing"}})'
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": count,
                "eval_time": at,
                "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
            }
        ],
    }
    shutil.copy(DEPLOY / "prometheus/rules.yml", tmp_path)
    given = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [case]}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(given))
    tried = subprocess.run([programs / "promtool", "test", "rules", "test.yml"],
                           cwd=tmp_path, check=False, capture_output=True, text=True)  # fmt: skip
    assert tried.returncode == 0, tried.stdout + tried.stderr
