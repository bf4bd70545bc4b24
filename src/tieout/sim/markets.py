"""Making markets: condition ids and token ids that verify, names that read like the venue's, drawn from the seed."""

from __future__ import annotations

from collections.abc import Iterator

from eth_hash.auto import keccak

from tieout.sim.contracts import contract
from tieout.sim.model import Market
from tieout.sim.rng import Stream
from tieout.venue.addresses import USDC_E, WRAPPED_COLLATERAL
from tieout.venue.tokens import ctf_tokens

UMA_ADAPTER = "0x65070be91477460d8a7aeeb94ef92fe056c2f2a7"
"""The oracle of the simulator's normal conditions; any address serves."""

DAY_MS = 86_400_000

FEE_RATES = {"crypto": 70_000, "sports": 50_000, "politics": 40_000, "culture": 50_000, "geopolitics": 0}
"""Taker fee rates in micro by category (`polymarket.md` 7, state of November 2026)."""

REBATES = {"crypto": 200_000, "sports": 150_000}
"""Share of the taker fee that makers get back, in micro; 0.25 elsewhere."""

_SUBJECTS = {
    "crypto": ("Bitcoin", "Ethereum", "Solana", "XRP"),
    "sports": ("the Lakers", "Arsenal", "Ferrari", "the Chiefs"),
    "politics": ("the incumbent", "the coalition", "the bill", "the governor"),
    "culture": ("the sequel", "the album", "the finale", "the favourite"),
    "geopolitics": ("the ceasefire", "the summit", "the treaty", "the embargo"),
}
_VERBS = {
    "crypto": "close above its open on day",
    "sports": "win round",
    "politics": "prevail in vote",
    "culture": "take award",
    "geopolitics": "hold through week",
}


def condition_id(oracle: str, question_id: str, outcomes: int = 2) -> str:
    """keccak(oracle, question id, number of outcomes), as ConditionalTokens makes it (`polymarket.md` 6.4)."""
    packed = bytes.fromhex(oracle[2:]) + bytes.fromhex(question_id[2:]) + outcomes.to_bytes(32, "big")
    return "0x" + keccak(packed).hex()


def structured_ids(condition: str, *, neg_risk: bool) -> tuple[int, int]:
    """The Protocol V2 ids for a condition: module 1 or 2, a base hash of the condition, arity 2, outcome 0 and 1."""
    module = 2 if neg_risk else 1
    base_hash = int.from_bytes(keccak(bytes.fromhex(condition[2:]))[:16], "big")
    base = module << 248 | base_hash << 120 | 2 << 104
    return base, base | 1


def make_market(
    stream: Stream,
    number: int,
    now_ms: int,
    *,
    category: str = "",
    neg_risk: tuple[str, int] | None = None,
    version: str = "v1",
) -> Market:
    """Market *number*: ids that verify, a fee by its category. *neg_risk* is (market id, index in its event)."""
    category = category or stream.choice(sorted(FEE_RATES))
    oracle = contract("NegRiskAdapter") if neg_risk else UMA_ADAPTER
    if neg_risk:
        question_id = f"{neg_risk[0][:-2]}{neg_risk[1]:02x}"
    else:
        question_id = f"0x{stream.getrandbits(256):064x}"
    condition = condition_id(oracle, question_id)
    tokens = ctf_tokens(condition, WRAPPED_COLLATERAL if neg_risk else USDC_E)
    position_ids = structured_ids(condition, neg_risk=bool(neg_risk))
    if version == "v2":
        # A market born in Protocol V2 is named by its module: 31 bytes, the last cleared.
        condition = f"0x{position_ids[0]:064x}"
    subject = stream.choice(_SUBJECTS[category])
    question = f"Will {subject} {_VERBS[category]} {number}?"
    slug = "-".join("".join(c if c.isalnum() else " " for c in question.lower()).split())
    yes_no = category != "crypto"
    return Market(
        condition_id=condition,
        question_id=question_id,
        oracle=oracle,
        slug=slug,
        question=question,
        outcomes=("Yes", "No") if yes_no else ("Up", "Down"),
        ctf_tokens=(int(tokens[0]), int(tokens[1])),
        position_ids=position_ids,
        number=number,
        version=version,
        neg_risk=bool(neg_risk),
        event_id=str(10_000 + number),
        event_slug=slug,
        event_title=question,
        neg_risk_market_id=neg_risk[0] if neg_risk else "",
        neg_risk_index=neg_risk[1] if neg_risk else 0,
        fee_rate=FEE_RATES[category],
        rebate_rate=REBATES.get(category, 250_000),
        reward_daily=stream.choice((0, 10_000_000, 50_000_000)),
        reward_min_size=20_000_000,
        reward_max_spread=35_000,
        created_ms=now_ms,
        end_ms=now_ms + 30 * DAY_MS,
    )


def make_event(stream: Stream, first_number: int, now_ms: int, size: int) -> list[Market]:
    """A neg-risk event of *size* markets, of which one comes true."""
    event_id = f"0x{stream.getrandbits(248):062x}00"
    markets = [
        make_market(stream, first_number + index, now_ms, category="politics", neg_risk=(event_id, index))
        for index in range(size)
    ]
    for market in markets:
        market.event_id, market.event_slug = markets[0].event_id, f"event-{first_number}"
        market.event_title = f"Which candidate wins race {first_number}?"
    return markets


def make_markets(stream: Stream, count: int, now_ms: int, *, first: int = 1) -> Iterator[Market]:
    """*count* markets from number *first* on.

    Numbers that end in 4 or 9 begin a neg-risk event of three where there is room, those in 7 are Protocol V2 markets.
    """
    number, end = first, first + count
    while number < end:
        if number % 5 == 4 and number + 2 < end:
            yield from make_event(stream, number, now_ms, 3)
            number += 3
        else:
            yield make_market(stream, number, now_ms, version="v2" if number % 10 == 7 else "v1")
            number += 1
