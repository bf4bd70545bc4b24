"""Every metric of a wallet: its name, what it means, its labels, and how it follows from what was read.

Units are in the names, dollars and seconds; they are floats here and nowhere else, for display. The dashboard
(`ops/grafana`) is held against this list by a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tieout.app.metrics_reading import MarketFigures, WalletMetrics
from tieout.app.stored_answer import FRESH_MS
from tieout.app.tie_answer import Verdict
from tieout.ledger.units import MICRO
from tieout.store.controls import State
from tieout.store.marks import Mark
from tieout.store.tallies import Comparison

Sample = tuple[tuple[str, ...], float]
"""The values of the labels, but for the wallet's, and the figure."""

Samples = Callable[[WalletMetrics], Iterable[Sample]]


JOB = "worker_job"
"""The label of a job of the worker. Not `job`, nor `instance`: Prometheus gives every series labels of these names that
say where it was scraped, and a job's own name would become `exported_job`."""


class Kind(StrEnum):
    """What a series does."""

    GAUGE = "gauge"
    COUNTER = "counter"
    STATES = "states"
    """A series for every state, 1 for the one that holds. The label has the metric's own name."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A metric of every wallet. `labels` come after `wallet`; without samples it has no series."""

    name: str
    words: str
    samples: Samples
    labels: tuple[str, ...] = ()
    kind: Kind = Kind.GAUGE

    @property
    def label_names(self) -> frozenset[str]:
        """As they are scraped."""
        return frozenset(("wallet", *self.labels, *((self.name,) if self.kind is Kind.STATES else ())))


def verdict_name(verdict: Verdict) -> str:
    """The verdict as a label: "ties_out"."""
    return verdict.value.lower().replace(" ", "_")


def _one(value: float | None) -> Iterator[Sample]:
    """One series; none where there is nothing to tell."""
    if value is not None:
        yield (), float(value)


def _dollars(micro: int | None) -> Iterator[Sample]:
    return _one(None if micro is None else micro / MICRO)


def _counted(of: str) -> Samples:
    """A series for every name that was counted."""
    return lambda wallet: (((name,), count) for name, count in sorted(wallet.counts[of].items()))


def _sum(of: str) -> Samples:
    """All of them together, also 0."""
    return lambda wallet: _one(sum(wallet.counts[of].values()))


def _states(now: str, states: Iterable[str]) -> Iterator[Sample]:
    return (((state,), float(state == now)) for state in states)


def _issues(wallet: WalletMetrics) -> Iterator[Sample]:
    for name, count in sorted(wallet.counts["issues"].items()):
        severity, _, kind = name.partition(" ")
        yield (severity, kind), count


def _age(at_ms: int, wallet: WalletMetrics) -> Iterator[Sample]:
    """Seconds since then; nothing for never."""
    return _one((wallet.now_ms - at_ms) / 1_000 if at_ms else None)


def _of_comparison(figure: Callable[[Comparison], float]) -> Samples:
    return lambda wallet: _one(None if wallet.comparison is None else figure(wallet.comparison))


def _clean(figure: Callable[[Comparison], float]) -> Samples:
    """Of the last comparison that held, if there was one."""
    return lambda wallet: _one(figure(last) if (last := wallet.comparison) and last.clean_at_ms else None)


def _marked(figure: Callable[[Mark], int | None]) -> Samples:
    """Dollars of the last mark."""
    return lambda wallet: _dollars(figure(wallet.money.mark) if wallet.money.mark else None)


def _is_up(wallet: WalletMetrics) -> bool:
    return wallet.status is not None and wallet.now_ms - wallet.status.at_ms <= FRESH_MS


def _shown(figure: Callable[[dict[str, Any]], float | None]) -> Samples:
    """What a worker shows of itself, as long as it is there."""
    return lambda wallet: _one(figure(wallet.status.values) if wallet.status and _is_up(wallet) else None)


def _of_status(name: str) -> Samples:
    """Figures by name that a worker counts since it started."""

    def samples(wallet: WalletMetrics) -> Iterator[Sample]:
        if wallet.status is None or not _is_up(wallet):
            return
        found = wallet.status.values.get(name) or {}
        yield from (((key,), float(n)) for key, n in sorted(found.items()) if isinstance(n, int))

    return samples


def _latency(wallet: WalletMetrics) -> Iterator[Sample]:
    if wallet.status is None or not _is_up(wallet):
        return
    known = wallet.status.values.get("latency_ms") or {}
    for name, quantile in (("p50", "0.5"), ("p99", "0.99")):
        if known.get(name) is not None:
            yield (quantile,), known[name] / 1_000


