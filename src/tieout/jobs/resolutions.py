"""What resolved conditions pay, asked of the chain where only that divides a redemption over its outcomes (S6).

A resolution touches no wallet, so nobody who reads a wallet's logs comes across it. The payout of one redemption of
both outcomes is a total; which of them paid is told by the CTF's payout vector alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import asyncpg

from tieout.client.chain import BlockHead, Chain
from tieout.client.rpc import CallFailedError
from tieout.jobs.chain_follower import Step
from tieout.jobs.job import BookFacts
from tieout.jobs.log_reading import payout_vectors
from tieout.ledger.facts import AnyFact, ConditionResolved
from tieout.ledger.movement import LOG_BITS

_REDEEMED = (
    "SELECT condition_id, legs FROM movements WHERE wallet_id = $1 AND kind = 'redemption' "
    "AND condition_id <> '' AND strpos(legs, ',') > 0 AND chain_position < $2"
)


class Resolutions:
    """The payout vectors of one wallet's redeemed conditions."""

    def __init__(self, connection: asyncpg.Connection, wallet_id: int, chain: Chain, book: BookFacts) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._chain = chain
        self._book = book
        self._known: set[str] = set()
        self._is_due = True
        """Something was read since what resolved conditions pay was last asked for."""

    async def read(self, step: Step) -> None:
        """Book what is missing of all that was redeemed up to the final block of *step*. Raises VenueError."""
        self._is_due = self._is_due or step.transactions > 0
        if self._is_due:
            self._is_due = not await self._told(step.block)

    async def _told(self, block: BlockHead) -> bool:
        """Whether the node told everything that was asked; else it has to be asked again."""
        rows = await self._connection.fetch(_REDEEMED, self._wallet_id, (block.number + 1) << LOG_BITS)
        wanted = {row["condition_id"] for row in rows if _takes_both(row)} - self._known
        known = await payout_vectors(self._connection, self._wallet_id, sorted(wanted)) if wanted else {}
        missing = sorted(wanted - known.keys())
        try:
            vectors = await self._chain.payouts(missing, block.hash) if missing else []
        except CallFailedError:
            # A ledger that does not know the condition, or a node without the contract: then it stays a total.
            return False
        found = {condition_id: vector for condition_id, vector in zip(missing, vectors, strict=True) if sum(vector)}
        facts: list[AnyFact] = [ConditionResolved(condition_id=each, numerators=paid) for each, paid in found.items()]
        if facts:
            await self._book(facts)
        self._known |= wanted
        return True


def _takes_both(row: Mapping[str, str]) -> bool:
    """Whether more than one outcome was redeemed; "-1" is all that was held."""
    amounts = [leg.rpartition(":")[2] for leg in row["legs"].split(",")]
    return sum(amount != "0" for amount in amounts) > 1
