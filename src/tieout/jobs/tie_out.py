"""Tying out: the books' shares against the chain's balances at one block, to the micro-share. No tolerance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import asyncpg

from tieout.client.chain import BlockHead, Chain
from tieout.venue.addresses import CTF, POSITION_MANAGER
from tieout.venue.tokens import is_structured

TOKENS_MAX = 200
"""Balances in one call."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A token whose books differ from the chain; micro-shares."""

    token_id: str
    books: int
    chain: int

    @property
    def drift(self) -> int:
        """Books minus truth."""
        return self.books - self.chain


@dataclass(frozen=True, slots=True)
class TieOut:
    """The comparison at `block`: `tokens` compared, `differences` found."""

    block: BlockHead
    tokens: int
    differences: tuple[Difference, ...]

    @property
    def holds(self) -> bool:
        """Every balance equals the books."""
        return not self.differences


async def tie_out(chain: Chain, wallet: str, shares: Mapping[str, int], block: BlockHead) -> TieOut:
    """Compare *shares* (token id to micro-shares, as of *block*) with the balances at *block*. Raises VenueError."""
    differences: list[Difference] = []
    for ledger, tokens in _by_ledger(shares):
        for at in range(0, len(tokens), TOKENS_MAX):
            asked = tokens[at : at + TOKENS_MAX]
            balances = await chain.token_balances(ledger, wallet, asked, block.hash)
            differences += [
                Difference(token, shares[token], balance)
                for token, balance in zip(asked, balances, strict=True)
                if shares[token] != balance
            ]
    return TieOut(block, len(shares), tuple(differences))


async def settled_shares(connection: asyncpg.Connection, wallet_id: int) -> dict[str, int]:
    """Token id to micro-shares that the chain must show: what the venue has only promised is left out."""
    rows = await connection.fetch(
        "SELECT token_id, shares - unsettled_shares AS shares FROM positions WHERE wallet_id = $1", wallet_id
    )
    return {row["token_id"]: row["shares"] for row in rows if row["token_id"].isdecimal()}


def _by_ledger(tokens: Iterable[str]) -> list[tuple[str, list[str]]]:
    ordered = sorted(tokens)
    structured = [token for token in ordered if is_structured(token)]
    return [(CTF, [token for token in ordered if not is_structured(token)]), (POSITION_MANAGER, structured)]
