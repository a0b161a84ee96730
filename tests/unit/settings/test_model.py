"""Every setting: how it is written, what it is when it is not, and what is refused."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from tests.support.smtp import CERTIFICATES

from event_seating.errors import StartupError
from event_seating.settings import describe, model
from event_seating.settings.model import Settings
from event_seating.settings.parsers import (
    AppEnv,
    HttpServerChoice,
    LogLevel,
    PrivateNetworks,
    SmtpServer,
    Tls,
    Window,
    parse_smtp_url,
)

AUTHORITY = CERTIFICATES / "authority.pem"

KEY = "an-admin-key-of-24-chars"

DEFAULTS: dict[str, Any] = {
    "port": 3001,
    "host": "127.0.0.1",
    "app_env": AppEnv.development,
    "http_server": HttpServerChoice.own,
    "log_level": LogLevel.info,
    "log_dir": Path(),
    "data_dir": Path("data"),
    "database_url": None,
    "database_pool_size": 10,
    "redis_url": None,
    "redis_host": None,
    "redis_port": 6379,
    "redis_password": None,
    "valkey_bin": None,
    "cache_ttl": 60,
    "cache_capacity": 1000,
    "db_latency_ms": 0,
    "rate_limits": ((5, 10), (10, 60)),
    "hold_ttl_s": 600,
    "max_seats_per_hold": 8,
    "max_held_seats_per_buyer": 40,
    "max_held_seats_per_address": 400,
    "currency": "EUR",
    "seating_rate_limits": ((60, 10), (200, 60)),
    "wrong_key_limits": ((10, 60), (60, 3_600)),
    "booking_grace_s": 60,
    "seat_memory_mb": 512,
    "log_mb_per_address": 32,
    "live_connections_max": 12_000,
    "connections_per_address": 2_000,
    "live_connections_per_address": 1_000,
    "secret_key": None,
    "smtp_url": None,
    "mail_from": None,
    "trusted_proxies": (),
    "cors_origins": (),
    "admin_api_key": None,
    "webhook_private_networks": None,
    "checkout_url": None,
    "drain_delay_s": None,
}

GIVEN: dict[str, tuple[str, Any]] = {
    "port": ("8080", 8080),
    "host": ("::1", "::1"),
    "app_env": ("test", AppEnv.test),
    "http_server": ("granian", HttpServerChoice.granian),
    "log_level": ("debug", LogLevel.debug),
    "log_dir": ("/var/log/es", Path("/var/log/es")),
    "data_dir": ("/var/lib/es", Path("/var/lib/es")),
    "database_url": ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
    "database_pool_size": ("20", 20),
    "redis_url": ("redis://u:p@h:1/2", "redis://u:p@h:1/2"),
    "redis_host": ("redis.internal", "redis.internal"),
    "redis_port": ("7000", 7000),
    "valkey_bin": ("/usr/bin/valkey-server", Path("/usr/bin/valkey-server")),
    "cache_ttl": ("0.5", 0.5),
    "cache_capacity": ("2", 2),
    "db_latency_ms": ("200", 200),
    "rate_limits": (" 1/2s , 3/4s", (Window(1, 2), Window(3, 4))),
    "hold_ttl_s": ("300", 300),
    "max_seats_per_hold": ("12", 12),
    "max_held_seats_per_buyer": ("60", 60),
    "max_held_seats_per_address": ("600", 600),
    "currency": ("CHF", "CHF"),
    "seating_rate_limits": ("7/8s", (Window(7, 8),)),
    "wrong_key_limits": ("3/9s", (Window(3, 9),)),
    "booking_grace_s": ("0.5", 0.5),
    "seat_memory_mb": ("64", 64),
    "mail_from": ("Box <box@example.com>", "Box <box@example.com>"),
    "log_mb_per_address": ("0", 0),
    "live_connections_max": ("9", 9),
    "connections_per_address": ("30", 30),
    "live_connections_per_address": ("3", 3),
    "trusted_proxies": (
        "10.0.0.0/8, 2001:db8::1",
        (ip_network("10.0.0.0/8"), ip_network("2001:db8::1")),
    ),
    "cors_origins": (
        "https://A.example/, http://b.example:81",
        ("https://a.example", "http://b.example:81"),
    ),
    "webhook_private_networks": ("refuse", PrivateNetworks.refuse),
    "checkout_url": ("https://shop.example/pay?a=1", "https://shop.example/pay?a=1"),
    "drain_delay_s": ("1.5", 1.5),
}


@pytest.fixture(autouse=True)
def nothing_set(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in environment:
        monkeypatch.delenv(name)


def test_the_tables_here_name_every_setting() -> None:
    secrets = {"admin_api_key", "secret_key", "redis_password", "smtp_url"}
    assert set(DEFAULTS) == set(Settings.model_fields) == {*GIVEN, *secrets}


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_setting_that_is_not_there_has_its_default(name: str) -> None:
    assert getattr(model.load(), name) == DEFAULTS[name]


@pytest.mark.parametrize("name", DEFAULTS)
def test_an_empty_one_counts_as_not_there(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name.upper(), "")
    assert getattr(model.load(), name) == DEFAULTS[name]


@pytest.mark.parametrize("name", GIVEN)
def test_a_setting_is_read_as_it_is_written(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written, value = GIVEN[name]
    monkeypatch.setenv(name.upper(), written)
    assert getattr(model.load(), name) == value


def test_the_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        model.load().port = 1  # type: ignore[misc]


def test_off_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMITS", "Off")
    monkeypatch.setenv("LOG_DIR", "off")
    settings = model.load()
    assert (settings.rate_limits, settings.log_dir, settings.log_directory) == ((), None, None)


class TestEnvironment:
    def test_node_env_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NODE_ENV", "test")
        assert model.load().app_env is AppEnv.test

    def test_app_env_goes_before_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NODE_ENV", "production")
        monkeypatch.setenv("APP_ENV", "test")
        assert model.load().app_env is AppEnv.test

    def test_an_empty_app_env_does_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NODE_ENV", "test")
        monkeypatch.setenv("APP_ENV", "")
        assert model.load().app_env is AppEnv.test

    @pytest.mark.parametrize(
        ("name", "production", "delay", "logs"),
        [("development", False, 0, None), ("test", False, 0, None),
         ("staging", True, 0, Path("data/logs")), ("production", True, 0, Path("data/logs"))],
    )  # fmt: skip
    def test_staging_obeys_the_rules_of_production(
        self,
        monkeypatch: pytest.MonkeyPatch,
        name: str,
        production: bool,
        delay: float,
        logs: Path | None,
    ) -> None:
        monkeypatch.setenv("APP_ENV", name)
        monkeypatch.setenv("ADMIN_API_KEY", KEY)
        settings = model.load()
        assert settings.production == production
        assert (settings.drain_delay, settings.log_directory) == (delay, logs)

    @pytest.mark.parametrize(
        ("given", "delay"),
        [({}, 0), ({"TRUSTED_PROXIES": "10.0.0.1"}, 5), ({"DRAIN_DELAY_S": "3"}, 3),
         ({"TRUSTED_PROXIES": "10.0.0.1", "DRAIN_DELAY_S": "0"}, 0)],
    )  # fmt: skip
    def test_only_behind_a_proxy_does_production_wait_before_it_stops(
        self, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], delay: float
    ) -> None:
        for name, value in {"APP_ENV": "production", "ADMIN_API_KEY": KEY, **given}.items():
            monkeypatch.setenv(name, value)
        assert model.load().drain_delay == delay


class TestSecrets:
    def test_a_secret_may_come_as_a_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in {"ADMIN_API_KEY": KEY, "DATABASE_URL": "sqlite:////x/y.db"}.items():
            (tmp_path / name).write_text(f"{value}\n")
            monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
        settings = model.load()
        assert settings.admin_api_key is not None
        assert settings.admin_api_key.get_secret_value() == KEY
        assert settings.sqlite_path == Path("/x/y.db")

    @pytest.mark.parametrize(("variable", "found"), [("from-the-variable", True), ("", False)])
    def test_the_variable_goes_before_the_file_unless_it_is_empty(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, found: bool
    ) -> None:
        (tmp_path / "key").write_text(KEY)
        monkeypatch.setenv("ADMIN_API_KEY_FILE", str(tmp_path / "key"))
        monkeypatch.setenv("ADMIN_API_KEY", variable)
        key = model.load().admin_api_key
        assert key is not None
        assert key.get_secret_value() == (variable if found else KEY)

    def test_a_file_that_is_not_there_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ADMIN_API_KEY_FILE", "/no/such/file")
        with pytest.raises(StartupError, match=r"ADMIN_API_KEY_FILE: /no/such/file"):
            model.load()

    def test_a_secret_is_never_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ADMIN_API_KEY", KEY)
        assert KEY not in repr(model.load())
        monkeypatch.setenv("DATABASE_URL", "mysql://u:hidden@h/d")
        monkeypatch.setenv("SMTP_URL", "smtp://u:hidden@h/path")
        with pytest.raises(StartupError) as refused:
            model.load()
        assert "DATABASE_URL" in str(refused.value)
        assert "SMTP_URL" in str(refused.value)
        assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "-1"), ("PORT", "3001.5"), ("APP_ENV", "dev"), ("LOG_LEVEL", "trace"),
        ("DATABASE_POOL_SIZE", "1"), ("CACHE_TTL", "nan"), ("CACHE_TTL", "inf"),
        ("CACHE_TTL", "86401"), ("CACHE_CAPACITY", "0"), ("DB_LATENCY_MS", "10001"),
        ("RATE_LIMITS", "5"), ("RATE_LIMITS", "0/10s"), ("RATE_LIMITS", "5/0s"),
        ("RATE_LIMITS", "5/10s,"), ("RATE_LIMITS", "1/1s,1/2s,1/3s,1/4s,1/5s"),
        ("RATE_LIMITS", "9999999/10s"), ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "proxy"), ("CORS_ORIGINS", "https://a.example/path"),
        ("CORS_ORIGINS", "ftp://a.example"), ("CORS_ORIGINS", "https://a.example?x=1"),
        ("CORS_ORIGINS", "https://me@a.example"), ("ADMIN_API_KEY", "a-key-of-24-chars-and-ü-x"),
        ("ADMIN_API_KEY", " an-admin-key-of-24-chars"), ("DATABASE_URL", "postgresql"),
        ("DATABASE_URL", "sqlite://"), ("DATABASE_URL", "sqlite:///"),
        ("DATABASE_URL", "sqlite:///:memory:"), ("DRAIN_DELAY_S", "11"),
        ("SMTP_URL", "mail.example"), ("SMTP_URL", "http://mail.example"), ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://h:99999"), ("SMTP_URL", "smtp://h:0"), ("SMTP_URL", "smtp://h/x"),
        ("SMTP_URL", "smtp://u:p#w@h"), ("SMTP_URL", "smtp://u:p/w@h"), ("SMTP_URL", "smtp://:p@h"),
        ("SMTP_URL", "smtp://h?starttls=maybe"), ("SMTP_URL", "smtp://h?tls=1"),
        ("SMTP_URL", "smtps://h?starttls=required"), ("SMTP_URL", "smtp://h?verify=no"),
        ("SMTP_URL", "smtp://h?verify=on&verify=off"), ("SMTP_URL", "smtp://h?x"),
        ("SMTP_URL", "smtp://h?ca=/nowhere.pem"), ("SMTP_URL", "smtp://h?ca=/dev/null"),
        ("SMTP_URL", "smtp://h?ca="), ("SMTP_URL", "smtp://h?ca=/"),
        ("SMTP_URL", f"smtp://h?ca={AUTHORITY}&verify=off"),
        ("SMTP_URL", f"smtp://h?ca={AUTHORITY}&starttls=off"),
        ("SMTP_URL", "smtp://h\r\nX"), ("SMTP_URL", "smtp://[::1"), ("SMTP_URL", "smtp://a b"),
        ("MAIL_FROM", "nobody"), ("MAIL_FROM", "a@b, c@d"), ("MAIL_FROM", "A <a@b>\r\nBcc: x@y"),
        ("CHECKOUT_URL", "shop.example"), ("CHECKOUT_URL", "javascript:alert(1)"),
        ("CHECKOUT_URL", "ftp://shop.example"), ("CHECKOUT_URL", "https:///pay"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_in_one_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StartupError) as refused:
        model.load()
    assert str(refused.value).startswith(f"{name}: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "tickets.example"])
def test_an_address_that_others_reach_needs_a_key(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("HOST", host)
    with pytest.raises(StartupError, match=r"^HOST: "):
        model.load()
    monkeypatch.setenv("ADMIN_API_KEY", KEY)
    assert model.load().host == host


@pytest.mark.parametrize("name", ["127.0.0.1", "127.9.9.9", "::1"])
def test_an_address_of_this_machine_needs_none(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("HOST", name)
    assert model.load().loopback


def test_every_setting_is_described() -> None:
    assert [name for name, _, _ in describe.described()] == [
        name.upper() for name in Settings.model_fields
    ]
    assert all(help_.endswith(".") for _, _, help_ in describe.described())
    assert "RATE_LIMITS = 5/10s,10/60s" in describe.as_text()


SERVERS: dict[str, SmtpServer] = {
    "smtp://h": SmtpServer("h", 587, None, "", Tls.offered, True),
    "smtp://h:25?starttls=off": SmtpServer("h", 25, None, "", Tls.off, True),
    "smtp://h?starttls=required&verify=off": SmtpServer("h", 587, None, "", Tls.required, False),
    "smtp://u:p@h": SmtpServer("h", 587, "u", "p", Tls.required, True),
    "smtp://u:p@h?starttls=off": SmtpServer("h", 587, "u", "p", Tls.off, True),
    "smtp://me%40x.example:p%2F%23@[::1]:26": SmtpServer(
        "::1", 26, "me@x.example", "p/#", Tls.required, True
    ),
    f"smtp://h?ca={AUTHORITY}": SmtpServer("h", 587, None, "", Tls.offered, True, str(AUTHORITY)),
    "smtps://u:p@mail.example": SmtpServer("mail.example", 465, "u", "p", Tls.whole, True),
}


@pytest.mark.parametrize("url", SERVERS)
def test_a_mail_server_is_read_as_it_is_written(url: str) -> None:
    assert parse_smtp_url(url) == SERVERS[url]


def test_in_production_a_mail_server_needs_a_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_API_KEY", KEY)
    monkeypatch.setenv("SMTP_URL", "smtp://h")
    assert model.load().mail_from is None
    monkeypatch.setenv("APP_ENV", "production")
    with pytest.raises(StartupError, match=r"^MAIL_FROM: "):
        model.load()
    monkeypatch.setenv("MAIL_FROM", "Box <box@example.com>")
    model.load()


class TestRedis:
    def redis(self, monkeypatch: pytest.MonkeyPatch, **given: str) -> str | None:
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        return model.load().redis

    def test_none_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.redis(monkeypatch) is None
        assert self.redis(monkeypatch, REDIS_PORT="7000") is None

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({"REDIS_URL": "redis://h"}, "redis://h"),
            ({"REDIS_URL": "rediss://u:p@h:1/2"}, "rediss://u:p@h:1/2"),
            ({"REDIS_URL": "unix:///run/redis.sock?db=3"}, "unix:///run/redis.sock?db=3"),
            ({"REDIS_HOST": "h"}, "redis://h:6379/0"),
            ({"REDIS_HOST": "::1", "REDIS_PORT": "7000"}, "redis://[::1]:7000/0"),
            ({"REDIS_HOST": "h", "REDIS_PASSWORD": "a@/:b"}, "redis://:a%40%2F%3Ab@h:6379/0"),
            ({"REDIS_URL": "redis://u@h", "REDIS_PASSWORD": "p"}, "redis://u:p@h"),
            ({"REDIS_URL": "redis://:own@h", "REDIS_PASSWORD": "p"}, "redis://:own@h"),
            ({"REDIS_URL": "redis://h", "REDIS_HOST": "other"}, "redis://h"),
            ({"REDIS_URL": "unix:///s", "REDIS_PASSWORD": "p"}, "unix://:p@/s"),
        ],
    )
    def test_one_url_is_made_of_what_is_given(
        self, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], expected: str
    ) -> None:
        assert self.redis(monkeypatch, **given) == expected

    @pytest.mark.parametrize(
        "url",
        ["hidden", "http://hidden", "redis://", "redis://hidden:0", "redis://hidden:99999",
         "redis://hidden:x", "redis://hidden/x", "redis://hidden?socket_timeout=60",
         "redis://u:a/b@hidden", "unix://hidden", "unix:///s?db=x", "unix:///s?timeout=1",
         "redis://[::1", f"unix:///{'x' * 103}"],
    )  # fmt: skip
    def test_what_is_no_url_of_a_redis_is_refused_without_showing_it(
        self, monkeypatch: pytest.MonkeyPatch, url: str
    ) -> None:
        with pytest.raises(StartupError, match="REDIS_URL: ") as refused:
            self.redis(monkeypatch, REDIS_URL=url)
        assert "hidden" not in str(refused.value)

    def test_a_password_for_nothing_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(StartupError, match="REDIS_PASSWORD: ") as refused:
            self.redis(monkeypatch, REDIS_PASSWORD="hidden")
        assert "hidden" not in str(refused.value)

    def test_the_secrets_may_come_as_files(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "password").write_text("secret\n")
        given = {"REDIS_HOST": "h", "REDIS_PASSWORD_FILE": str(tmp_path / "password")}
        assert self.redis(monkeypatch, **given) == "redis://:secret@h:6379/0"


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({}, True),
        ({"app_env": "test"}, False),
        ({"app_env": "production"}, False),
        ({"webhook_private_networks": "refuse"}, False),
        ({"app_env": "production", "webhook_private_networks": "allow"}, True),
    ],
)
def test_webhooks_into_private_networks_are_for_development_unless_told_otherwise(
    given: dict[str, str], allowed: bool
) -> None:
    assert Settings(**given).webhooks_into_private_networks is allowed
