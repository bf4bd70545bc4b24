"""Our own decoder reads everything the venue says of a wallet: no problem, no name it does not know."""

from __future__ import annotations

from collections import Counter

import pytest

from sim.shapes.traffic import Life, Traffic
from tieout.ledger.facts import kind_of
from tieout.venue.decode import Identity, decode


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    return Life().live()


SAID = {
    "user order": "user_order",
    "user trade": "user_trade",
    "ws book": "book",
    "ws price_change": "market_event",
    "ws last_trade_price": "market_event",
    "ws best_bid_ask": "market_event",
    "ws tick_size_change": "tick_size_change",
    "ws new_market": "new_market",
    "ws market_resolved": "market_resolved",
    "book": "book",
    "market": "clob_market",
    "compact market": "clob_market_compact",
    "gamma markets": "gamma_market",
    "orders page": "open_order",
    "trades page": "clob_trade",
    "order answer": "order_answer",
    "cancel answer": "cancel_answer",
    "balance allowance": "balance_allowance",
    "heartbeat": "heartbeat",
    "wrong heartbeat": "heartbeat",
    "fee rate": "fee_rate",
    "positions v1": "position",
    "positions v2": "position",
    "activities v1": "activity",
    "activities v2": "activity",
    "data trades v1": "data_trade",
    "data trades v2": "data_trade",
    "receipt": "receipt",
    "log": "chain_log",
    "logs": "chain_log",
}
"""How the decoder calls what the traffic has. Errors and refusals are problems by their nature and stand below."""

ALLOWED = {
    "positions v2 field:verified": "polymarket-client 0.14.0, models/data/portfolio.py; not in our list",
    "activities v1 CONVERSION row names no tokens": "the receipt has them",
    "activities v2 CONVERSION row names no tokens": "the receipt has them",
    "log log does not concern": "the subscription was to the logs of everybody",
}
"""What may be noted, as the beginning of the note, and why. Each must occur."""

FACTS = {
    "order_placed", "order_closed", "match_claimed", "fill", "cancel_refused", "trade_reported", "redemption",
    "position_stated", "cash_flow", "token_listed", "market_noted", "resolution", "token_moved", "collateral_moved",
    "order_filled", "split", "merge",
}  # fmt: skip


def notes(said: str, kind: str, text: bytes, identity: Identity, facts: Counter[str]) -> list[str]:
    """What the decoder had to remark on one payload; its facts are counted."""
    found = decode(text, identity)
    facts.update(kind_of(fact) for fact in found.facts)
    remarks = [*(problem.message for problem in found.problems), *found.unknown]
    if found.kind not in (kind, ""):
        remarks.append(f"was taken for {found.kind}")
    return [f"{said} {remark}" for remark in remarks]


def test_everything_decodes_without_a_problem_or_an_unknown_name(traffic):
    identity = Identity(traffic.wallet, frozenset((traffic.owner,)))
    facts: Counter[str] = Counter()
    found = {
        note
        for said, kind in SAID.items()
        for text in traffic.texts[said]
        for note in notes(said, kind, text, identity, facts)
    }
    beyond = {note for note in found if not note.startswith(tuple(ALLOWED))}
    assert not beyond, "\n".join(sorted(beyond))
    unused = {start for start in ALLOWED if not any(note.startswith(start) for note in found)}
    assert not unused, "\n".join(sorted(unused))
    assert set(facts) >= FACTS, FACTS - set(facts)


def test_a_refusal_is_a_problem_or_where_it_names_an_order_that_order_s_rejection(traffic):
    identity = Identity(traffic.wallet, frozenset((traffic.owner,)))
    seen = set()
    for said in ("error", "batch refusal"):
        for text in traffic.texts[said]:
            found = decode(text, identity)
            outcome = {problem.code for problem in found.problems} | {kind_of(fact) for fact in found.facts}
            named = b'"orderID":"0x' in text
            assert outcome == ({"order_rejected"} if named else {"unsupported"}), text
            assert found.unknown == []
            seen.add(named)
    assert seen == {True, False}


def test_every_kind_of_the_traffic_is_read(traffic):
    small = {
        "midpoint", "price", "spread", "last trade price", "tick size", "neg risk", "by token", "closed only",
        "scoring", "api keys", "quantity",
    }  # fmt: skip
    assert set(traffic.texts) == {*SAID, *small, "error", "batch refusal"}
