"""Who we are: what makes an order, a leg or a row of the venue ours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """The wallet whose books are kept, and the CLOB API key ids that act for it (keys rotate; the wallet stays)."""

    wallet: str
    owners: frozenset[str]

    def is_wallet(self, address: object) -> bool:
        """Whether *address* is exactly our wallet, whatever its case. Empty never is."""
        return type(address) is str and address != "" and address.lower() == self.wallet

    def is_owner(self, owner: object) -> bool:
        """Whether *owner* is one of our API key ids. Empty never is."""
        return type(owner) is str and owner != "" and owner in self.owners
