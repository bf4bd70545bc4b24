"""The dashboard and the rules name what is exported, with the labels it has, and all that is exported is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tieout.app.metrics import DATABASE_METRICS
from tieout.app.metrics_list import MARKET_METRICS, METRICS

OPS = Path(__file__).parents[2] / "ops"
EXPORTED = {each.name: each.label_names for each in (*METRICS, *MARKET_METRICS)} | DATABASE_METRICS

NOT_SHOWN = {
    "tieout_build_info": "for a query by hand",
    "tieout_schema_info": "for a query by hand",
    "tieout_wallets": "the variable lists them",
    "tieout_comparison_age_seconds": "that of the last clean one is what counts",
    "tieout_clean_comparison_timestamp_seconds": "the age is shown; the time is for rules",
    "tieout_mark_age_seconds": "that of the job portfolio is shown",
}

_SELECTED = re.compile(r"(?P<name>tieout_\w+)(?:\{(?P<matchers>[^}]*)\})?")
_GROUPED = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")
_SHOWN_LABEL = re.compile(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((OPS / "grafana" / "tieout.json").read_text())
    return found


def targets() -> Iterator[tuple[str, str, str]]:
    """(panel, expression, legend) of every query."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"], target["legendFormat"]


def rules() -> list[dict[str, Any]]:
    read = yaml.safe_load((OPS / "prometheus" / "tieout.rules.yml").read_text())
    return [rule for group in read["groups"] for rule in group["rules"]]


def wrong(expr: str, words: str) -> list[str]:
    """What an expression names that is not exported, and labels of it or of *words* that its metrics do not have."""
    labels = set(_SHOWN_LABEL.findall(words))
    for group in _GROUPED.findall(expr):
        labels.update(name.strip() for name in group.split(","))
    found, known = [], set[str]()
    selections = list(_SELECTED.finditer(_GROUPED.sub("", re.sub(r'"[^"]*"', '""', expr))))
    for selected in selections:
        name = selected["name"]
        if name not in EXPORTED:
            found.append(f"{name} is not exported")
            continue
        known |= EXPORTED[name]
        for matcher in filter(None, (selected["matchers"] or "").split(",")):
            label = re.split(r"[=!~]", matcher.strip())[0]
            if label not in EXPORTED[name]:
                found.append(f"{name} has no label {label}")
    if not selections:
        found.append("it selects nothing")
    return [*found, *(f"no metric of it has the label {label}" for label in sorted(labels - known))]


@pytest.mark.parametrize(
    ("expr", "words", "why"),
    [
        ("rate(tieout_fils_total[5m])", "", ["tieout_fils_total is not exported"]),
        ('tieout_orders{stat="live"}', "", ["tieout_orders has no label stat"]),
        ("sum by (kind) (tieout_orders)", "", ["no metric of it has the label kind"]),
        ("tieout_orders", "{{job}}", ["no metric of it has the label job"]),
        ("time()", "", ["it selects nothing"]),
        ('tieout_verdict{tieout_verdict="ties_out"} == 1', "{{ $labels.wallet }}", []),
    ],
)
def test_what_is_not_there_is_found(expr: str, words: str, why: list[str]) -> None:
    assert wrong(expr, words) == why


def test_every_query_names_what_is_exported() -> None:
    found = [f"{panel}: {why}" for panel, expr, legend in targets() for why in wrong(expr, legend)]
    found += [f"{rule['alert']}: {why}" for rule in rules() for why in wrong(rule["expr"], str(rule["annotations"]))]
    assert found == []


def test_no_label_has_a_name_that_prometheus_gives_by_itself() -> None:
    assert [name for name, labels in EXPORTED.items() if labels & {"job", "instance"}] == []


def test_everything_exported_is_on_the_dashboard_or_said_not_to_be() -> None:
    shown = {name for _, expr, _ in targets() for name in re.findall(r"tieout_\w+", expr)}
    assert sorted(EXPORTED.keys() - shown) == sorted(NOT_SHOWN)


def test_the_dashboard_is_whole() -> None:
    board = dashboard()
    variables = {each["name"]: each for each in board["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert "label_values(tieout_log_entries_total, wallet)" in variables["wallet"]["query"]["query"]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    taken: dict[tuple[int, int], str] = {}
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"], "two panels in one place"
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            for target in panel["targets"]:
                assert target["datasource"]["uid"] == "${datasource}"
                assert "$wallet" in target["expr"] or "tieout_database" in target["expr"], panel["title"]


def test_every_rule_says_what_to_do() -> None:
    assert len(rules()) > 5
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"].keys() == {"summary", "action"}
