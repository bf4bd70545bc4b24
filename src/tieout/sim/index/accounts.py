"""Addresses that are nobody's wallet: the venue's contracts and payers. The index keeps no books of them."""

from __future__ import annotations

from tieout.sim.chain import places
from tieout.venue.addresses import CONTRACTS, ZERO

TAKER_REBATE_PAYER = "0x00000000000000000000000000000000007aeba7"
"""Pays the rebates of taker tiers; an account of the simulator."""

NOT_WALLETS: frozenset[str] = frozenset(
    (
        ZERO,
        TAKER_REBATE_PAYER,
        places.BRIDGE,
        places.FEE_RECEIVER,
        places.NEG_RISK_FEES,
        places.NO_BURN,
        places.OFFRAMP,
        places.OPERATOR,
        places.REBATE_PAYER,
        places.VAULT,
        *(entry.address for entry in CONTRACTS),
    )
)
"""Everything the index does not count as a wallet."""
