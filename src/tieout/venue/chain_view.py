"""One log with its place on chain, as the event decoders read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tieout.ledger.facts import AnyFact
from tieout.ledger.units import AMOUNT_MAX
from tieout.venue import abi, fields
from tieout.venue.identity import Identity
from tieout.venue.wire import Row, WireError, shown


@dataclass(slots=True)
class Log:
    """One log of eth_getLogs or of a receipt. `row` falls back to the receipt for the block's fields."""

    row: Row
    receipt: Row
    identity: Identity
    address: str
    topics: list[int]
    topic0: str
    data: bytes

    @property
    def wallet(self) -> str:
        """Our wallet."""
        return self.identity.wallet

    def topic(self, place: int) -> int:
        """Indexed argument number *place* (1 to 3)."""
        return self.topics[place]

    def party(self, place: int) -> str:
        """Indexed argument number *place* as an address."""
        return abi.address(self.topics[place], "topics")

    def index(self) -> int:
        """The log's place in its block."""
        return abi.quantity(self.row.get("logIndex"), "logIndex")

    def expect_topics(self, count: int) -> None:
        """Refuses a log with another number of topics than the event has."""
        if len(self.topics) != count:
            raise WireError(f"topics: expected {count}, was {len(self.topics)}")

    def place(self) -> dict[str, Any]:
        """The ChainFact fields of this log. Needs the block's time: without it the books could not order the fact."""
        row, receipt = self.row, self.receipt
        stamp = row.get("blockTimestamp")
        if stamp is None:
            stamp = receipt.get("blockTimestamp", receipt.get("timestamp"))
        if stamp is None:
            raise WireError("log has no blockTimestamp; ask the node for it or give logs with it")
        # A receipt that was taken back as a whole says so itself, with the number of its version.
        removed = receipt.get("removed", row.get("removed"))
        if removed not in (None, False, True):
            raise WireError(f"removed: expected true or false, was {shown(removed)}")
        return {
            "occurred_at_ms": abi.quantity(stamp, "blockTimestamp") * 1000,
            "tx_hash": fields.ident_of(_either(row, receipt, "transactionHash"), "transactionHash"),
            "log_index": self.index(),
            "block": abi.quantity(_either(row, receipt, "blockNumber"), "blockNumber"),
            "block_hash": fields.tx_hash({"blockHash": _either(row, receipt, "blockHash")}, "blockHash"),
            "version": abi.quantity(receipt.get("version", 1 if removed else 0), "version"),
            "removed": bool(removed),
        }


def _either(row: Row, receipt: Row, field: str) -> Any:
    """The log's own field, else its receipt's."""
    value = row.get(field)
    return receipt.get(field) if value is None else value


def view(row: object, receipt: Row, identity: Identity) -> Log:
    """The log of a row; topics and data are read, the place on chain only when a fact needs it."""
    if not isinstance(row, dict):
        raise WireError(f"log: expected an object, was {shown(row)}")
    raw_topics = row.get("topics")
    if not isinstance(raw_topics, list) or len(raw_topics) > 4:
        raise WireError(f"topics: expected a list of at most 4, was {shown(raw_topics)}")
    topics = []
    for topic in raw_topics:
        piece = abi.hex_bytes(topic, "topics")
        if len(piece) != 32:
            raise WireError(f"topics: expected 32 bytes, was {len(piece)}")
        topics.append(int.from_bytes(piece, "big"))
    return Log(
        row=row,
        receipt=receipt,
        identity=identity,
        address=fields.ident(row, "address"),
        topics=topics,
        topic0=f"0x{topics[0]:064x}" if topics else "",
        data=abi.hex_bytes(row.get("data"), "data"),
    )


def micro_value(value: int, field: str) -> int:
    """An on-chain amount (base units are micro-units), refused when no fact could hold it."""
    if value > AMOUNT_MAX:
        raise WireError(f"{field}: expected at most {AMOUNT_MAX} base units, was {shown(value)}")
    return value


def hex32(value: int) -> str:
    """A word as 0x hex: condition and market ids."""
    return f"0x{value:064x}"


Found = list[AnyFact] | None
"""Facts of one log; None when the log does not concern the wallet."""
