"""Chain logs and receipts: which contract may say what, one transaction at a time (polymarket.md 6).

A log counts only when its emitter is the contract known for the event: anybody can deploy a contract that emits an
OrderFilled or TransferSingle naming our wallet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from tieout.ledger.facts import (
    AnyFact,
    OrderFilledOnChain,
    OutcomeTokenListed,
    PayoutRedeemed,
    Role,
    Side,
)
from tieout.venue import abi, chain_positions, chain_redeemer, chain_transfers, fields, topics
from tieout.venue.addresses import EXCHANGES, P_USD, ROLE, USDC_E
from tieout.venue.chain_cash import Turned, flows
from tieout.venue.chain_conversions import add_conversions
from tieout.venue.chain_groups import count_redeemed, name_migrated
from tieout.venue.chain_refunds import take_refunds
from tieout.venue.chain_view import Found, Log, micro_value, view
from tieout.venue.decoded import Decoded
from tieout.venue.identity import Identity
from tieout.venue.wire import Row, WireError, shown


class _Event(NamedTuple):
    """One event: who may emit it, its decoder, and what it lists."""

    roles: frozenset[str]
    decode: Callable[[Log], Found]
    listings: Callable[[Log], tuple[OutcomeTokenListed, ...]] | None = None


def _by(*roles: str) -> frozenset[str]:
    return frozenset(roles)


_CTF = _by("ledger", "ctf_adapter", "neg_adapter")
_NEG = _by("neg_risk", "neg_adapter")
_MODULE = _by("module")

_TURNED = {topics.WRAPPED: USDC_E, topics.UNWRAPPED: P_USD}
"""The coin that becomes the other one."""

_EVENTS: dict[str, _Event] = {
    topics.ORDER_FILLED: _Event(_by("exchange"), chain_transfers.order_filled),
    topics.ORDER_FILLED_V1: _Event(_by("exchange_v1"), chain_transfers.order_filled_v1),
    topics.TRANSFER_SINGLE: _Event(_by("ledger"), chain_transfers.transfer_single),
    topics.TRANSFER_BATCH: _Event(_by("ledger"), chain_transfers.transfer_batch),
    topics.TRANSFER: _Event(_by("collateral"), chain_transfers.collateral_transfer),
    topics.WRAPPED: _Event(_by("collateral"), chain_transfers.turned),
    topics.UNWRAPPED: _Event(_by("collateral"), chain_transfers.turned),
    topics.DISTRIBUTED_REWARDS: _Event(_by("rewards"), chain_transfers.distributed_rewards),
    topics.CTF_SPLIT: _Event(_CTF, chain_positions.ctf_split, chain_positions.ctf_listings),
    topics.CTF_MERGE: _Event(_CTF, chain_positions.ctf_merge, chain_positions.ctf_listings),
    topics.CTF_REDEMPTION: _Event(_CTF, chain_positions.ctf_redemption, chain_positions.ctf_listings),
    topics.CONDITION_RESOLUTION: _Event(_by("ledger"), chain_positions.condition_resolution),
    topics.NEG_SPLIT: _Event(_NEG, chain_positions.neg_split, chain_positions.neg_listings),
    topics.NEG_MERGE: _Event(_NEG, chain_positions.neg_merge, chain_positions.neg_listings),
    topics.NEG_REDEMPTION: _Event(_NEG, chain_positions.neg_redemption, chain_positions.neg_listings),
    topics.PM_SPLIT: _Event(_MODULE, chain_positions.pm_split, chain_positions.pm_listings),
    topics.PM_MERGED: _Event(_MODULE, chain_positions.pm_merged, chain_positions.pm_listings),
    topics.PM_REDEEMED: _Event(_MODULE, chain_positions.pm_redeemed, chain_positions.pm_listings),
    topics.PM_RESOLVED: _Event(_MODULE, chain_positions.pm_resolved, chain_positions.pm_listings),
    topics.PM_MIGRATED: _Event(_MODULE, chain_positions.pm_migrated, chain_positions.pm_listings),
}


def decode_chain_log(row: Row, identity: Identity, out: Decoded) -> None:
    """One log on its own; one that does not concern the wallet is foreign."""
    if not decode_transaction([row], {}, identity, out) and not out.problems and not out.unknown:
        out.problem("foreign", f"log does not concern {identity.wallet}")


def decode_receipt(row: Row, identity: Identity, out: Decoded) -> None:
    """All logs of one receipt; those of others are silent. What its facts leave of the wallet's money is told, too."""
    logs = row.get("logs")
    if not isinstance(logs, list):
        raise WireError(f"logs: expected a list, was {shown(logs)}")
    decode_transaction(logs, row, identity, out)


