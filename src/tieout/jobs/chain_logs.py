"""Which logs of the chain say anything about a wallet (`polymarket.md` 6.2, log queries for one wallet)."""

from __future__ import annotations

from tieout.client.chain import LogFilter
from tieout.venue.addresses import CTF, EXCHANGES, P_USD, POSITION_MANAGER, USDC_E
from tieout.venue.topics import ORDER_FILLED, ORDER_FILLED_V1, TRANSFER, TRANSFER_BATCH, TRANSFER_SINGLE

LEDGERS = (CTF, POSITION_MANAGER)
COINS = (P_USD, USDC_E)


def filters(wallet: str, first: int, last: int) -> list[LogFilter]:
    """Fills by maker, which is how both roles are named; tokens and money in and out.

    Whatever else is done with a wallet moves tokens or money of it, so no transaction of interest is missed.
    """
    me = ("0x" + wallet.lower().removeprefix("0x").rjust(64, "0"),)
    tokens, money = (TRANSFER_SINGLE, TRANSFER_BATCH), (TRANSFER,)
    return [
        LogFilter(first, last, tuple(sorted(EXCHANGES)), ((ORDER_FILLED, ORDER_FILLED_V1), None, me)),
        LogFilter(first, last, LEDGERS, (tokens, None, me)),
        LogFilter(first, last, LEDGERS, (tokens, None, None, me)),
        LogFilter(first, last, COINS, (money, me)),
        LogFilter(first, last, COINS, (money, None, me)),
    ]
