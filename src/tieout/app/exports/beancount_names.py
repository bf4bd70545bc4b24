"""Names of a Beancount ledger: accounts and commodities, made from ids alone, so that every export names them alike.

An id is far too long for a name, so the name has its beginning, for the eye, and a part that tells it from all others:
of wallets and conditions their own end, of tokens 48 bits of the SHA-256 of the id. The whole ids stand as metadata
where the name is opened; two ids that would share a name are refused.

    Assets:Polymarket:0xc2ad03f7-40ed:Collateral                              pUSD and USDC.e, one for one
    Assets:Polymarket:0xc2ad03f7-40ed:0xf87eefda40bb-f420:T42783144-8F0B...   shares of a token, at cost
    Income:Polymarket:...:T42783144-8F0B...                                   realized PnL of it, before fees
    Expenses:Polymarket:...:T42783144-8F0B...                                 fees of its fills
    Income:Polymarket:0xc2ad03f7-40ed:Reward                                  what the venue paid, by kind
    Equity:Polymarket:0xc2ad03f7-40ed:Deposit                                 the owner's own money, and the rest
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from tieout.ledger.facts import INCOME, Flow

COLLATERAL: Final = "PUSD"
"""The commodity of all collateral."""

ROOT: Final = "Polymarket"
UNKNOWN_MARKET: Final = "Unknown"

_HEX = re.compile(r"0x[0-9a-f]{17,}")
_OTHER_THAN_NAME = re.compile(r"[^0-9A-Z]")


class NameClashError(ValueError):
    """Two ids would have one name. It does not happen to ids of the chain; the message has both."""


def commodity_of(token_id: str) -> str:
    """The commodity of an outcome token: at most 22 characters, which Beancount 2 takes, too."""
    beginning = _OTHER_THAN_NAME.sub("", token_id.upper())[:8]
    return f"T{beginning}-{_digest(token_id)}"


def part_of(hex_id: str, left: int) -> str:
    """The part of an account's name for a wallet (*left* 10) or condition (14): "0xc2ad03f7-40ed"."""
    if not hex_id:
        return UNKNOWN_MARKET
    return f"{hex_id[:left]}-{hex_id[-4:]}" if _HEX.fullmatch(hex_id) else f"X-{_digest(hex_id)}"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12].upper()


class Chart:
    """The chart of accounts of one wallet."""

    def __init__(self, wallet: str) -> None:
        self._wallet = f"{ROOT}:{part_of(wallet, 10)}"
        self.collateral = f"Assets:{self._wallet}:Collateral"
        self.fees = f"Expenses:{self._wallet}:Fees"
        """Fees of what is no fill."""
        self.transfers = f"Equity:{self._wallet}:Transfer"
        """Cost of tokens that came from, or went to, somebody else."""
        self.adjustments = f"Equity:{self._wallet}:Adjustment"
        """Cost of shares that left by the word of a statement."""
        self.corrections = f"Equity:{self._wallet}:Cost-Correction"
        self._ids: dict[str, str] = {}
        """Name -> the id it was made from."""
        self._commodities: dict[str, str] = {}
        self._places: dict[tuple[str, str], str] = {}

    def flow(self, flow: Flow) -> str:
        """Where collateral came from or went to."""
        kind = "Income" if flow in INCOME else "Equity"
        return f"{kind}:{self._wallet}:{flow.value.title().replace('_', '-')}"

    def shares(self, token_id: str, condition_id: str) -> str:
        """The shares of a token, at cost."""
        return f"Assets:{self._token(token_id, condition_id)}"

    def realized(self, token_id: str, condition_id: str) -> str:
        """Its realized PnL."""
        return f"Income:{self._token(token_id, condition_id)}"

    def fees_of(self, token_id: str, condition_id: str) -> str:
        """The fees of its fills."""
        return f"Expenses:{self._token(token_id, condition_id)}"

    def unexplained(self, token_id: str, condition_id: str) -> str:
        """What was paid for shares of it that the books never saw arrive: neither income nor capital."""
        return f"Equity:{self._token(token_id, condition_id)}:Unexplained"

    def commodity(self, token_id: str) -> str:
        """The token's commodity. Raises NameClashError."""
        known = self._commodities.get(token_id)
        if known is None:
            known = self._commodities[token_id] = self._only(commodity_of(token_id), token_id)
        return known

    def _token(self, token_id: str, condition_id: str) -> str:
        known = self._places.get((token_id, condition_id))
        if known is None:
            market = self._only(part_of(condition_id, 14), condition_id)
            known = f"{self._wallet}:{market}:{self.commodity(token_id)}"
            self._places[token_id, condition_id] = known
        return known

    def _only(self, name: str, given: str) -> str:
        if self._ids.setdefault(name, given) != given:
            raise NameClashError(f"{self._ids[name]!r} and {given!r} would both be called {name} in the ledger")
        return name
