"""A real Prometheus scrapes the desk as the documentation says, and answers all that dashboard and rules ask.

What it puts on every series of its own is only seen there: a label `job` of ours would be its `exported_job`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from ops.test_dashboard import OPS, rules, targets
from support.database import ADDRESS, in_loop, until
from support.prometheus import ROOT, answer, prometheus
from tieout.store.runs import Job
from web_api.stage import Stage

RULES = "tieout.rules.yml"
EMPTY = {
    "tieout_fill_latency_seconds": "no fill came to the stage's worker",
    "tieout_sent_total": "it sent nothing",
    "tieout_unknown_names": "nothing unknown came",
    "tieout_unknown_names_seen_total": "nothing unknown came",
}
"""What has no series on the stage, and why."""


def config_of_the_docs(address: str, folder: Path) -> Path:
    """The configuration that docs/operations.md shows, for the desk at *address* and once a second."""
    page = (ROOT / "docs" / "operations.md").read_text()
    (shown,) = re.findall(r"```yaml\n(scrape_configs:.*?)```", page, re.DOTALL)
    config = yaml.safe_load(shown)
    (scraped,) = config["scrape_configs"]
    scraped["scrape_interval"] = scraped["scrape_timeout"] = "1s"
    scraped["static_configs"] = [{"targets": [urlsplit(address).netloc]}]
    (folder / RULES).write_text((OPS / "prometheus" / RULES).read_text())
    written = folder / "prometheus.yml"
    written.write_text(yaml.safe_dump({**config, "global": {"evaluation_interval": "1s"}}))
    return written


async def legends(client: httpx.AsyncClient, expr: str, legend: str) -> list[str]:
    """What the panel would call each series of the answer."""
    asked = expr.replace("$wallet", ".*").replace("$__rate_interval", "1m")
    found: list[dict[str, Any]] = (await answer(client, "/query", query=asked))["result"]
    names = re.findall(r"\{\{(\w+)\}\}", legend)
    return [" ".join(series["metric"].get(name, f"no {name}") for name in names) for series in found]


@pytest.fixture
def moment(stage: Stage) -> Iterator[str]:
    """The desk of the moment at which the stage's worker told of itself, however long ago that is."""
    told_ms = stage.query("SELECT max(at_ms) FROM worker_status")[0][0]
    address = stage.serve(lambda: told_ms)
    yield address
    stage.stop(address)


@in_loop
async def test_a_real_prometheus_answers_the_dashboard_and_the_rules(moment: str, tmp_path: Path) -> None:
    async with prometheus(config_of_the_docs(moment, tmp_path)) as client:

        async def is_scraped() -> bool:
            asked = "count_over_time(up{job='tieout'}[5m]) >= 3"
            return bool((await answer(client, "/query", query=asked))["result"])

        await until(is_scraped, "three scrapes")
        empty: set[str] = set()
        for panel, expr, legend in targets():
            found = await legends(client, expr, legend)
            assert not [each for each in found if "no " in each], panel
            if "{{worker_job}}" in legend:
                assert {each.split()[0] for each in found} == {Job.FULL_SYNC, Job.POSITION_SYNC}, panel
            if not found:
                empty.update(re.findall(r"tieout_\w+", expr))
        assert empty == EMPTY.keys()

        async def evaluated() -> list[dict[str, Any]]:
            groups = (await answer(client, "/rules"))["groups"]
            found = [rule for group in groups for rule in group["rules"]]
            return found if all(rule["health"] != "unknown" for rule in found) else []

        await until(evaluated, "every rule")
        told = {rule["name"]: rule for rule in await evaluated()}
        assert told.keys() == {rule["alert"] for rule in rules()}
        assert {rule["health"] for rule in told.values()} == {"ok"}
        (alert,) = told["TieoutGraveIssue"]["alerts"]
        assert alert["annotations"]["summary"] == f"POSITION_DRIFT of {ADDRESS} is open"
