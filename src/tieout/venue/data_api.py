"""Data API rows, v1 (camelCase) and v2 (snake_case): a lagging index with floats, a third witness (polymarket.md 4).

`usdcSize` of a BUY includes the taker fee, `price` does not (4.2); `price` is an average of about ten decimals and is
used for nothing but to tell the two apart.
"""

from __future__ import annotations

from typing import NamedTuple

from tieout.ledger.facts import (
    CashFlowed,
    Flow,
    PayoutRedeemed,
    PositionMigrated,
    PositionsMerged,
    PositionSplit,
    PositionStated,
    Side,
    TradeReported,
)
from tieout.venue import fields
from tieout.venue.decoded import Decoded
from tieout.venue.identity import Identity
from tieout.venue.listings import listings
from tieout.venue.tokens import complement, is_structured
from tieout.venue.wire import Row, WireError, shown

ROWS_BY_OUTCOME_MS = 1_786_320_000_000
"""2026-08-10 00:00 UTC: from here on REDEEM is one row per outcome (`polymarket.md` 4.1)."""

_FLOWS = frozenset(("REWARD", "MAKER_REBATE", "TAKER_REBATE", "REFERRAL_REWARD", "YIELD", "TIP", "DEPOSIT"))
_UNLABELED = 999
_SEEN = frozenset(
    [
        "proxyWallet",
        "proxy_wallet",
        "timestamp",
        "conditionId",
        "condition_id",
        "type",
        "size",
        "usdcSize",
        "usdc_size",
        "transactionHash",
        "transaction_hash",
        "price",
        "asset",
        "token_id",
        "side",
        "outcomeIndex",
        "outcome_index",
        "title",
        "slug",
        "icon",
        "eventSlug",
        "event_slug",
        "eventId",
        "event_id",
        "outcome",
        "name",
        "pseudonym",
        "bio",
        "profileImage",
        "profileImageOptimized",
        "profile_image",
        "profile_image_optimized",
    ]
)
_SEEN_POSITION = _SEEN | frozenset(
    [
        "avgPrice",
        "initialValue",
        "currentValue",
        "cashPnl",
        "percentPnl",
        "totalBought",
        "realizedPnl",
        "percentRealizedPnl",
        "curPrice",
        "redeemable",
        "mergeable",
        "oppositeOutcome",
        "oppositeAsset",
        "endDate",
        "negativeRisk",
        "grossInitialValue",
        "entryFeesUsdc",
        "current_size",
        "avg_price",
        "entry_cost_usdc",
        "entry_fees_usdc",
        "total_cost_usdc",
        "current_price",
        "current_value",
        "total_size",
        "realized_pnl",
        "unrealized_pnl",
        "total_pnl",
        "percent_pnl",
        "percent_realized_pnl",
        "status",
        "negative_risk",
        "archived",
        "opposite_outcome",
        "opposite_token_id",
        "end_date",
        "last_event_at",
    ]
)


class _Names(NamedTuple):
    """What one version of the API calls its fields."""

    wallet: str
    condition: str
    token: str
    tx: str
    usdc: str
    place: str
    size: str
    average: str
    opposite: str


_V1 = _Names(
    "proxyWallet", "conditionId", "asset", "transactionHash", "usdcSize", "outcomeIndex", "size", "avgPrice",
    "oppositeAsset",
)  # fmt: skip
_V2 = _Names(
    "proxy_wallet", "condition_id", "token_id", "transaction_hash", "usdc_size", "outcome_index", "current_size",
    "avg_price", "opposite_token_id",
)  # fmt: skip


def _names(row: Row) -> _Names:
    """The field names of the row's version."""
    return _V1 if "proxyWallet" in row else _V2


def _foreign(row: Row, names: _Names, identity: Identity, out: Decoded) -> bool:
    """Whether the row is of another wallet; says so."""
    wallet = fields.ident(row, names.wallet)
    if identity.is_wallet(wallet):
        return False
    out.problem("foreign", f"row belongs to {wallet}, expected {identity.wallet}")
    return True


