"""Token ids are computed as the contracts compute them (polymarket.md 6.4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tieout.ledger.facts import ConditionResolved, MarketNoted, OutcomeTokenListed
from tieout.venue.decode import Identity, decode
from tieout.venue.tokens import complement, is_structured, structured_condition

NOBODY = Identity("0x" + "1" * 40, frozenset())
MODULE_ID = (1 << 248) | (0xABCDEF << 120) | (2 << 104) | (137 << 24) | (3 << 8)

Load = Callable[[str], Any]


def test_computed_ids_are_gammas_token_ids_in_outcome_order(load: Load) -> None:
    for name in ("nt_gamma_market", "nt_gamma_market_sports_market_money_line"):
        market = load(f"samples/{name}.json")
        tokens = json.loads(market["clobTokenIds"])
        expected = ((tokens[0], 0, "ctf"), (tokens[1], 1, "ctf"))
        assert complement(market["conditionId"], tokens[0]) == expected
        assert complement(market["conditionId"], tokens[1]) == expected


def test_a_neg_risk_market_is_backed_by_the_wrapped_collateral(load: Load) -> None:
    market = load("samples/clob_market.json")
    assert market["neg_risk"]
    yes, no = (token["token_id"] for token in market["tokens"])
    assert complement(market["condition_id"], no) == ((yes, 0, "ctf"), (no, 1, "ctf"))


def test_a_pair_that_does_not_verify_gives_nothing(load: Load) -> None:
    market = load("samples/nt_gamma_market.json")
    assert complement(market["conditionId"], "12345") == ()
    assert complement("<condition_id>", "12345") == ()
    assert complement("0x0014", "256") == ()


def test_a_protocol_v2_id_names_its_condition_and_its_outcome() -> None:
    condition = f"0x{MODULE_ID:064x}"
    assert is_structured(str(MODULE_ID | 1))
    assert structured_condition(str(MODULE_ID | 1)) == condition
    assert complement(condition, str(MODULE_ID | 1)) == ((str(MODULE_ID), 0, "pm"), (str(MODULE_ID | 1), 1, "pm"))
    assert not is_structured(str(MODULE_ID | (1 << 60)))
    assert not is_structured("256")


def test_market_descriptions_list_tokens_and_resolutions_pay_the_winner(load: Load) -> None:
    message = load("samples/nt_ws_market_resolved_msg.json")
    loser = json.dumps({**message, "winning_asset_id": message["assets_ids"][1]}).encode()
    resolved = decode(loser, NOBODY).facts[0]
    assert isinstance(resolved, ConditionResolved)
    assert resolved.numerators == (0, 1)
    stranger = decode(json.dumps({**message, "winning_asset_id": "5"}).encode(), NOBODY)
    assert [problem.code for problem in stranger.problems] == ["undecodable"]
    tick = decode(json.dumps(load("samples/ws_market_tick_size_change.json")).encode(), NOBODY).facts[0]
    assert isinstance(tick, MarketNoted)
    assert (tick.note, tick.detail) == ("tick_size", "0.01->0.001")


def test_the_compact_clob_market_lists_like_the_long_one(load: Load) -> None:
    market = load("samples/clob_market.json")
    compact = {
        "c": market["condition_id"],
        "t": [{"t": token["token_id"], "o": token["outcome"]} for token in market["tokens"]],
        "mts": 0.01,
    }
    long = decode(json.dumps(market).encode(), NOBODY).facts
    assert decode(json.dumps(compact).encode(), NOBODY).facts == long
    assert [fact.outcome_index for fact in long if isinstance(fact, OutcomeTokenListed)] == [0, 1]
