"""Every setting, read once from the environment into one frozen object.

Nothing else in the package reads the environment. Each setting has its unit in its name or its
description, a default that suits a first try on one machine, and a check: a bad value stops the
start with one line that names it. `event-seating settings` prints all of them.
"""

import os
import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from event_seating.errors import StartupError
from event_seating.settings.parsers import (
    HELD_SEATS_PER_ADDRESS_MAX,
    HELD_SEATS_PER_BUYER_MAX,
    HOLD_TTL_S_MAX,
    SEATS_PER_HOLD_MAX,
    AppEnv,
    HttpServerChoice,
    LogLevel,
    PrivateNetworks,
    Window,
    is_loopback,
    parse_checkout_url,
    parse_database_url,
    parse_networks,
    parse_origins,
    parse_redis_url,
    parse_windows,
    redis_url,
    secrets_from_files,
)
from event_seating.settings.types import LogDir, MailFrom, SmtpUrl, when_text

ADMIN_KEY_MIN_CHARS: Final = 24
"""A key of this length from a random generator cannot be guessed over a network."""

_CAN_BE_SENT: Final = re.compile(r"[!-~]+")
"""The characters that reach the server unchanged in a header, from every client."""

SECRET_KEY_MIN_CHARS: Final = 32
"""As long as the signatures made with it."""

DRAIN_DELAY_BEHIND_PROXIES_S: Final = 5.0
"""Two probes of a load balancer that checks every two seconds."""


