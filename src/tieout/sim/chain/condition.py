"""What the contracts know of a market: a condition with its tokens of both generations, and a neg-risk event."""

from __future__ import annotations

from dataclasses import dataclass

from tieout.sim.chain.state import Slot
from tieout.sim.model import Market
from tieout.venue.addresses import USDC_E, WRAPPED_COLLATERAL

KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Condition:
    """One binary condition. `collateral` backs its CTF tokens; `position_ids` are its Protocol V2 tokens."""

    condition_id: str
    question_id: str
    oracle: str
    neg_risk: bool
    collateral: str
    ctf_tokens: tuple[int, int]
    position_ids: tuple[int, int]

    @classmethod
    def of(cls, market: Market) -> Condition:
        """The condition of a market."""
        return cls(
            market.condition_id,
            market.question_id,
            market.oracle,
            market.neg_risk,
            WRAPPED_COLLATERAL if market.neg_risk else USDC_E,
            market.ctf_tokens,
            market.position_ids,
        )

    @property
    def slot(self) -> Slot:
        """(KNOWN, condition id, structured id, collateral, both CTF tokens, both position ids)."""
        return KNOWN, self.condition_id, self.structured_id, self.collateral, *self.ctf_tokens, *self.position_ids

    @property
    def ids(self) -> Slot:
        """Everything that names the condition."""
        return self.condition_id, self.structured_id, *self.ctf_tokens, *self.position_ids

    @property
    def structured_id(self) -> int:
        """The Protocol V2 condition id: a position id with its last byte cleared."""
        return self.position_ids[0] & ~0xFF


@dataclass(frozen=True, slots=True)
class NegRiskEvent:
    """A neg-risk event: its market id (32 bytes as hex), its conditions by index, the conversion fee in 1/10000."""

    market_id: str
    conditions: tuple[Condition, ...]
    fee_bips: int = 0

    @classmethod
    def of(cls, markets: list[Market], fee_bips: int = 0) -> NegRiskEvent:
        """The event of all its markets."""
        ordered = sorted(markets, key=lambda market: market.neg_risk_index)
        return cls(ordered[0].neg_risk_market_id, tuple(map(Condition.of, ordered)), fee_bips)