def _index(row: Row, names: _Names) -> int | None:
    """The row's outcome index; None when it is missing or 999 (unlabeled)."""
    value = fields.whole(row, names.place, _UNLABELED)
    return value if value in (0, 1) else None


def _token(row: Row, names: _Names) -> str:
    """The row's token id, "" when it names none."""
    return "" if row.get(names.token) in (None, "") else fields.token(row, names.token)


def _condition(row: Row, names: _Names) -> str:
    """The row's condition id; required."""
    found = fields.condition(row, names.condition)
    if not found:
        raise WireError(f"{names.condition}: expected a condition id, was {shown(row.get(names.condition))}")
    return found


def decode_activity(row: Row, identity: Identity, out: Decoded) -> None:
    """Facts of one /activity row, by its `type`."""
    names = _names(row)
    out.note_fields(row, _SEEN)
    if _foreign(row, names, identity, out):
        return
    kind = fields.text(row, "type").upper()
    if kind == "TRADE":
        _trade(row, names, out)
    elif kind == "REDEEM":
        _redeem(row, names, out)
    elif kind in ("SPLIT", "MERGE"):
        _set(row, names, kind, out)
    elif kind in _FLOWS or kind == "WITHDRAWAL":
        _flow(row, names, kind, out)
    elif kind == "MIGRATION":
        _migration(row, names, out)
    elif kind == "CONVERSION":
        out.problem("unsupported", "CONVERSION row names no tokens; import the transaction's receipt")
    else:
        out.note("type", kind)
        out.problem("unsupported", f"activity type {shown(kind)} is not known")


def decode_data_trade(row: Row, identity: Identity, out: Decoded) -> None:
    """Facts of one /trades row: no type and no usdcSize, so collateral is price x size and the fee unknown (0)."""
    names = _names(row)
    out.note_fields(row, _SEEN)
    if not _foreign(row, names, identity, out):
        _trade(row, names, out)


def _time_ms(row: Row) -> int:
    """The row's block time; required."""
    at_ms = fields.instant(row, "timestamp")
    if not at_ms:
        raise WireError(f"timestamp: expected a Unix time in seconds, was {shown(row.get('timestamp'))}")
    return at_ms


def _trade(row: Row, names: _Names, out: Decoded) -> None:
    """The wallet's fills of one (transaction, token, side), with the taker fee told from the collateral."""
    shares = fields.float_amount(row, "size")
    if shares == 0:
        raise WireError(f"size: expected more than 0, was {shown(row.get('size'))}")
    side = fields.side(row)
    numerator, scale = _ratio(row)
    gross = (2 * shares * numerator + scale) // (2 * scale)
    collateral, fee = gross, 0
    if row.get(names.usdc) is not None:
        collateral, fee = split_fee(side, fields.float_amount(row, names.usdc), shares * numerator, scale)
    token_id, condition_id = fields.token(row, names.token), fields.condition(row, names.condition)
    out.facts.append(
        TradeReported(
            occurred_at_ms=_time_ms(row),
            tx_hash=fields.tx_hash(row, names.tx),
            token_id=token_id,
            condition_id=condition_id,
            side=side,
            shares=shares,
            collateral=collateral,
            fee=fee,
        )
    )
    out.facts.extend(listings(condition_id, token_id, _index(row, names)))


def _ratio(row: Row) -> tuple[int, int]:
    """The average price as numerator and power of ten; strictly between 0 and 1."""
    price = fields.number(row, "price")
    if not 0 < price < 1:
        raise WireError(f"price: expected between 0 and 1, was {shown(row.get('price'))}")
    return price.as_integer_ratio()


def split_fee(side: Side, usdc: int, gross: int, scale: int) -> tuple[int, int]:
    """(collateral before fee, fee) of a row's *usdc* (micro); shares x price is *gross* / *scale* micro.

    The fee is the difference to the nearest 0.00001 (fees have five decimals, polymarket.md 7), never negative.
    """
    difference = usdc * scale - gross if side is Side.BUY else gross - usdc * scale
    fee = (2 * difference + 10 * scale) // (20 * scale) * 10 if difference > 0 else 0
    if side is Side.BUY:
        fee = min(fee, usdc)
        return usdc - fee, fee
    return usdc + fee, fee


