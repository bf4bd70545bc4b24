"""The wallet's logs of some blocks, as several eth_getLogs answered them in one batch.

Most transactions of a market maker are fills and nothing else, and those its own logs tell to the last unit. Of every
other one only the receipt tells what it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tieout.ledger.facts import AnyFact, CollateralMoved, OrderFilledOnChain, TokenMoved
from tieout.venue import abi, fields
from tieout.venue.chain_cash import caused
from tieout.venue.chain_conversions import unexplained
from tieout.venue.chain_logs import by_transaction, decode_transaction
from tieout.venue.decoded import Decoded
from tieout.venue.identity import Identity
from tieout.venue.wire import Row


class Seen(NamedTuple):
    """A transaction that touches the wallet, and the block it was seen in."""

    tx_hash: str
    block: int
    block_hash: str


class Window(NamedTuple):
    """What a window tells: every transaction in chain order, and those of them that only their receipts explain."""

    transactions: list[Seen]
    unexplained: list[Seen]


def decode_window(answers: object, identity: Identity, out: Decoded) -> Window:
    """Adds the facts of each transaction that fills account for to the unit.

    A batch with an error in it says nothing: it is asked again.
    """
    window = Window([], [])
    for group in by_transaction(rows_of(answers)):
        each = _seen(group[0])
        window.transactions.append(each)
        alone = Decoded(out.kind)
        decode_transaction(group, {}, identity, alone)
        if not alone.problems and is_all_fills(alone.facts):
            out.absorb(alone)
        else:
            window.unexplained.append(each)
    return window


def seen(answers: object) -> list[Seen]:
    """Every transaction of the window, in chain order."""
    return [_seen(group[0]) for group in by_transaction(rows_of(answers))]


def _seen(row: Row) -> Seen:
    return Seen(
        fields.ident_of(row.get("transactionHash"), "transactionHash"),
        abi.quantity(row.get("blockNumber"), "blockNumber"),
        fields.tx_hash(row, "blockHash"),
    )


def rows_of(answers: object) -> list[Row]:
    """The logs of a batch of answers, each once, in chain order; none when one of the answers is an error."""
    rows: dict[tuple[int, int, str], Row] = {}
    for answer in answers if isinstance(answers, list) else [answers]:
        if not isinstance(answer, dict) or "result" not in answer:
            return []
        for row in _logs(answer["result"]):
            place = abi.quantity(row.get("blockNumber"), "blockNumber"), abi.quantity(row.get("logIndex"), "logIndex")
            rows[(*place, str(row.get("blockHash")))] = row
    return [rows[key] for key in sorted(rows)]


def _logs(result: Any) -> Sequence[Row]:
    return [row for row in result if isinstance(row, dict)] if isinstance(result, list) else ()


def is_all_fills(facts: Sequence[AnyFact]) -> bool:
    """Whether fills alone account for every token and every unit of collateral that moved."""
    if not all(isinstance(fact, TokenMoved | CollateralMoved | OrderFilledOnChain) for fact in facts):
        return False
    money = sum(fact.amount for fact in facts if isinstance(fact, CollateralMoved))
    has_fills = any(isinstance(fact, OrderFilledOnChain) for fact in facts)
    return has_fills and money == caused(facts) and not any(unexplained(facts).values())
