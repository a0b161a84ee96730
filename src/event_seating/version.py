"""The version of this release, from the package's own metadata."""

from importlib.metadata import version
from typing import Final

VERSION: Final = version("event-seating")
