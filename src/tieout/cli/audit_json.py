"""An audit as one JSON document. Amounts are micro-units, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tieout.app.chain_audit import ChainAudit, Difference
from tieout.app.data_audit import Inferred
from tieout.app.data_differences import DataCompared
from tieout.app.wallet_audit import WalletAudit
from tieout.app.wallet_report import OpenPosition, WalletReport
from tieout.client.chain import BlockHead
from tieout.jobs.locate import Located
from tieout.ledger.invariants import Finding

Json = dict[str, object]


def findings_json(findings: Sequence[Finding]) -> list[Json]:
    """Every invariant with what was found of it."""
    return [
        {
            "id": finding.id,
            "sentence": finding.sentence,
            "holds": finding.holds,
            "checked": finding.checked,
            "violations": list(finding.violations),
        }
        for finding in findings
    ]


def wallet_json(found: WalletAudit) -> Json:
    """Everything that was asked for; null for what was not, or could not be told."""
    reading = found.reading
    return {
        "wallet": found.wallet,
        "holds": found.audit.holds,
        "told": not found.is_unsure,
        "untold": found.untold,
        "findings": findings_json(found.audit.findings),
        "notes": list(found.notes),
        "read": None
        if reading is None
        else {
            "first_block": reading.first,
            "last_block": reading.last,
            "transactions": reading.transactions,
            "logs": reading.logs,
            "differences_read_again": reading.left_out,
        },
        "chain": None if found.chain is None else _chain(found.chain),
        "report": None if found.report is None else _report(found.report),
        "data_api": None if found.data is None else _data(found.data),
        "data_api_untold": found.data_untold,
        "inferred": None if found.inferred is None else _inferred(found.inferred),
    }


def _block(block: BlockHead) -> Json:
    return {"number": block.number, "hash": block.hash, "at_ms": block.at_ms}


def _amounts(amounts: Mapping[str, int]) -> Json:
    return {name: str(amount) for name, amount in amounts.items()}


def _or_none(amount: int | None) -> str | None:
    return None if amount is None else str(amount)


def _chain(chain: ChainAudit) -> Json:
    tie = chain.at.tie
    return {
        "block": _block(tie.block),
        "ties_out": tie.holds,
        "balances": tie.tokens,
        "collateral": {
            "books": str(tie.collateral.books),
            "chain": str(tie.collateral.chain),
            "coins": _amounts(tie.collateral.coins),
        },
        "differences": [_difference(each) for each in chain.differences],
        "late": [{"key": each.key, "status": each.status, "tx_hash": each.tx_hash} for each in chain.at.late],
    }


def _difference(each: Difference) -> Json:
    return {
        "token_id": each.token_id or None,
        "condition_id": each.condition_id,
        "books": str(each.books),
        "chain": str(each.chain),
        "drift": str(each.drift),
        "cause": each.cause,
        "where": [_where(where) for where in each.where],
        "why_not_located": each.why_not,
    }


def _where(where: Located) -> Json:
    return {
        "block": _block(where.block),
        "drift_before": str(where.before),
        "drift_after": str(where.after),
        "transactions": [
            {
                "tx_hash": change.tx_hash,
                "books": str(change.books),
                "chain": str(change.chain),
                "movements": list(change.movements),
            }
            for change in where.changes
        ],
    }


def _report(report: WalletReport) -> Json:
    return {
        "block": _block(report.block),
        "positions": [_position(each) for each in report.open],
        "closed": {"positions": report.closed, "realized_pnl": str(report.closed_realized)},
        "cost_basis": str(report.cost_basis),
        "unrealized_pnl_of_resolved": str(report.unrealized),
        "realized_pnl": str(report.realized),
        "fees": str(report.fees),
        "pnl_after_fees": str(report.after_fees),
        "income": _amounts(report.income),
        "net": str(report.net),
        "flows": _amounts(report.flows),
        "trading": _amounts(report.trading),
        "collateral": {"books": str(report.collateral), "coins": _amounts(report.coins)},
        "movements": report.movements,
    }


def _position(each: OpenPosition) -> Json:
    row = each.row
    return {
        "condition_id": row.condition_id,
        "token_id": row.token_id,
        "outcome_index": row.outcome_index if row.outcome_index >= 0 else None,
        "shares": str(row.shares),
        "cost_basis": str(row.cost_basis),
        "average": str(each.average),
        "worth": _or_none(each.worth),
        "unrealized_pnl": _or_none(each.unrealized),
        "realized_pnl": str(row.realized_pnl),
        "fees": str(row.fees),
        "unexplained_shares": str(row.unexplained_shares),
    }


def _data(data: DataCompared) -> Json:
    return {
        "positions": data.positions,
        "rows": data.rows,
        "flaws": list(data.flaws),
        "younger_than_lag": data.young,
        "newer_than_block": data.newer,
        "lagging_positions": data.lagging,
        "named_by_it": _amounts(data.named),
        "sums": [
            {"what": what, "count": count, "ours": str(ours), "theirs": str(theirs), "difference": str(ours - theirs)}
            for what, (count, ours, theirs) in data.sums().items()
        ],
        "differences": [
            {
                "what": each.what,
                "of": each.of,
                "deed": each.deed,
                "ours": _or_none(each.ours),
                "theirs": _or_none(each.theirs),
                "difference": str(each.difference),
                "why": each.why,
            }
            for each in data.differences
        ],
    }


def _inferred(inferred: Inferred) -> Json:
    return {
        "rows": inferred.rows,
        "tokens": inferred.tokens,
        "lagging": inferred.lagging,
        "missing_transactions": list(inferred.missing),
        "flaws": list(inferred.flaws),
        "differences": [
            {
                "token_id": found.token_id,
                "condition_id": found.condition_id,
                "action": found.action,
                "severity": found.severity,
                "summary": found.summary,
                "evidence": dict(found.evidence),
            }
            for found in inferred.findings
        ],
    }