class Settings(BaseSettings):
    """The settings of one process."""

    # An empty variable is how a shell or a compose file says "not set".
    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True
    )

    secret_names: ClassVar[tuple[str, ...]] = (
        "ADMIN_API_KEY",
        "DATABASE_URL",
        "REDIS_URL",
        "REDIS_PASSWORD",
        "SECRET_KEY",
        "SMTP_URL",
    )
    """These can also be read from files: `ADMIN_API_KEY_FILE=/run/secrets/key`."""

    port: int = Field(3001, ge=0, le=65535, description="Port of the API; 0 chooses a free one.")
    host: str = Field("127.0.0.1", description="Address that the API listens on.")
    app_env: AppEnv = Field(
        AppEnv.development,
        validation_alias=AliasChoices("APP_ENV", "NODE_ENV"),
        description="development, test, staging or production; staging obeys production's rules. "
        "`NODE_ENV` is read when `APP_ENV` is not set.",
    )
    http_server: HttpServerChoice = Field(
        HttpServerChoice.own,
        description="own, or granian: the server of releases before 0.3, a way back if the own one "
        "fails you; it is slower, and goes two releases later.",
    )
    log_level: LogLevel = Field(LogLevel.info, description="debug, info, warning or error.")
    log_dir: LogDir = Field(
        Path(),
        description="Directory of the log files in production; `off` for none. Default: `logs` in "
        "`DATA_DIR`.",
    )
    data_dir: Path = Field(Path("data"), description="Directory of the database and the log files.")
    database_url: Annotated[str | None, BeforeValidator(parse_database_url)] = Field(
        None,
        description="postgresql://user:password@host/database. Default: the SQLite file "
        "`event-seating.db` in `DATA_DIR`.",
    )
    database_pool_size: int = Field(
        10, ge=2, le=200, description="Connections to PostgreSQL that this process keeps open."
    )
    redis_url: Annotated[str | None, BeforeValidator(parse_redis_url)] = Field(
        None,
        description="redis://user:password@host:6379/0, rediss://… with TLS, or unix:///path of a "
        "Redis (6.2 or later) or Valkey. Default: `serve` starts a Valkey of its own.",
    )
    redis_host: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9._:-]+$",
        description="Host of the Redis or Valkey, if `REDIS_URL` is not set.",
    )
    redis_port: int = Field(6379, ge=1, le=65535, description="Its port.")
    redis_password: SecretStr | None = Field(
        None, description="Its password, if `REDIS_URL` has none."
    )
    valkey_bin: Path | None = Field(
        None,
        description="The `valkey-server` (or `redis-server`) that `serve` starts if no Redis is "
        "configured. Default: the one that is installed with the package.",
    )
    cache_ttl: float = Field(
        60,
        gt=0,
        le=86_400,
        description="Seconds that a cached user is served without reading the database.",
    )
    cache_capacity: int = Field(
        1000, ge=1, le=10_000_000, description="Most users that the cache holds."
    )
    db_latency_ms: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Milliseconds added to each read of the database, to see what cache and "
        "coalescing save.",
    )
    rate_limits: Annotated[tuple[Window, ...], NoDecode, when_text(parse_windows)] = Field(
        (Window(5, 10), Window(10, 60)),
        description="Windows of the account and cache API, all of which a client must pass: "
        "requests/seconds, or `off`.",
    )
    wrong_key_limits: Annotated[tuple[Window, ...], NoDecode, when_text(parse_windows)] = Field(
        (Window(10, 60), Window(60, 3600)),
        description="Windows of requests with a wrong key, at every address, for each client: "
        "further ones get 429 instead of 401; or `off`.",
    )
    hold_ttl_s: int = Field(
        600, ge=1, le=HOLD_TTL_S_MAX, description="Seconds that a hold lasts; for new events."
    )
    max_seats_per_hold: int = Field(
        8, ge=1, le=SEATS_PER_HOLD_MAX, description="Most seats of a hold; for new events."
    )
    max_held_seats_per_buyer: int = Field(
        40,
        ge=1,
        le=HELD_SEATS_PER_BUYER_MAX,
        description="Most seats that a buyer may hold at once; for new events.",
    )
    max_held_seats_per_address: int = Field(
        400,
        ge=1,
        le=HELD_SEATS_PER_ADDRESS_MAX,
        description="Seats that all buyers without a key at one address may hold at once, in a new "
        "event (IPv6: at one /64, and twice that at one /56); thousands may share a carrier's.",
    )
    currency: str = Field(
        "EUR",
        pattern=r"^[A-Z]{3}$",
        description="The ISO 4217 code of the currency of a new event.",
    )
    seating_rate_limits: Annotated[tuple[Window, ...], NoDecode, when_text(parse_windows)] = Field(
        (Window(60, 10), Window(200, 60)),
        description="Windows of holds and bookings by callers without a key: for each buyer, "
        "and ten times that for each address; or `off`.",
    )
    log_mb_per_address: int = Field(
        32,
        ge=0,
        le=1_000_000,
        description="Megabytes an hour that callers of one address without a key may add to the "
        "seat log and to answers kept for repeated calls: about 30,000 holds. 0: no limit.",
    )
    booking_grace_s: float = Field(
        60,
        ge=0,
        le=600,
        description="Seconds after a hold has expired in which it can still be booked, unless "
        "somebody else took the seats.",
    )
    seat_memory_mb: int = Field(
        512,
        ge=16,
        le=1_000_000,
        description="Megabytes that events in memory may take; idle ones are unloaded.",
    )
    live_connections_max: int = Field(
        12_000,
        ge=1,
        le=15_000,
        description="Most WebSockets and long polls of live updates in this process, out of 16,384 "
        "connections in all.",
    )
    live_connections_per_address: int = Field(
        1_000,
        ge=1,
        le=15_000,
        description="How many of them one address may have (IPv6: one /64); thousands of buyers "
        "may share a carrier's.",
    )
    connections_per_address: int = Field(
        2_000,
        ge=10,
        le=16_384,
        description="Connections, WebSockets not counted, that one address may have (IPv6: one "
        "/64) unless it is one of `TRUSTED_PROXIES`; beyond it idle ones are closed first.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description=f"Signs hold tokens and buyers' cookies; at least {SECRET_KEY_MIN_CHARS} "
        "characters. Default: generated once and kept in the database.",
    )
    smtp_url: SmtpUrl = Field(
        None,
        description="The mail server: smtp://user:password@host:587 or smtps://…, optionally with "
        "`?starttls=required` or `?starttls=off`. Default: files in `DATA_DIR`/mail in "
        "development, no mail in production.",
    )
    mail_from: MailFrom = Field(
        None,
        description="The sender of mails: `Box Office <tickets@example.com>`; needed with "
        "`SMTP_URL` in production. Default: `Event Seating <event-seating@localhost>`.",
    )
    trusted_proxies: Annotated[
        tuple[IPv4Network | IPv6Network, ...], NoDecode, when_text(parse_networks)
    ] = Field(
        (), description="Addresses or networks of proxies whose `X-Forwarded-For` is trusted."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode, when_text(parse_origins)] = Field(
        (), description="Origins whose pages may call the API, or `*`."
    )
    admin_api_key: SecretStr | None = Field(
        None,
        description="The key that may do everything; needed in production, at least "
        f"{ADMIN_KEY_MIN_CHARS} characters. `openssl rand -hex 24` makes one.",
    )
    webhook_private_networks: PrivateNetworks | None = Field(
        None,
        description="refuse or allow webhooks to addresses that are not public. Default: allow "
        "in development, else refuse.",
    )
    checkout_url: Annotated[str | None, BeforeValidator(parse_checkout_url)] = Field(
        None,
        description="The http or https address of the shop to which the page sends a buyer; "
        "`holdToken` and `eventId` are added to it. Used where booking needs a key, which a page "
        "does not have.",
    )
    drain_delay_s: float | None = Field(
        None,
        ge=0,
        le=10,
        description="Seconds between not ready and no longer accepting. Default: 5 in "
        "production behind `TRUSTED_PROXIES`, else 0.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then secrets in files that it names."""
        del dotenv_settings, file_secret_settings
        files = InitSettingsSource(settings_cls, secrets_from_files(os.environ, cls.secret_names))
        return init_settings, env_settings, files

    @property
    def production(self) -> bool:
        """Whether the rules of production apply."""
        return self.app_env in {AppEnv.production, AppEnv.staging}

    @property
    def open_without_key(self) -> bool:
        """Whether callers without a key may do everything, as in a first try on one machine."""
        return not self.production and self.admin_api_key is None and self.loopback

    @property
    def sqlite_path(self) -> Path | None:
        """The SQLite file; None if another database is configured."""
        if self.database_url is None:
            return self.data_dir / "event-seating.db"
        if self.database_url.startswith("sqlite"):
            return Path(self.database_url.partition(":///")[2])
        return None

    @property
    def database(self) -> str:
        """The URL of the database: the configured one, or the file in the data directory."""
        return self.database_url or f"sqlite+aiosqlite:///{self.sqlite_path}"

    @property
    def redis(self) -> str | None:
        """The URL of the configured Redis or Valkey, with its password; or None."""
        password = self.redis_password.get_secret_value() if self.redis_password else None
        return redis_url(self.redis_url, self.redis_host, self.redis_port, password)

    @property
    def log_directory(self) -> Path | None:
        """The directory of the log files, or None."""
        if not self.production or self.log_dir is None:
            return None
        return self.data_dir / "logs" if self.log_dir == Path() else self.log_dir

    @property
    def drain_delay(self) -> float:
        """Seconds between not ready and no longer accepting.

        They are useful only if a proxy checks readiness and sends requests elsewhere. Without a
        configured proxy they would only make each restart longer.
        """
        if self.drain_delay_s is not None:
            return self.drain_delay_s
        return DRAIN_DELAY_BEHIND_PROXIES_S if self.production and self.trusted_proxies else 0.0

    @property
    def webhooks_into_private_networks(self) -> bool:
        """Whether a webhook may point to an address that is not public."""
        if self.webhook_private_networks is not None:
            return self.webhook_private_networks is PrivateNetworks.allow
        return self.app_env is AppEnv.development

    @property
    def booking_grace_ms(self) -> int:
        """The grace period for late bookings, in milliseconds."""
        return int(self.booking_grace_s * 1_000)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the API."""
        return is_loopback(self.host)


def load() -> Settings:
    """The settings of this process; a `StartupError` names the wrong value in one line."""
    try:
        settings = Settings()
    except ValidationError as error:
        faults = (_fault(item) for item in error.errors())
        raise StartupError("; ".join(faults)) from None
    _refuse_what_is_not_safe(settings)
    return settings


def _fault(item: Any) -> str:
    name = str(item["loc"][0]).upper() if item["loc"] else "settings"
    message = str(item["msg"]).removeprefix("Value error, ")
    given = "" if name in Settings.secret_names else f" (it is {str(item['input'])[:60]!r})"
    return f"{name}: {message}{given}"


def _refuse_what_is_not_safe(settings: Settings) -> None:
    key = settings.admin_api_key.get_secret_value() if settings.admin_api_key else ""
    if settings.production and len(key) < ADMIN_KEY_MIN_CHARS:
        raise StartupError(
            f"ADMIN_API_KEY: {settings.app_env} needs a key of at least {ADMIN_KEY_MIN_CHARS} "
            "characters; `openssl rand -hex 24` makes one"
        )
    if key and not _CAN_BE_SENT.fullmatch(key):
        raise StartupError(
            "ADMIN_API_KEY: may have only the letters, digits and signs of ASCII, and no space, "
            "since it is sent in a header; `openssl rand -hex 24` makes one"
        )
    secret = settings.secret_key.get_secret_value() if settings.secret_key else None
    if secret is not None and len(secret) < SECRET_KEY_MIN_CHARS:
        raise StartupError(
            f"SECRET_KEY: needs at least {SECRET_KEY_MIN_CHARS} characters; "
            "`openssl rand -hex 32` makes one"
        )
    if settings.redis_password is not None and settings.redis is None:
        raise StartupError("REDIS_PASSWORD: needs a REDIS_URL or REDIS_HOST")
    if settings.production and settings.smtp_url and not settings.mail_from:
        raise StartupError(
            "MAIL_FROM: SMTP_URL needs the sender of mails, such as "
            "Box Office <tickets@example.com>"
        )
    if not key and not settings.loopback:
        raise StartupError(
            f"HOST: {settings.host} can be reached from outside, which needs an ADMIN_API_KEY; "
            "leave HOST at 127.0.0.1 for a first try"
        )


def environment_of_a_child(**changes: str) -> dict[str, str]:
    """The environment for a child process: that of this process, with these changes."""
    return dict(os.environ) | changes
