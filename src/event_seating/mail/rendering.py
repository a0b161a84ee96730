"""The text of a mail: templates in files, rendered as plain text and as HTML.

The values come from people: in HTML they are always escaped, and a name that runs from right to
left is isolated, so that it does not change the direction of the text around it. A value that a
template names and that is missing is an error.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from event_seating.values.visible_text import isolated

TEMPLATES: Final = Path(__file__).with_name("templates")


class RenderedMail(NamedTuple):
    """One text in both forms."""

    text: str
    html: str


def render(name: str, values: Mapping[str, Any]) -> RenderedMail:
    """The template of this name with these values."""
    templates = _templates()
    values = {
        key: isolated(value) if isinstance(value, str) else value for key, value in values.items()
    }
    return RenderedMail(
        templates.get_template(f"{name}.txt").render(values),
        templates.get_template(f"{name}.html").render(values),
    )


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