def _redeem(row: Row, names: _Names, out: Decoded) -> None:
    """One outcome's redemption (since 2026-08-10), or the combined row of before.

    A combined row of nothing is a redemption that lost: the whole balance was burned for a payout of 0 (five such rows
    of July 2026 are recorded). Since the change an empty row beside those of the outcomes says nothing.
    """
    shares, payout = fields.float_amount(row, "size"), fields.float_amount(row, names.usdc)
    token_id = _token(row, names)
    if not token_id and shares == 0 and payout == 0 and _time_ms(row) >= ROWS_BY_OUTCOME_MS:
        return
    condition_id = _condition(row, names)
    out.facts.append(
        PayoutRedeemed(
            occurred_at_ms=_time_ms(row),
            tx_hash=fields.tx_hash(row, names.tx),
            condition_id=condition_id,
            token_id=token_id,
            shares=shares if token_id else None,
            payout=payout,
        )
    )
    out.facts.extend(listings(condition_id, token_id, _index(row, names)))


def _set(row: Row, names: _Names, kind: str, out: Decoded) -> None:
    """A full set split from, or merged into, collateral."""
    fact = PositionSplit if kind == "SPLIT" else PositionsMerged
    condition_id, token_id = _condition(row, names), _token(row, names)
    out.facts.append(
        fact(
            occurred_at_ms=_time_ms(row),
            tx_hash=fields.tx_hash(row, names.tx),
            condition_id=condition_id,
            amount=fields.float_amount(row, "size"),
        )
    )
    out.facts.extend(listings(condition_id, token_id, _index(row, names)))


def _flow(row: Row, names: _Names, kind: str, out: Decoded) -> None:
    """Collateral in or out for a reason of its own."""
    amount = fields.float_amount(row, names.usdc if row.get(names.usdc) is not None else "size")
    out.facts.append(
        CashFlowed(
            occurred_at_ms=_time_ms(row),
            tx_hash=fields.tx_hash(row, names.tx),
            flow=Flow(kind),
            amount=-amount if kind == "WITHDRAWAL" else amount,
            condition_id=fields.condition(row, names.condition),
        )
    )


def _migration(row: Row, names: _Names, out: Decoded) -> None:
    """A migration, when the row names the new ledger's token and it verifies against the condition."""
    token_id, condition_id = _token(row, names), fields.condition(row, names.condition)
    places = {token: place for token, place, ledger in complement(condition_id, token_id) if ledger == "pm"}
    if not (is_structured(token_id) and token_id in places):
        out.problem("unsupported", "MIGRATION row does not name the new token; import the transaction's receipt")
        return
    out.facts.append(
        PositionMigrated(
            occurred_at_ms=_time_ms(row),
            tx_hash=fields.tx_hash(row, names.tx),
            condition_id=condition_id,
            to_token_id=token_id,
            outcome_index=places[token_id],
            amount=fields.float_amount(row, "size"),
        )
    )
    out.facts.extend(listings(condition_id, token_id))


def decode_position(row: Row, identity: Identity, out: Decoded) -> None:
    """What the Data API says the wallet holds; average price as text, a statement and nothing more."""
    names = _names(row)
    out.note_fields(row, _SEEN_POSITION)
    if _foreign(row, names, identity, out):
        return
    size = names.size if names.size in row else "size"
    token_id, condition_id = fields.token(row, names.token), fields.condition(row, names.condition)
    average = "" if row.get(names.average) is None else f"{fields.number(row, names.average):f}"
    out.facts.append(
        PositionStated(
            token_id=token_id,
            condition_id=condition_id,
            shares=fields.float_amount(row, size),
            average_price=average,
            source="data_api",
        )
    )
    index = _index(row, names)
    found = listings(condition_id, token_id, index)
    out.facts.extend(found)
    if len(found) == 1 and index is not None and row.get(names.opposite):
        out.facts.extend(listings(condition_id, fields.token(row, names.opposite), 1 - index))
