"""The version of this release, from the package's own metadata."""

from importlib.metadata import version

VERSION = version("event-seating")
