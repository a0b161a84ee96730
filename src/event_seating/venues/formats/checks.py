"""Checks of the values of JSON fields, and the messages of their faults.

Owns the list of faults and the rules for texts, numbers and prices that both formats share. A check
notes a fault under the path of its field and returns a harmless stand-in, so that the reader
continues and a map's author learns of every fault at once. What is merely odd becomes a warning. It
never raises because of the content of a map.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from event_seating.values.visible_text import without_hidden
from event_seating.venues.errors import MapFault
from event_seating.venues.formats.document import Elements
from event_seating.venues.formats.map_warnings import MapWarnings
from event_seating.venues.formats.spelling import meant
from event_seating.venues.model import (
    ID_CHARS_MAX,
    PLACE_MAX,
    PRICE_DECIMALS_MAX,
    PRICE_MAX,
    TEXT_CHARS_MAX,
)

FAULTS_MAX: Final = 100
"""Faults that are named; further ones are only counted. More than anyone reads at once."""

SHOWN_CHARS_MAX: Final = 80
"""Characters of a value or a key that a message repeats."""

DECIMAL_CHARS_MAX: Final = 32
"""Length of a price that is written as text; the largest needs 12."""

PRICE_STEP: Final = Decimal(1).scaleb(-PRICE_DECIMALS_MAX)

UNFIT: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters and lone surrogates: neither can be printed, databases refuse some."""

KINDS: Final = {
    dict: "an object",
    list: "a list",
    Elements: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    Decimal: "a number",
    type(None): "null",
}

_encode = msgspec.json.Encoder(decimal_format="number").encode

HIDDEN: Final = "hidden_characters"
"""The code of warnings about invisible marks."""

HIDDEN_REMOVED: Final = "has marks that nobody sees; they are removed"
HIDDEN_IN_ID: Final = "is an id with marks that nobody sees; it stays as it is, and is hard to type"

FaultOf = Callable[[Any], str | None]
"""What is wrong with a value, or None."""


class MapFaults:
    """What is wrong with one map: the first `FAULTS_MAX` by name, and how many there are."""

    def __init__(self) -> None:
        self.named: list[MapFault] = []
        self.total = 0
        self.warnings = MapWarnings()
        """What is odd about it, but may be intended."""

    def add(self, path: str, message: str) -> None:
        """Note one fault."""
        self.total += 1
        if len(self.named) < FAULTS_MAX:
            self.named.append(MapFault(path, message))


def shown(value: object) -> str:
    """A value as a message shows it: short, printable, texts in double quotes."""
    if isinstance(value, str):
        return f'"{repr(value[:SHOWN_CHARS_MAX])[1:-1]}{"…" * (len(value) > SHOWN_CHARS_MAX)}"'
    if type(value) in (int, float, Decimal):
        return str(value)[:SHOWN_CHARS_MAX]
    return KINDS.get(type(value), "something else")


def wrong_kind(value: object, wanted: str) -> str:
    """The fault of a value of the wrong kind."""
    if value is None:
        return "is missing"
    return f"must be {wanted}, not {KINDS.get(type(value), 'something else')}"


def text_fault(value: object, chars_max: int = TEXT_CHARS_MAX) -> str | None:
    """What is wrong with a name, a label or an id."""
    if not isinstance(value, str):
        return wrong_kind(value, "a text")
    if not without_hidden(value).strip():
        return "is empty"
    if len(value) > chars_max:
        return f"has {len(value)} characters; at most {chars_max} are taken"
    if unfit := UNFIT.search(value):
        return f"has a control character or half a surrogate pair at character {unfit.start() + 1}"
    return None


def id_fault(value: object) -> str | None:
    """What is wrong with an id."""
    return text_fault(value, ID_CHARS_MAX)


def number_fault(value: object, low: float = -PLACE_MAX, high: float = PLACE_MAX) -> str | None:
    """What is wrong with a number that must lie in `[low, high]`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return wrong_kind(value, "a number")
    if isinstance(value, float) and not math.isfinite(value):
        return "is NaN, not a number" if math.isnan(value) else "is infinite"
    if not low <= value <= high:
        return f"is {shown(value)}; it must lie between {low:,} and {high:,}"
    return None


def integer_fault(value: object, low: int, high: int) -> str | None:
    """What is wrong with a whole number that must lie in `[low, high]`."""
    value = whole(value)
    if type(value) is float:
        return number_fault(value) or "is not whole"
    if type(value) is not int:
        return wrong_kind(value, "a whole number")
    return number_fault(value, low, high)


def whole(value: object) -> object:
    """A float that is a whole number (`12.0`) as that number; everything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def size_fault(value: object) -> str | None:
    """What is wrong with a width or a height."""
    fault = number_fault(value, 0)
    return "must be more than 0" if fault is None and value == 0 else fault


def price_of(value: object) -> Decimal | str:
    """A price in major units, exact; or what is wrong with it, as a text."""
    if type(value) not in (int, float, Decimal, str):
        return wrong_kind(value, "a number")
    try:
        price = value if isinstance(value, Decimal) else Decimal(str(value)[:DECIMAL_CHARS_MAX])
    except InvalidOperation:
        return f"is not a price: {shown(value)}"
    fault = _price_fault(price)
    return f"{fault}: {shown(value)}" if fault else price


def _price_fault(price: Decimal) -> str | None:
    if not price.is_finite():
        return "is not a finite number"
    if price < 0:
        return "is negative"
    if price > PRICE_MAX:
        return f"is absurd, more than {PRICE_MAX:,}"
    if price.quantize(PRICE_STEP) != price:
        return f"has more than {PRICE_DECIMALS_MAX} decimals, which no currency has"
    return None