def decode_version(row: Row, identity: Identity, out: Decoded) -> None:
    """A receipt that a reorganisation took away, or that another one brought back: the same facts, newer."""
    receipt = row.get("receipt")
    if not isinstance(receipt, dict):
        raise WireError(f"receipt: expected an object, was {shown(receipt)}")
    version, removed = abi.quantity(row.get("version"), "version"), row.get("removed")
    if not isinstance(removed, bool):
        raise WireError(f"removed: expected true or false, was {shown(removed)}")
    decode_receipt({**receipt, "version": version, "removed": removed}, identity, out)


def decode_logs(rows: list[Any], identity: Identity, out: Decoded) -> None:
    """A list of logs, each transaction (and each block it was seen in, for reorgs) like a receipt."""
    for group in by_transaction(rows):
        decode_transaction(group, {}, identity, out)


def by_transaction(rows: Iterable[Any]) -> list[list[Any]]:
    """*rows* in groups of one transaction in one block, in the order in which they first come."""
    groups: dict[tuple[str, str, str], list[Any]] = {}
    for row in rows:
        key = (str(row.get("transactionHash")), str(row.get("blockHash")), str(row.get("removed") or False))
        groups.setdefault(key, []).append(row)
    return list(groups.values())


def decode_transaction(rows: list[Any], receipt: Row, identity: Identity, out: Decoded) -> bool:
    """Decodes the logs of one transaction; whether any of them concerned the wallet (or everybody)."""
    facts: list[AnyFact] = []
    listed: dict[OutcomeTokenListed, None] = {}
    together: list[Log] = []
    emitters: dict[int, str] = {}
    turned: list[Turned] = []
    has_coins = ours = False
    for row in rows:
        try:
            log = view(row, receipt, identity)
            has_coins |= _is_coin(log, turned)
            if _waits(log):
                together.append(log)
                continue
            found = _decode_log(log, listed, out)
        except WireError as error:
            out.problem("undecodable", str(error))
            continue
        ours = ours or found is not None
        facts.extend(found or ())
        emitters.update((fact.log_index, log.address) for fact in found or () if isinstance(fact, PayoutRedeemed))
    try:
        ours = _add_together(together, facts, listed, out) or ours
    except WireError as error:
        out.problem("undecodable", str(error))
    name_migrated(facts, listed)
    if receipt:
        count_redeemed(facts, emitters)
        take_refunds(facts)
    if receipt and has_coins:
        facts.extend(flows(facts, turned))
    out.facts.extend(facts)
    if facts:
        out.facts.extend(listed)
    return ours


def _is_coin(log: Log, turned: list[Turned]) -> bool:
    """Whether it is a transfer of a coin, of anybody. Coins that were turned into others are added to *turned*."""
    if ROLE.get(log.address) != "collateral":
        return False
    if log.topic0 in _TURNED:
        log.expect_topics(4)
        (value,) = abi.words(log.data, 1)
        turned.append(
            Turned(_TURNED[log.topic0], log.index(), log.party(3) == log.wallet, micro_value(value, "amount"))
        )
    return log.topic0 == topics.TRANSFER


