"""Each public class has a name of its own, so that a search finds one meaning."""

import ast
from collections import defaultdict

from tests.support.repository import files, name_of

PACKAGE = "src/event_seating/"


def public_classes() -> dict[str, set[str]]:
    """The modules that define a class, by its name."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in files():
        name = name_of(path)
        if name.startswith(PACKAGE) and path.suffix == ".py":
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].add(name.removeprefix(PACKAGE))
    return found


def test_no_public_class_name_has_two_meanings() -> None:
    twice = {name: where for name, where in public_classes().items() if len(where) > 1}
    assert twice == {}
