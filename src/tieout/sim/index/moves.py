"""The token movements of a receipt, from its ERC-1155 logs: the only truth about how much a wallet holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, cast

from tieout.sim.chain.block import Receipt
from tieout.sim.chain.log import Log
from tieout.sim.index.accounts import NOT_WALLETS
from tieout.venue.addresses import CTF, POSITION_MANAGER
from tieout.venue.topics import TRANSFER_BATCH, TRANSFER_SINGLE

LEDGERS = frozenset((CTF, POSITION_MANAGER))


class Move(NamedTuple):
    """Micro-shares of one token that came to a wallet (negative: left it)."""

    wallet: str
    token: int
    amount: int


def moves(receipt: Receipt) -> Iterator[Move]:
    """What wallets gained and lost, in the order of the logs."""
    for log in receipt.logs:
        if log.address not in LEDGERS or log.topic0 not in (TRANSFER_SINGLE, TRANSFER_BATCH):
            continue
        _, sender, to = (str(value) for value in log.indexed)
        for token, amount in _amounts(log):
            if amount and sender not in NOT_WALLETS:
                yield Move(sender, token, -amount)
            if amount and to not in NOT_WALLETS:
                yield Move(to, token, amount)


def _amounts(log: Log) -> Iterator[tuple[int, int]]:
    if log.topic0 == TRANSFER_SINGLE:
        token, amount = cast("tuple[int, int]", log.arguments)
        yield token, amount
    else:
        tokens, amounts = cast("tuple[tuple[int, ...], tuple[int, ...]]", log.arguments)
        yield from zip(tokens, amounts, strict=True)
