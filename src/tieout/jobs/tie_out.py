"""Tying out: the books against the chain's balances at one block, to the micro-unit. No tolerance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tieout.client.chain import BlockHead, Chain
from tieout.venue.addresses import CTF, P_USD, POSITION_MANAGER, USDC_E
from tieout.venue.tokens import is_structured

TOKENS_MAX = 200
"""Balances in one call."""

COLLATERAL = ""
"""Stands for the token where the wallet's money is meant: all coins together, as the books count them."""

COINS = {"pUSD": P_USD, "USDC.e": USDC_E}
"""What counts as collateral, one for one."""


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
class Collateral:
    """The wallet's collateral, micro-units: what the books' movements add up to, and its balance of each coin."""

    books: int
    coins: Mapping[str, int]

    @property
    def chain(self) -> int:
        """All coins together."""
        return sum(self.coins.values())

    @property
    def drift(self) -> int:
        """Books minus truth."""
        return self.books - self.chain


@dataclass(frozen=True, slots=True)
class TieOut:
    """The comparison at `block`: `tokens` compared, `differences` found, and the collateral."""

    block: BlockHead
    tokens: int
    differences: tuple[Difference, ...]
    collateral: Collateral

    @property
    def holds(self) -> bool:
        """Every balance equals the books."""
        return not self.differences and not self.collateral.drift

    @property
    def drifts(self) -> frozenset[tuple[str, int]]:
        """What differs, a token or COLLATERAL, and by how much."""
        money = {(COLLATERAL, self.collateral.drift)} if self.collateral.drift else set()
        return frozenset(money | {(each.token_id, each.drift) for each in self.differences})


async def tie_out(chain: Chain, wallet: str, shares: Mapping[str, int], collateral: int, block: BlockHead) -> TieOut:
    """Compare *shares* (token id to micro-shares) and *collateral* (micro-units) with the balances.

    Both are the books as of *block*. Raises VenueError, CallFailedError.
    """
    differences: list[Difference] = []
    for ledger, tokens in by_ledger(shares):
        for at in range(0, len(tokens), TOKENS_MAX):
            asked = tokens[at : at + TOKENS_MAX]
            balances = await chain.token_balances(ledger, wallet, asked, block.hash)
            differences += [
                Difference(token, shares[token], balance)
                for token, balance in zip(asked, balances, strict=True)
                if shares[token] != balance
            ]
    coins = await coin_balances(chain, wallet, block.hash)
    return TieOut(block, len(shares), tuple(differences), Collateral(collateral, coins))


async def coin_balances(chain: Chain, wallet: str, at: str | int) -> dict[str, int]:
    """Micro-units of each coin at the end of a block."""
    return {name: await chain.balance(coin, wallet, at) for name, coin in COINS.items()}


def by_ledger(tokens: Iterable[str]) -> list[tuple[str, list[str]]]:
    """*tokens* in order, by the contract that keeps them."""
    ordered = sorted(tokens)
    structured = [token for token in ordered if is_structured(token)]
    return [(CTF, [token for token in ordered if not is_structured(token)]), (POSITION_MANAGER, structured)]
