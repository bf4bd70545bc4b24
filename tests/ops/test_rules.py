"""Each rule fires when it should and not otherwise, as Prometheus itself evaluates it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ops.test_dashboard import OPS, rules
from support.prometheus import promtool

RULES = OPS / "prometheus" / "tieout.rules.yml"
WALLET = "0x" + "a1" * 20
OF = f'wallet="{WALLET}"'
VERDICT = f'tieout_verdict{{{OF}, tieout_verdict="does_not_tie_out"}}'
COMPARED = f"tieout_clean_comparison_timestamp_seconds{{{OF}}}"
UP = f"tieout_worker_up{{{OF}}}"
LIVE, QUOTING = f"tieout_worker_live{{{OF}}}", f"tieout_quoting{{{OF}}}"
HALTED = f'tieout_control{{{OF}, tieout_control="halted"}}'
HERE = 'tieout_build_info{version="1"}'


def issues(severity: str) -> str:
    return f'tieout_open_issues{{{OF}, severity="{severity}", type="POSITION_DRIFT"}}'


def failed(outcome: str) -> str:
    return f'tieout_runs_total{{{OF}, worker_job="order_sync", outcome="{outcome}", job="tieout"}}'


Series = dict[str, str]

CASES: list[tuple[str, Series, str, bool]] = [
    ("TieoutDoesNotTieOut", {VERDICT: "0 1x10"}, "3m", True),
    ("TieoutDoesNotTieOut", {VERDICT: "0 1 0x10"}, "3m", False),
    # The time stands still at 0: so long ago is it.
    ("TieoutNotCompared", {COMPARED: "0x20", UP: "1x20"}, "15m", True),
    ("TieoutNotCompared", {COMPARED: "0x20", UP: "1x3 0x17"}, "15m", True),
    ("TieoutNotCompared", {COMPARED: "0+60x20", UP: "1x20"}, "15m", False),
    ("TieoutNotCompared", {COMPARED: "0x20", UP: "0x20"}, "15m", False),
    ("TieoutNotCompared", {COMPARED: "0x3000", UP: "1x3 0x3000"}, "30h", False),
    ("TieoutNotHeardOf", {HERE: "1 _x20"}, "15m", True),
    ("TieoutNotHeardOf", {HERE: "1x20"}, "15m", False),
    ("TieoutWorkerDown", {UP: "1x3 0x10"}, "8m", True),
    ("TieoutWorkerDown", {UP: "0x10"}, "8m", False),
    ("TieoutWorkerDown", {UP: "1x3 0 1x10"}, "8m", False),
    ("TieoutHalted", {HALTED: "0 1"}, "1m", True),
    ("TieoutHalted", {HALTED: "0 0"}, "1m", False),
    ("TieoutNotQuoting", {LIVE: "1x30", QUOTING: "0x30"}, "20m", True),
    ("TieoutNotQuoting", {LIVE: "1x30", QUOTING: "0x5 1 0x30"}, "20m", False),
    ("TieoutNotQuoting", {LIVE: "0x30", QUOTING: "0x30"}, "20m", False),
    ("TieoutGraveIssue", {issues("ERROR"): "0 1"}, "1m", True),
    ("TieoutGraveIssue", {issues("CRITICAL"): "0 1"}, "1m", True),
    ("TieoutGraveIssue", {issues("WARN"): "0 1"}, "1m", False),
    ("TieoutJobFailing", {failed("failed"): "0+1x20"}, "15m", True),
    ("TieoutJobFailing", {failed("ok"): "0+1x20"}, "15m", False),
]


def filled(rule: dict[str, Any]) -> dict[str, str]:
    """Its words, as they are sent."""
    told = json.dumps(rule["annotations"])
    for name, value in (("wallet", WALLET), ("worker_job", "order_sync"), ("type", "POSITION_DRIFT")):
        told = told.replace(f"{{{{ $labels.{name} }}}}", value)
    found: dict[str, str] = json.loads(told)
    return found


@pytest.mark.parametrize(("alert", "series", "at", "fires"), CASES)
def test_a_rule_fires_when_it_should(alert: str, series: Series, at: str, fires: bool, tmp_path: Path) -> None:
    (rule,) = (each for each in rules() if each["alert"] == alert)
    labels: dict[str, dict[str, str]] = {
        "TieoutDoesNotTieOut": {"tieout_verdict": "does_not_tie_out"},
        "TieoutHalted": {"tieout_control": "halted"},
        "TieoutGraveIssue": {"type": "POSITION_DRIFT"},
        "TieoutJobFailing": {"worker_job": "order_sync"},
    }
    about = {} if alert == "TieoutNotHeardOf" else {"wallet": WALLET, **labels.get(alert, {})}
    told = {"exp_labels": {**rule["labels"], **about}, "exp_annotations": filled(rule)}
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": at, "alertname": alert, "exp_alerts": [told] if fires else []}],
    }
    written = tmp_path / "test.yml"  # JSON is YAML
    written.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
    promtool("test", "rules", written)


def test_every_rule_is_tried_both_ways() -> None:
    assert {(rule["alert"], fires) for rule in rules() for fires in (True, False)} == {
        (alert, fires) for alert, _, _, fires in CASES
    }


def test_the_rules_are_whole() -> None:
    promtool("check", "rules", RULES)
