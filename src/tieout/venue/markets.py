"""Market descriptions and market-channel events that say something about tokens (polymarket.md 1.3, 3.2 and 5)."""

from __future__ import annotations

from typing import Any

from tieout.ledger.facts import ConditionResolved, MarketNoted, OutcomeTokenListed
from tieout.venue import fields
from tieout.venue.decoded import Decoded
from tieout.venue.identity import Identity
from tieout.venue.listings import listings
from tieout.venue.wire import Row, WireError, parse, shown


def _tokens(value: Any, field: str) -> list[str]:
    """Token ids in outcome order from a list or from a JSON string of a list; "" where one is missing."""
    if value is None or value == "":
        return []
    if type(value) is str:
        try:
            value = parse(value.encode("utf-8", "replace"))
        except WireError:
            raise WireError(f"{field}: expected a JSON list in text, was {shown(value)}") from None
    if type(value) is not list:
        raise WireError(f"{field}: expected a list of token ids, was {shown(value)}")
    return ["" if item == "" else fields.token({"asset_id": item}) for item in value]


def _list(condition_id: str, tokens: list[str], out: Decoded, ledger: str = "") -> None:
    """Adds one listing for each token, computed where the pair verifies, else by its place."""
    for index, token_id in enumerate(tokens):
        found = listings(condition_id, token_id, index)
        if ledger and not (found and len(found) > 1):
            found = tuple(
                OutcomeTokenListed(
                    token_id=f.token_id, condition_id=condition_id, outcome_index=f.outcome_index, ledger=ledger
                )
                for f in found
            )
        out.facts.extend(fact for fact in found if fact not in out.facts)


def decode_gamma_market(row: Row, _: Identity, out: Decoded) -> None:
    """Gamma: outcomes[i] is clobTokenIds[i]; `positionIds` are the Protocol V2 ids where there are any."""
    condition_id = fields.condition(row, "conditionId")
    _list(condition_id, _tokens(row.get("clobTokenIds"), "clobTokenIds"), out)
    _list(condition_id, _tokens(row.get("positionIds"), "positionIds"), out, ledger="pm")


def decode_clob_market(row: Row, _: Identity, out: Decoded) -> None:
    """CLOB /markets (`tokens[{token_id}]`) and the compact /clob-markets (`t[{t}]`)."""
    compact = "tokens" not in row
    field, name = ("t", "t") if compact else ("tokens", "token_id")
    rows = row.get(field)
    if type(rows) is not list:
        raise WireError(f"{field}: expected a list of tokens, was {shown(rows)}")
    ids = [item.get(name) if type(item) is dict else item for item in rows]
    _list(fields.condition(row, "c" if compact else "condition_id"), _tokens(ids, field), out)


def decode_new_market(row: Row, _: Identity, out: Decoded) -> None:
    """Market channel `new_market`: tokens in outcome order."""
    value = row.get("clob_token_ids") or row.get("assets_ids")
    _list(fields.condition(row), _tokens(value, "assets_ids"), out)


def decode_market_resolved(row: Row, _: Identity, out: Decoded) -> None:
    """Market channel `market_resolved`: the winning token's outcome pays one."""
    condition_id = fields.condition(row)
    tokens = _tokens(row.get("assets_ids"), "assets_ids")
    winner = fields.token(row, "winning_asset_id")
    if not condition_id or winner not in tokens:
        raise WireError(f"winning_asset_id: expected one of assets_ids, was {shown(winner)}")
    order = {fact.token_id: fact.outcome_index for fact in listings(condition_id, winner, tokens.index(winner))}
    place, count = order[winner], max(len(tokens), 2)
    numerators = tuple(1 if index == place else 0 for index in range(count))
    at_ms = fields.instant(row, "timestamp")
    out.facts.append(ConditionResolved(occurred_at_ms=at_ms, condition_id=condition_id, numerators=numerators))
    _list(condition_id, tokens, out)


def decode_tick_size_change(row: Row, _: Identity, out: Decoded) -> None:
    """Market channel `tick_size_change`: resting orders on the old grid may be invalid."""
    old, new = fields.number(row, "old_tick_size"), fields.number(row, "new_tick_size")
    out.facts.append(
        MarketNoted(
            occurred_at_ms=fields.instant(row, "timestamp"),
            condition_id=fields.condition(row),
            token_id=fields.token(row),
            note="tick_size",
            detail=f"{old:f}->{new:f}",
        )
    )
