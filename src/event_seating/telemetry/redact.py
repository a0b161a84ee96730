"""The last line of defence behind "no secret and no e-mail address in a log".

Owns what may pass from a caller's values into a line: plain, bounded values whose keys are not
named like a secret, and texts without an address or a bearer token in them. Callers leave such
things out in the first place; this catches what slips through, for example in the text of a
driver's error. It works on copies, so that a line cannot change after it was logged.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from itertools import islice
from socket import AF_INET, AF_INET6, inet_pton
from struct import unpack
from typing import Any, Final

REDACTED: Final = "[redacted]"

SECRET_WORDS: Final = frozenset({
    "authorization", "cookie", "cookies", "credential", "credentials", "email", "emails", "key",
    "keys", "passwd", "password", "passwords", "secret", "secrets", "token", "tokens",
})  # fmt: skip
"""A key with one of these words in it has its value replaced, unless its last word is `id`."""

TEXT_MAX_CHARS: Final = 8_192
"""A longer value is cut: no line of ours needs more, and this bounds the queue's memory."""

ITEMS_MAX: Final = 100
"""How many members of a list or an object are shown."""

DEPTH_MAX: Final = 4
"""How deep values may nest in a line."""

PATH_SEGMENTS_MAX: Final = 6
"""How many segments of an unmatched path are shown; no route of ours is longer."""

ADDRESS_MAX_CHARS: Final = 64
"""Longer than an IPv6 address with its zone."""

IPV4_LOGGED_PREFIX: Final = 24
"""256 addresses, which mostly belong to one provider."""

IPV6_LOGGED_PREFIX: Final = 48
"""A site, or 256 homes at the sizes that providers give out."""

CUT_ADDRESSES_REMEMBERED: Final = 4_096
"""Networks of current clients, so that a line costs no parsing."""

_IPV4_BYTES: Final = 4
_IPV6_LOGGED_BYTES: Final = IPV6_LOGGED_PREFIX // 8
_IPV4_IN_IPV6: Final = bytes(10) + b"\xff\xff"
"""What an IPv6 address begins with when it stands for an IPv4 address."""

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ADDRESS: Final = re.compile(
    r"""[^\s@<>()"'`,;:=/\[\]]{1,64}@[^\s@<>()"'`,;:=/\[\]]{1,255}\.[^\W\d_]{2,63}"""
)
_USER_INFO: Final = re.compile(r"://[^\s/@]{1,255}@")
_SCHEME: Final = re.compile(r"\b(bearer|basic)\s+[^\s\"',;]+", re.IGNORECASE | re.ASCII)
_PLAIN_SEGMENT: Final = re.compile(r"[A-Za-z0-9._~-]{1,20}")


def is_secret(name: str) -> bool:
    """Whether a value under this key is redacted: `holdToken` is, `keyId` is not."""
    words = [word.lower() for word in _WORD.findall(name)]
    return not SECRET_WORDS.isdisjoint(words) and words[-1] != "id"


def scrub(text: str) -> str:
    """`text` without e-mail addresses, credentials in a URL, and `Authorization` values."""
    if "@" in text:
        text = _USER_INFO.sub(f"://{REDACTED}@", text)
        text = _ADDRESS.sub(REDACTED, text)
    lowered = text.lower()
    if "bearer " in lowered or "basic " in lowered:
        text = _SCHEME.sub(rf"\1 {REDACTED}", text)
    return text


def plain(value: object, depth: int = 0) -> object:
    """A copy of `value` in JSON's own types: bounded, redacted and encodable."""
    if isinstance(value, bool | float) or value is None:
        return value
    if isinstance(value, int):
        return value if INT64_MIN <= value <= INT64_MAX else str(value)
    if isinstance(value, str):
        return _text(value)
    if depth < DEPTH_MAX:
        if isinstance(value, Mapping):
            return plain_mapping(value, depth + 1)
        if isinstance(value, list | tuple | set | frozenset):
            return [plain(item, depth + 1) for item in islice(value, ITEMS_MAX)]
    return _text(_described(value))


def plain_mapping(values: Mapping[Any, object], depth: int = 0) -> dict[str, object]:
    """A copy of `values` with plain members; those named like a secret are `[redacted]`."""
    return {
        name: REDACTED if is_secret(name) else plain(value, depth)
        for name, value in (
            (_text(str(key)), value) for key, value in islice(values.items(), ITEMS_MAX)
        )
    }


def loggable_path(path: str) -> str:
    """A path that no route matched, shortened so that it reveals no secret.

    A mistyped address may contain a hold's token or anything else: of at most six segments only
    those that are short and plain are shown, the others become `*`.
    """
    segments = path.split("/", PATH_SEGMENTS_MAX + 1)[1:]
    shown = "/".join(
        segment if not segment or _PLAIN_SEGMENT.fullmatch(segment) else "*"
        for segment in segments[:PATH_SEGMENTS_MAX]
    )
    return f"/{shown}/…" if len(segments) > PATH_SEGMENTS_MAX else f"/{shown}"


@lru_cache(maxsize=CUT_ADDRESSES_REMEMBERED)
def cut_address(address: str) -> str:
    """The network of an address: enough to see who sends too much, but not a person.

    `192.0.2.0/24` or `2001:db8:1::/48`; `-` for anything that is not an address. The C library
    parses in a twentieth of the time of `ipaddress`, which is left what has a zone.
    """
    text = address[:ADDRESS_MAX_CHARS]
    try:
        if "%" in text:
            packed = ip_address(text).packed
        else:
            packed = inet_pton(AF_INET6 if ":" in text else AF_INET, text)
    except (OSError, ValueError):
        return "-"
    packed = packed.removeprefix(_IPV4_IN_IPV6)
    if len(packed) == _IPV4_BYTES:
        return f"{packed[0]}.{packed[1]}.{packed[2]}.0/{IPV4_LOGGED_PREFIX}"
    groups = [f"{group:x}" for group in unpack(">3H", packed[:_IPV6_LOGGED_BYTES])]
    while groups and groups[-1] == "0":
        groups.pop()
    return f"{':'.join(groups)}::/{IPV6_LOGGED_PREFIX}"


def _text(text: str) -> str:
    """Cut, scrubbed, and without lone surrogates, which no encoder takes."""
    if len(text) > TEXT_MAX_CHARS:
        text = f"{text[:TEXT_MAX_CHARS]}… ({len(text)} characters)"
    return scrub(text.encode("utf-8", "backslashreplace").decode())


def _described(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a broken __str__ must not lose the line that mentions it
        return f"<{type(value).__name__}>"
