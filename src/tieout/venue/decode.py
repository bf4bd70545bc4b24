"""The venue's bytes to the ledger's facts: one entry point for every payload Polymarket sends about a wallet.

Pure: no I/O, no clock. `decode` never raises on bad data; what cannot be booked is a Problem beside what can.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tieout.ledger.facts import OutcomeTokenListed
from tieout.venue import chain_logs, chain_window, clob_answers, clob_orders, clob_trades, data_api, markets
from tieout.venue.decoded import Decoded, Problem
from tieout.venue.identity import Identity
from tieout.venue.kinds import KINDS, detect
from tieout.venue.wire import Row, WireError, parse, shown

__all__ = ["KINDS", "Decoded", "Identity", "Problem", "decode", "detect"]

_Handler = Callable[[Row, Identity, Decoded], None]


def _nothing(_row: Row, _identity: Identity, _out: Decoded) -> None:
    """A known payload that says nothing the books keep."""


_HANDLERS: dict[str, _Handler] = dict.fromkeys(KINDS, _nothing) | {
    "user_order": clob_orders.decode_order,
    "open_order": clob_orders.decode_order,
    "user_trade": clob_trades.decode_trade,
    "clob_trade": clob_trades.decode_trade,
    "order_answer": clob_answers.decode_order_answer,
    "error_answer": clob_answers.decode_order_answer,
    "cancel_answer": clob_answers.decode_cancel_answer,
    "activity": data_api.decode_activity,
    "data_trade": data_api.decode_data_trade,
    "position": data_api.decode_position,
    "gamma_market": markets.decode_gamma_market,
    "clob_market": markets.decode_clob_market,
    "clob_market_compact": markets.decode_clob_market,
    "new_market": markets.decode_new_market,
    "market_resolved": markets.decode_market_resolved,
    "tick_size_change": markets.decode_tick_size_change,
    "chain_log": chain_logs.decode_chain_log,
    "receipt": chain_logs.decode_receipt,
    "chain_version": chain_logs.decode_version,
    "chain_event": chain_logs.decode_chain_event,
}

_MAX_DEPTH = 4
_ENVELOPES = ("data", "rows", "result", "markets")


def decode(raw: bytes, identity: Identity, kind: str | None = None) -> Decoded:
    """Facts and problems of one message, row, log, receipt, answer, list of them, or page envelope.

    *kind* forces how each row is read; otherwise its field names tell. Every message is decoded on its own, so one
    bad row of a page takes no other with it.
    """
    try:
        payload = parse(raw)
    except WireError as error:
        return Decoded(kind or "", problems=[Problem("undecodable", str(error))])
    if kind is not None and kind not in _HANDLERS:
        return Decoded(kind, problems=[Problem("unknown_kind", f"kind {shown(kind)} is not known")])
    if kind == "chain_window":
        return _decode_window(payload, identity)
    return _decode_value(payload, identity, kind, 0)


def _decode_window(payload: Any, identity: Identity) -> Decoded:
    """Decodes the answers of one batch together: the logs of a transaction lie in several of them."""
    out = Decoded("chain_window")
    try:
        chain_window.decode_window(payload, identity, out)
    except WireError as error:
        out.problem("undecodable", str(error))
    return out


def _decode_value(payload: Any, identity: Identity, kind: str | None, depth: int) -> Decoded:
    """Decodes a row, or every element of a list or envelope."""
    if depth > _MAX_DEPTH:
        return Decoded(kind or "", problems=[Problem("unknown_kind", "message: lists nested too deep")])
    if type(payload) is list:
        return _decode_list(payload, identity, kind, depth)
    found = detect(payload)
    if found is None and type(payload) is dict:
        for name in _ENVELOPES:
            inner = payload.get(name)
            if type(inner) is list or (name == "result" and type(inner) is dict):
                return _decode_value(inner, identity, kind, depth + 1)
    return _decode_row(payload, identity, kind or found)


def _decode_list(rows: list[Any], identity: Identity, kind: str | None, depth: int) -> Decoded:
    """Decodes each element and merges the results; chain logs are grouped by transaction."""
    if rows and kind in (None, "chain_log") and all(detect(row) == "chain_log" for row in rows):
        merged = Decoded("chain_log")
        chain_logs.decode_logs(rows, identity, merged)
    else:
        merged = Decoded(kind or "")
        kinds: dict[str, None] = {}
        for row in rows:
            part = _decode_value(row, identity, kind, depth + 1)
            kinds[part.kind] = None
            merged.absorb(part)
        if kinds:
            merged.kind = next(iter(kinds)) if len(kinds) == 1 else "mixed"
    seen: set[OutcomeTokenListed] = set()
    kept = []
    for fact in merged.facts:
        if isinstance(fact, OutcomeTokenListed):
            if fact in seen:
                continue
            seen.add(fact)
        kept.append(fact)
    merged.facts = kept
    return merged


def _decode_row(payload: Any, identity: Identity, kind: str | None) -> Decoded:
    """Decodes one object (or null) of a known or unknown kind."""
    if kind is None:
        return Decoded("", problems=[Problem("unknown_kind", _unknown(payload))])
    if payload is None and kind in ("open_order", "user_order", "order_null"):
        return Decoded("order_null")
    out = Decoded(kind)
    if type(payload) is not dict:
        out.problem("undecodable", f"message: expected an object, was {shown(payload)}")
        return out
    try:
        _HANDLERS[kind](payload, identity, out)
    except WireError as error:
        out.problem("undecodable", str(error))
    return out


def _unknown(payload: Any) -> str:
    """What an unknown message is, by names only: values may be secrets."""
    if type(payload) is not dict:
        return f"message: expected an object, was {type(payload).__name__}"
    event = payload.get("event_type")
    if event is not None:
        return f"event_type {shown(event)} is not known"
    names = ", ".join(shown(name, quoted=False) for name in sorted(payload)[:12])
    return f"no known message has the fields: {names or 'none'}"
