"""Which characters of a text are visible, and what may be a name.

Owns the invisible marks. They come with text that is pasted from phones and web pages, and they can
make two different texts look the same, or reverse the text around them (a bidirectional override).
The person who typed a name cannot see or delete them, so they are removed rather than refused:
nothing visible is lost. Right-to-left scripts do not need them; where a name is shown beside other
text it is isolated there (`isolated`, `<bdi>`, `unicode-bidi`), not in what is stored.

Joiners are kept where they shape visible characters: in Arabic and Indic words and in emoji.
Control characters and line breaks are refused: a text with them is not a name.
"""

import re
import unicodedata
from typing import Final

NAME_CHARS_MAX: Final = 200
"""Longer than the longest names that registries know, and short enough for a ticket."""

BLANK: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Letters and a symbol that Unicode defines as blank."""

_FLAG: Final = "\U0001f3f4[\U000e0020-\U000e007e]{1,10}\U000e007f"
"""The flags of England, Scotland and Wales are a black flag followed by invisible letters."""

_HIDDEN: Final = (
    "["
    "\u00ad"  # soft hyphen
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # directions: marks, overrides, isolates
    "\u180e\u200b\u2060-\u2065\ufeff"  # zero-width spaces, word joiner, byte order mark
    "\u206a-\u206f\ufff9-\ufffb"  # deprecated formats, annotations
    "\U000e0000-\U000e007f"  # tags
    "]"
)
_JOINERS: Final = "\u200c\u200d"

_TO_REMOVE: Final = re.compile(f"({_FLAG})|{_HIDDEN}")
_REPEATED_JOINER: Final = re.compile(f"([{_JOINERS}])[{_JOINERS}]+")
# The scripts that join their letters, and emoji, come after Latin, Greek, Cyrillic and Armenian.
_USELESS_JOINER: Final = re.compile(
    rf"(?:(?<![\u0590-\U0010ffff])|(?<=\s))[{_JOINERS}]|[{_JOINERS}](?=\s|\Z)"
)
_SUSPICIOUS: Final = re.compile(f"{_HIDDEN}|[{_JOINERS}]")

_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
_ISOLATE: Final = "\u2068"
_END_ISOLATE: Final = "\u2069"


def without_hidden(text: str) -> str:
    """The text without invisible marks; the same object if it has none."""
    if not _SUSPICIOUS.search(text):
        return text
    text = _TO_REMOVE.sub(lambda found: found[1] or "", text)
    text = _REPEATED_JOINER.sub(r"\1", text)
    return _USELESS_JOINER.sub("", text)


def checked_name(text: str, chars_max: int = NAME_CHARS_MAX) -> str:
    """A name without invisible marks and surrounding space; a `ValueError` says what is wrong."""
    name = without_hidden(text).strip()
    if not text.strip():
        raise ValueError("must not be empty")
    if len(name) > chars_max:
        raise ValueError(f"must have at most {chars_max} characters")
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in name):
        raise ValueError("must not contain control characters")
    if not any(map(is_visible, name)):
        raise ValueError("must have a character that can be seen")
    return name


def is_visible(char: str) -> bool:
    """Whether it is no space, no mark upon another and no sign that only formats."""
    return char not in BLANK and unicodedata.category(char)[0] not in "CMZ"


def isolated(text: str) -> str:
    """The text so that its direction does not reach the plain text around it.

    The same text unless it has letters that run from right to left. For mails and calendars; HTML
    has `<bdi>`.
    """
    if any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in text):
        return f"{_ISOLATE}{text}{_END_ISOLATE}"
    return text
