"""The dashboard and the rules say something of all that is measured, in labels that exist.

That each metric they name exists is held by `tests/unit/telemetry/test_metrics.py`.
"""

import json
import re
from itertools import combinations
from typing import Any, Final

import pytest
import yaml
from tests.support import markdown
from tests.support.repository import ROOT

BOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/event-seating.json").read_text())
PANELS: list[dict[str, Any]] = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
ROWS = [panel["title"] for panel in BOARD["panels"] if panel["type"] == "row"]
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())["groups"]
    for rule in group["rules"]
]
SHOWN = [target["expr"] for panel in PANELS for target in panel["targets"]]
EXPRESSIONS = [*SHOWN, *(rule["expr"] for rule in RULES)]

COLUMNS: Final = 24
"""Of Grafana's grid."""

OF_PROMETHEUS: Final = {"le", "instance", "job"}
"""Labels that it adds by itself."""

EVERY_RUNTIME_HAS: Final = re.compile(r"(python|process)_")

LABELS = {
    name.strip("`"): set(re.findall(r"\w+", labels))
    for name, labels, _ in markdown.rows(
        (ROOT / "docs/logs-and-metrics.md").read_text().split("## Metrics")[1], "metric"
    )
}


def measured(name: str) -> str:
    """The metric that a series belongs to."""
    return name if name in LABELS else re.sub(r"_(sum|count|bucket)$", "", name)


@pytest.mark.parametrize(
    "subject", ["request", "seat", "hold", "booking", "watcher", "job", "redis", "database"]
)
def test_each_subject_has_its_row(subject: str) -> None:
    assert any(subject in row.lower() for row in ROWS)


def test_all_that_we_measure_is_shown() -> None:
    shown = {measured(name) for expression in SHOWN for name in re.findall(r"\w+", expression)}
    assert {name for name in LABELS if not EVERY_RUNTIME_HAS.match(name)} - shown == set()


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_groups_and_chooses_by_labels_that_exist(expression: str) -> None:
    named = set(re.findall(r"\w+", expression)) & {
        series
        for name in LABELS
        for series in (name, *(f"{name}_{part}" for part in ("sum", "count", "bucket")))
    }
    possible = OF_PROMETHEUS.union(*(LABELS[measured(name)] for name in named))
    grouped = re.findall(r"\bby \(([^)]*)\)", expression)
    chosen = re.findall(r"[{,]\s*(\w+)\s*(?:=|!=|=~|!~)\s*\"", expression)
    assert set(re.findall(r"\w+", " ".join(grouped + chosen))) <= possible


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_only_what_is_counted_has_a_rate(expression: str) -> None:
    for name in re.findall(r"\b(?:rate|increase)\((\w+)", expression):
        assert re.search(r"_(total|sum|count|bucket)$", name)
    for name in re.findall(r"\b(?:delta|deriv)\((\w+)", expression):
        assert not re.search(r"_(total|sum|count|bucket)$", name)


def test_the_panels_stand_beside_one_another() -> None:
    places = [panel["gridPos"] for panel in BOARD["panels"]]
    assert all(place["x"] + place["w"] <= COLUMNS for place in places)
    for one, other in combinations(places, 2):
        assert (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(places)
    for panel in PANELS:
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)


def test_an_instance_that_does_not_answer_is_noticed() -> None:
    (down,) = (rule for rule in RULES if rule.get("alert") == "Down")
    assert re.search(r'\bup\{job="event-seating"\} == 0\b', down["expr"])
    assert down["labels"] == {"severity": "page"}
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    assert [job["job_name"] for job in scraped["scrape_configs"]] == ["event-seating"]
    assert "credentials_file" in scraped["scrape_configs"][0]["authorization"]