def _last_of_jobs(figure: str) -> Samples:
    """Seconds of each job's last run, however it ended."""

    def samples(wallet: WalletMetrics) -> Iterator[Sample]:
        for job in sorted({tally.job for tally in wallet.runs}):
            last = max((each for each in wallet.runs if each.job is job), key=lambda each: each.last_ended_ms)
            yield (job.value,), getattr(last, figure) / 1_000

    return samples


def _runs(figure: str, scale: int = 1) -> Samples:
    return lambda wallet: (((t.job.value, t.outcome.value), getattr(t, figure) / scale) for t in wallet.runs)


def _markets(figure: Callable[[MarketFigures], int]) -> Samples:
    return lambda wallet: (((each.condition_id, each.slug), figure(each) / MICRO) for each in wallet.markets)


METRICS: tuple[Exported, ...] = (
    Exported(
        "tieout_verdict",
        "Whether everything ties out: 1 for the answer that holds.",
        lambda w: _states(verdict_name(w.answer.verdict), map(verdict_name, Verdict)),
        kind=Kind.STATES,
    ),
    Exported(
        "tieout_ties_out",
        "1 when everything ties out; 0 when not, or when nobody can tell.",
        lambda w: _one(w.answer.verdict is Verdict.TIES_OUT),
    ),
    Exported(
        "tieout_clean_comparison_age_seconds",
        "Since the last comparison of all balances that held.",
        lambda w: _age(w.comparison.clean_at_ms if w.comparison else 0, w),
    ),
    Exported(
        "tieout_clean_comparison_timestamp_seconds",
        "When a comparison of all balances held last, in Unix time.",
        _clean(lambda last: last.clean_at_ms / 1_000),
    ),
    Exported(
        "tieout_clean_comparison_block",
        "The block of the last comparison that held; 0 where the Data API was the witness.",
        _clean(lambda last: last.clean_block),
    ),
    Exported(
        "tieout_comparison_age_seconds",
        "Since the last comparison of all balances, whatever it found.",
        lambda w: _age(w.comparison.at_ms if w.comparison else 0, w),
    ),
    Exported("tieout_compared_balances", "Balances of the last comparison.", _of_comparison(lambda c: c.balances)),
    Exported(
        "tieout_differing_balances",
        "Balances that differed in the last comparison and that nothing on its way explains.",
        _of_comparison(lambda c: c.differences),
    ),
    Exported("tieout_open_issues", "Issues that nobody has acknowledged.", _issues, ("severity", "type")),
    Exported(
        "tieout_orders",
        "Orders that are not over, by state: intended, live, closing. Those that are over are not counted.",
        _counted("orders"),
        ("state",),
    ),
    Exported(
        "tieout_fills_total",
        "Fills in the books. A reorganisation may take some back.",
        _sum("fills"),
        kind=Kind.COUNTER,
    ),
    Exported("tieout_moving_movements", "Movements whose end the chain has not shown yet.", _sum("moving")),
    Exported(
        "tieout_provisional_fills",
        "Orders of which the venue claims more than their fills cover.",
        _sum("provisional"),
    ),
    Exported(
        "tieout_realized_pnl_dollars",
        "Realized PnL before fees since the books began.",
        lambda w: _dollars(w.money.realized),
    ),
    Exported(
        "tieout_realized_pnl_after_fees_dollars",
        "Realized PnL after fees since the books began.",
        lambda w: _dollars(w.money.realized - w.money.fees),
    ),
    Exported("tieout_fees_dollars", "Fees paid since the books began.", lambda w: _dollars(w.money.fees)),
    Exported("tieout_rewards_dollars", "Rewards and rebates received.", lambda w: _dollars(w.money.rewards)),
    Exported(
        "tieout_pnl_dollars",
        "Realized and unrealized PnL and rewards, after fees, at the last mark.",
        _marked(lambda mark: mark.pnl),
    ),
    Exported(
        "tieout_market_value_dollars",
        "What the positions are worth at the last mark; those without a price count at their cost.",
        _marked(lambda mark: mark.market_value),
    ),
    Exported("tieout_cash_dollars", "Collateral in the wallet at the last mark.", _marked(lambda mark: mark.cash)),
    Exported("tieout_cost_basis_dollars", "Cost of what is held.", lambda w: _dollars(w.money.cost_basis)),
    Exported(
        "tieout_exposure_dollars",
        "What may be lost: the cost of what is held, and what open buys may take.",
        lambda w: _dollars(w.money.exposure),
    ),
    Exported("tieout_open_buys_dollars", "Collateral that open buys may take.", lambda w: _dollars(w.money.buying)),
    Exported("tieout_positions", "Outcome tokens that are held.", lambda w: _one(w.money.positions_held)),
    Exported(
        "tieout_unpriced_positions",
        "Positions without a price at the last mark.",
        lambda w: _one(w.money.mark.unpriced if w.money.mark else None),
    ),
    Exported(
        "tieout_mark_age_seconds",
        "Since the wallet was marked to market last.",
        lambda w: _age(w.money.mark.at_ms if w.money.mark else 0, w),
    ),
    Exported("tieout_runs_total", "Runs of jobs.", _runs("runs"), (JOB, "outcome"), Kind.COUNTER),
    Exported(
        "tieout_run_seconds_total",
        "How long runs of jobs took, all together.",
        _runs("took_ms", 1_000),
        (JOB, "outcome"),
        Kind.COUNTER,
    ),
    Exported("tieout_last_run_seconds", "How long the last run of a job took.", _last_of_jobs("last_took_ms"), (JOB,)),
    Exported(
        "tieout_last_run_timestamp_seconds",
        "When a job ended last, in Unix time.",
        _last_of_jobs("last_ended_ms"),
        (JOB,),
    ),
    Exported(
        "tieout_log_entries_total",
        "Entries of the log: the number of its head.",
        lambda w: _one(w.head_seq),
        kind=Kind.COUNTER,
    ),
    Exported(
        "tieout_undecodable_messages_total",
        "Messages that could not be read, or are of a kind that this version does not know. They are kept.",
        lambda w: (((code,), w.counts["problems"].get(code, 0)) for code in ("undecodable", "unknown_kind")),
        ("code",),
        Kind.COUNTER,
    ),
    Exported("tieout_unknown_names", "Unknown fields and statuses of the venue.", _counted("unknown"), ("kind",)),
    Exported(
        "tieout_unknown_names_seen_total",
        "How often unknown fields and statuses were seen.",
        _counted("unknown seen"),
        ("kind",),
        Kind.COUNTER,
    ),
    Exported(
        "tieout_control",
        "Whether the whole wallet may be quoted: 1 for the state that holds.",
        lambda w: _states(w.control.value, (state.value for state in State)),
        kind=Kind.STATES,
    ),
    Exported(
        "tieout_held_markets",
        "Markets that are paused or halted by a control of their own.",
        lambda w: (((s.value,), w.counts["controls"].get(s.value, 0)) for s in (State.PAUSED, State.HALTED)),
        ("state",),
    ),
    Exported("tieout_worker_up", "1 while a worker shows itself.", lambda w: _one(_is_up(w))),
    Exported(
        "tieout_worker_live",
        "1 when the worker sends orders, 0 in a dry run.",
        _shown(lambda status: bool(status.get("is_live"))),
    ),
    Exported(
        "tieout_quoting",
        "1 when the worker may place orders, 0 when something holds it back.",
        _shown(lambda status: status.get("phase") == "running" and not status.get("why_not")),
    ),
    Exported(
        "tieout_user_feed_up", "1 while the user feed is live.", _shown(lambda status: bool(status.get("feed_live")))
    ),
    Exported(
        "tieout_fill_latency_seconds",
        "From the socket to committed books, of the last 2,000 fills.",
        _latency,
        ("quantile",),
    ),
    Exported(
        "tieout_sent_total",
        "What became of orders and cancels since the worker started.",
        _of_status("sent"),
        ("outcome",),
        Kind.COUNTER,
    ),
    Exported(
        "tieout_alerts_total",
        "What became of alerts since the worker started.",
        _of_status("alerts"),
        ("outcome",),
        Kind.COUNTER,
    ),
)

MARKET_METRICS: tuple[Exported, ...] = tuple(
    Exported(f"tieout_market_{name}", words, _markets(figure), ("condition", "slug"))
    for name, words, figure in (
        ("shares", "Shares of both outcomes that are held.", lambda each: each.shares),
        ("cost_basis_dollars", "Cost of what is held in a market.", lambda each: each.cost_basis),
        ("realized_pnl_dollars", "Realized PnL of a market before fees.", lambda each: each.realized),
        ("fees_dollars", "Fees paid in a market.", lambda each: each.fees),
    )
)
"""Series of single markets: only for as many as are asked for."""
