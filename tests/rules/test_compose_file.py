"""compose.yaml fits together, and no service of it may do more than it needs.

It is read and held against the repository here; no container is started.
"""

import json
import re
from ipaddress import ip_address, ip_network
from typing import Any, Final

import pytest
import yaml
from tests.support import markdown
from tests.support.repository import ROOT

from event_seating.processes import child_process
from event_seating.settings.describe import environment_name
from event_seating.settings.model import Settings
from event_seating.valkey import embedded

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PAGE = (ROOT / "docs/running.md").read_text()

SETTINGS = {environment_name(name) for name in Settings.model_fields}
SETTABLE = SETTINGS | {f"{name}_FILE" for name in Settings.secret_names}
OURS = {name for name, service in SERVICES.items() if "build" in service}

CAPABILITIES: Final = {"proxy": ["NET_BIND_SERVICE"]}
"""What a service needs of root's powers; all others have none of them."""

ENDS: Final = {"migrate"}
"""Done once: there is nothing to start again, and nobody to ask."""

SERVES_NOTHING: Final = {"worker"}
"""Nobody can ask it; that it died is seen by its parent, that it stands still by an alert."""

each_service = pytest.mark.parametrize("name", SERVICES)


@each_service
def test_a_service_writes_nowhere_but_where_it_is_told_and_has_no_privilege(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == CAPABILITIES.get(name, [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "network_mode", "pid", "ipc", "devices"} & set(service)


@each_service
def test_a_service_is_bounded(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert 0 < service["pids_limit"] <= 256
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    for mount in service.get("tmpfs", []):
        assert re.fullmatch(r"/[\w/-]+:size=\d+m", mount)


@each_service
def test_a_service_that_dies_is_started_again_and_one_that_hangs_is_seen(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == ("no" if name in ENDS else "unless-stopped")
    check = service.get("healthcheck")
    if name in ENDS | SERVES_NOTHING:
        assert check == {"disable": True}
    elif check is None:
        assert name in OURS, "only our image has one of its own"
        assert re.search(r"^HEALTHCHECK ", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    else:
        assert check["test"][0] in {"CMD", "CMD-SHELL"}
        assert {"interval", "timeout", "retries"} <= set(check)


def test_only_the_proxy_can_be_reached() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"proxy"}
    open_to_all = [port for port in SERVICES["proxy"]["ports"] if not port.startswith("127.0.0.1:")]
    assert open_to_all == ["80:80", "443:443", "443:443/udp"]
    for name in ("database", "valkey", "prometheus"):
        assert all(network_of(network)["internal"] for network in SERVICES[name]["networks"])


def test_the_service_believes_the_proxy_and_nobody_else() -> None:
    shared = set(SERVICES["proxy"]["networks"]) & set(SERVICES["app"]["networks"])
    assert shared == {"served"}, "it would come from another address by another network"
    address = SERVICES["proxy"]["networks"]["served"]["ipv4_address"]
    (pool,) = network_of("served")["ipam"]["config"]
    assert ip_address(address) in ip_network(pool["subnet"])
    assert SERVICES["app"]["environment"]["TRUSTED_PROXIES"] == f"${{TRUSTED_PROXIES:-{address}}}"


@each_service
def test_what_a_service_names_is_there(name: str) -> None:
    service = SERVICES[name]
    assert set(service.get("depends_on", {})) <= set(SERVICES)
    assert service["networks"]
    assert set(service["networks"]) <= set(COMPOSE["networks"])
    secrets = service.get("secrets", [])
    assert set(secrets) <= set(COMPOSE["secrets"])
    text = json.dumps(service)
    assert set(re.findall(r"/run/secrets/(\w+)", text)) <= set(secrets)
    for mount in service.get("volumes", []):
        source, target, *mode = mount.split(":")
        assert target.startswith("/")
        if source.startswith("./"):
            assert (ROOT / source).exists()
            assert mode == ["ro"]
        else:
            assert source in COMPOSE["volumes"]


def test_each_variable_is_a_setting() -> None:
    assert {"migrate", "app", "worker"} == OURS
    for name in OURS:
        assert set(SERVICES[name]["environment"]) <= SETTABLE
    asked = set(re.findall(r"(?<!\$)\$\{(\w+)", json.dumps(SERVICES)))
    assert asked - SETTABLE == {"SITE_ADDRESS"}
    assert {"SMTP_URL", "MAIL_FROM", "CHECKOUT_URL"} <= asked
    assert "`SITE_ADDRESS`" in PAGE


def test_a_default_that_compose_repeats_is_one_that_settings_take() -> None:
    defaults = {
        name.lower(): match[1]
        for name, value in SERVICES["app"]["environment"].items()
        if (match := re.fullmatch(r"\$\{\w+:-(.+)\}", value))
    }
    Settings(**defaults)
    for name in ("RATE_LIMITS", "SEATING_RATE_LIMITS", "WRONG_KEY_LIMITS"):
        assert getattr(Settings(**defaults), name.lower()) == getattr(Settings(), name.lower())


def test_the_service_is_given_the_time_that_stopping_may_take() -> None:
    longest_s = child_process.STOP_WITHIN_S + embedded.STOP_WITHIN_S
    for name in ("app", "worker"):
        assert int(SERVICES[name]["stop_grace_period"].rstrip("s")) > longest_s


def test_the_tables_are_there_before_anybody_uses_them() -> None:
    for name in ("app", "worker"):
        migrated = SERVICES[name]["depends_on"]["migrate"]["condition"]
        assert migrated == "service_completed_successfully"


def test_the_page_says_how_each_secret_is_made_and_the_repository_takes_none() -> None:
    commands = "".join(block.text for block in markdown.blocks(PAGE) if block.language == "sh")
    for secret in COMPOSE["secrets"].values():
        assert f"> {secret['file'].removeprefix('./')}\n" in commands
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_prometheus_asks_as_the_example_does() -> None:
    example, ours = (
        yaml.safe_load((ROOT / path).read_text())
        for path in ("deploy/prometheus/prometheus.yml", "deploy/compose/prometheus.yml")
    )
    (asked,) = ours["scrape_configs"]
    assert asked["static_configs"] == [{"targets": ["app:3001"]}]
    assert asked["authorization"] == {"credentials_file": "/run/secrets/admin_api_key"}
    (shown,) = example["scrape_configs"]
    shown["static_configs"], shown["authorization"] = (
        asked["static_configs"],
        asked["authorization"],
    )
    assert ours == example


def test_grafana_finds_prometheus_and_the_dashboard() -> None:
    provisioning = ROOT / "deploy/grafana/provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert source["type"] == "prometheus"
    assert source["isDefault"] is True
    assert source["url"] == "http://prometheus:9090"
    (provider,) = yaml.safe_load((provisioning / "dashboards/event-seating.yml").read_text())[
        "providers"
    ]
    mounts = dict(mount.split(":")[:2] for mount in SERVICES["grafana"]["volumes"])
    assert mounts["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
    dashboard = mounts["./deploy/grafana/event-seating.json"]
    assert dashboard.startswith(f"{provider['options']['path']}/")


def network_of(name: str) -> dict[str, Any]:
    """What the file says of a network; one of which it says nothing can be left."""
    return {"internal": False} | (COMPOSE["networks"][name] or {})