def _waits(log: Log) -> bool:
    """Whether the log can only be read beside the other facts of its transaction."""
    role = ROLE.get(log.address, "")
    if log.topic0 == topics.NEG_CONVERTED and role in _NEG:
        log.expect_topics(4)
        return True
    if log.topic0 in chain_redeemer.EVENTS and role == "redeemer":
        log.expect_topics(3)
        return log.party(1) == log.wallet
    return False


def _add_together(logs: list[Log], facts: list[AnyFact], listed: dict[OutcomeTokenListed, None], out: Decoded) -> bool:
    """Adds what *logs* say beside *facts*; whether any of them was the wallet's."""
    redeemed = [log for log in logs if log.topic0 in chain_redeemer.EVENTS]
    last: dict[int, int] = {}
    for log in sorted(redeemed, key=Log.index):
        fact, tokens = chain_redeemer.redemption(log, last.get(log.topic(2), -1), facts)
        last[log.topic(2)] = log.index()
        if fact is not None:
            facts.append(fact)
            listed.update(dict.fromkeys(tokens))
    return add_conversions([log for log in logs if log not in redeemed], facts, out) or bool(redeemed)


def _decode_log(log: Log, listed: dict[OutcomeTokenListed, None], out: Decoded) -> Found:
    """Facts of one log; [] for a known event without effect, None when it is not the wallet's."""
    event = _EVENTS.get(log.topic0)
    if event is None:
        if log.topic0 in topics.IGNORED:
            return []
        if log.topic0 not in (topics.NEG_CONVERTED, *chain_redeemer.EVENTS):
            out.note("topic", log.topic0)
        return None
    if ROLE.get(log.address, "") not in event.roles:
        named = int(log.wallet, 16) in log.topics[1:] if log.wallet[:2] == "0x" and len(log.wallet) == 42 else False
        if named and log.topic0 in (topics.ORDER_FILLED, topics.ORDER_FILLED_V1):
            out.problem("unsupported", f"OrderFilled from {log.address}, which is no known exchange")
        elif named:
            out.note("contract", log.address)
        return None
    found = event.decode(log)
    if event.listings is not None:
        listed.update(dict.fromkeys(event.listings(log)))
    return found


def decode_chain_event(row: Row, identity: Identity, out: Decoded) -> None:
    """One OrderFilled already decoded by an indexer: flat fields, amounts in base units."""
    if row.get("event") != "OrderFilled":
        out.problem("unsupported", f"decoded event {shown(row.get('event'))} is not known")
        return
    maker = fields.ident(row, "maker")
    if not identity.is_wallet(maker):
        out.problem("foreign", f"OrderFilled belongs to {maker}, expected {identity.wallet}")
        return
    side_code = abi.quantity(row.get("side"), "side")
    if side_code > 1:
        raise WireError(f"side: expected 0 or 1, was {side_code}")
    making = abi.quantity(row.get("makerAmountFilled"), "makerAmountFilled")
    taking = abi.quantity(row.get("takerAmountFilled"), "takerAmountFilled")
    at_ms = fields.instant(row, "timestamp")
    if not at_ms:
        raise WireError("log has no timestamp; ask the node for it or give logs with it")
    out.facts.append(
        OrderFilledOnChain(
            occurred_at_ms=at_ms,
            tx_hash=fields.ident(row, "transactionHash"),
            log_index=abi.quantity(row.get("logIndex"), "logIndex"),
            block=abi.quantity(row.get("blockNumber"), "blockNumber"),
            order_id=fields.ident(row, "orderHash"),
            token_id=fields.token(row, "tokenId"),
            side=Side.BUY if side_code == 0 else Side.SELL,
            shares=micro_value(making if side_code else taking, "shares"),
            collateral=micro_value(taking if side_code else making, "collateral"),
            fee=micro_value(abi.quantity(row.get("fee"), "fee"), "fee"),
            role=Role.TAKER if fields.ident(row, "taker") in EXCHANGES else Role.MAKER,
            exchange=fields.ident(row, "exchange"),
        )
    )
