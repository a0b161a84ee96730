"""Pieces of the OpenAPI document that declarations are made of: where schemas stand, and forms.

Pure values, so that what declares a body can be loaded where no document is made.
"""

from collections.abc import Mapping
from typing import Any, Final

REF: Final = "#/components/schemas/"
"""Where a schema stands in the document, before its name."""

SCHEMAS: Final = "x-schemas"
"""In a route's `openapi_extra`: the schemas that it refers to, by name, as JSON."""

LINE: Final = "x-line-schema"
"""Beside the schema of a text of lines: the schema of each line."""

TEXT: Final = {"schema": {"type": "string"}}
"""The content of an answer or a body that is not JSON."""

DATE_TIME: Final[dict[str, Any]] = {"format": "date-time"}
"""Beside the schema of a text that is a time as in RFC 3339."""


def lines(schema: str) -> dict[str, Any]:
    """The content of an answer with one JSON object a line, each of this schema."""
    return {
        "schema": {"type": "string", "description": f"A `{schema}` a line."},
        LINE: {"$ref": f"{REF}{schema}"},
    }


def examples(values: Mapping[str, Any]) -> dict[str, Any]:
    """The examples of a body, by what each of them shows, as the document has them."""
    return {
        f"example{number}": {"summary": summary, "value": value}
        for number, (summary, value) in enumerate(values.items(), 1)
    }