class Fields:
    """One JSON object and its path; its getters note faults and then return a stand-in."""

    def __init__(self, value: Mapping[str, Any], path: str, faults: MapFaults) -> None:
        self.value = value
        self.path = path
        self.faults = faults

    def at(self, name: str) -> str:
        """The path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def fault(self, name: str, message: str) -> None:
        """Note a fault of a field."""
        self.faults.add(self.at(name), message)

    def text(self, name: str, default: str = "", chars_max: int = TEXT_CHARS_MAX) -> str:
        """A text; an optional one has a default."""
        value = self.value.get(name)
        if value is None and default:
            return default
        fault = text_fault(value, chars_max)
        if fault or not isinstance(value, str):
            self.fault(name, fault or "")
            return default
        return value

    def shown_text(self, name: str, default: str = "") -> str:
        """A text for people, without invisible marks."""
        return self.without_hidden(name, self.text(name, default))

    def without_hidden(self, name: str, text: str) -> str:
        """The text of a field without invisible marks."""
        seen = without_hidden(text)
        if seen != text:
            self.faults.warnings.add(HIDDEN, self.at(name), HIDDEN_REMOVED)
        return seen

    def id(self, name: str) -> str:
        """An id, unchanged, since other places refer to it."""
        value = self.text(name, chars_max=ID_CHARS_MAX)
        if without_hidden(value) != value:
            self.faults.warnings.add(HIDDEN, self.at(name), HIDDEN_IN_ID)
        return value

    def optional_text(self, name: str, chars_max: int) -> str | None:
        """A text, or None when it is left out."""
        return self.text(name, "", chars_max) if self.value.get(name) is not None else None

    def printed_number(self, name: str, default: str) -> str:
        """A printed name as text: `AA`, or a whole number."""
        value = whole(self.value.get(name))
        if type(value) is int and abs(value) <= PLACE_MAX:
            return str(value)
        if value == "":
            return default
        return self.text(name, default, ID_CHARS_MAX)

    def number(
        self,
        name: str,
        default: float | None = None,
        fault_of: FaultOf = number_fault,
    ) -> float:
        """A number; an optional one has a default."""
        value = self.value.get(name)
        if value is None and default is not None:
            return default
        fault = fault_of(value)
        if fault or not isinstance(value, int | float):
            self.fault(name, fault or "")
            return 1.0
        return float(value)

    def integer(self, name: str, low: int, high: int) -> int:
        """A whole number in `[low, high]`."""
        value = whole(self.value.get(name))
        fault = integer_fault(value, low, high)
        if fault or not isinstance(value, int):
            self.fault(name, fault or "")
            return low
        return value

    def object(self, name: str, *, needed: bool = True) -> "Fields":
        """The object in a field; an empty one if there is none."""
        value = self.value.get(name)
        if isinstance(value, dict):
            return Fields(value, self.at(name), self.faults)
        if needed or value is not None:
            self.fault(name, wrong_kind(value, "an object"))
        return Fields({}, self.at(name), MapFaults())

    def elements(self, name: str, *, needed: bool = True) -> Sequence[Any] | Elements:
        """The list in a field, or an empty one."""
        value = self.value.get(name)
        if isinstance(value, list | Elements):
            return value
        if needed or value is not None:
            self.fault(name, wrong_kind(value, "a list"))
        return ()

    def objects(self, name: str, *, needed: bool = True) -> Iterator["Fields"]:
        """The objects of the list in a field."""
        for number, value in enumerate(self.elements(name, needed=needed)):
            path = f"{self.at(name)}[{number}]"
            if isinstance(value, dict):
                yield Fields(value, path, self.faults)
            else:
                self.faults.add(path, wrong_kind(value, "an object"))

    def unknown(self, known: frozenset[str], taken: frozenset[str] = frozenset()) -> bytes:
        """The unknown fields as a JSON object; empty if there are none."""
        return unknown_of(self.value, known, taken, self.path, self.faults)


def unknown_of(
    value: Mapping[str, Any],
    known: frozenset[str],
    taken: frozenset[str],
    path: str,
    faults: MapFaults,
    *,
    warn: bool = True,
) -> bytes:
    """The unknown fields of an object, as a JSON object; empty if there are none.

    A name in `taken` has a meaning in the answer's format, so it comes back as `plan_<name>`. Warns
    of that, and of names similar to known ones, unless there are none of those.
    """
    if value.keys() <= known:
        return b""
    unknown = {
        f"plan_{name}" if name in taken else name: field
        for name, field in value.items()
        if name not in known
    }
    if known and warn:
        _warn_of_unknown(value, known, taken, path, faults.warnings)
    try:
        return _encode(unknown)
    except UnicodeEncodeError:
        faults.add(path, "has half a surrogate pair in a field that we do not know")
        return b""


def _warn_of_unknown(
    value: Mapping[str, Any],
    known: frozenset[str],
    taken: frozenset[str],
    path: str,
    warnings: MapWarnings,
) -> None:
    """Warn of fields similar to known ones, and of those that mean nothing in this format."""
    for name in value:
        if name in known:
            continue
        if name in taken:
            code = "field_without_effect"
            said = f"`{name}` means nothing in a plan with `zones`; it is kept as `plan_{name}`"
        elif (likely := meant(name, known)) and likely not in value:
            code = "misspelt_field"
            said = f"`{name}` is not known and has no effect; is `{likely}` meant?"
        else:
            continue
        warnings.add(code, f"{path}.{name}" if path else name, said)
