"""What Prometheus scrapes: every wallet of a database in the text exposition format, read from tables alone.

Any process with the database can tell it, whether a worker runs or not: the desk at /metrics, `tieout metrics` for the
textfile collector of node_exporter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version

import asyncpg
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, StateSetMetricFamily
from prometheus_client.registry import Collector

from tieout.app.metrics_list import MARKET_METRICS, METRICS, Exported, Kind
from tieout.app.metrics_reading import DatabaseMetrics, WalletMetrics, read_metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

DATABASE_METRICS = {
    "tieout_build_info": frozenset({"version"}),
    "tieout_schema_info": frozenset({"revision"}),
    "tieout_database_size_bytes": frozenset[str](),
    "tieout_wallets": frozenset[str](),
}
"""Those of the database as a whole, with their labels."""


async def metrics_text(connection: asyncpg.Connection, now_ms: int, markets: int = 0) -> bytes:
    """The metrics of all wallets, of one moment of the database.

    *markets*: so many of each wallet, those with the highest cost, have series of their own; MARKETS_MAX at most.
    """
    found = await read_metrics(connection, now_ms, markets)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Read(found, with_markets=markets > 0))
    return generate_latest(registry)


class _Read(Collector):
    """What was read, once for all of a scrape."""

    def __init__(self, found: DatabaseMetrics, *, with_markets: bool) -> None:
        self._found = found
        self._metrics = (*METRICS, *MARKET_METRICS) if with_markets else METRICS

    def collect(self) -> Iterable[Metric]:
        """Every metric with its series."""
        yield from _of_database(self._found)
        for exported in self._metrics:
            yield _family(exported, self._found.wallets)


def _of_database(found: DatabaseMetrics) -> Iterable[Metric]:
    build = GaugeMetricFamily("tieout_build_info", "The version of tieout that tells this.", labels=["version"])
    build.add_metric([version("tieout")], 1)
    schema = GaugeMetricFamily("tieout_schema_info", "The revision of the database's schema.", labels=["revision"])
    schema.add_metric([found.schema], 1)
    yield build
    yield schema
    yield GaugeMetricFamily("tieout_database_size_bytes", "What the database takes on disk.", value=found.size_bytes)
    yield GaugeMetricFamily("tieout_wallets", "Wallets in the database.", value=len(found.wallets))


def _family(exported: Exported, wallets: Sequence[WalletMetrics]) -> Metric:
    if exported.kind is Kind.STATES:
        states = StateSetMetricFamily(exported.name, exported.words, labels=["wallet"])
        for wallet in wallets:
            states.add_metric([wallet.address], {name: value == 1 for (name,), value in exported.samples(wallet)})
        return states
    made = CounterMetricFamily if exported.kind is Kind.COUNTER else GaugeMetricFamily
    family = made(exported.name, exported.words, labels=["wallet", *exported.labels])
    for wallet in wallets:
        for labels, value in exported.samples(wallet):
            family.add_metric([wallet.address, *labels], value)
    return family
