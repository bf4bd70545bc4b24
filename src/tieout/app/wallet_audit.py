"""All that an audit may bring together about one wallet; what was not asked for is None."""

from __future__ import annotations

from dataclasses import dataclass

from tieout.app.auditing import Audit
from tieout.app.chain_audit import ChainAudit
from tieout.app.data_audit import Inferred
from tieout.app.data_differences import DataCompared
from tieout.app.wallet_report import WalletReport
from tieout.store.runs import Action


@dataclass(frozen=True, slots=True)
class Reading:
    """What a run read of the chain. `left_out` are differences that were gone after some blocks were read again."""

    first: int
    last: int
    transactions: int
    logs: int
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class WalletAudit:
    """`untold` says why the chain, and `data_untold` why the Data API, told nothing though it was asked; "" otherwise.

    `audit` holds what the chain told, too, where it did.
    """

    wallet: str
    audit: Audit
    reading: Reading | None = None
    chain: ChainAudit | None = None
    untold: str = ""
    report: WalletReport | None = None
    data: DataCompared | None = None
    data_untold: str = ""
    inferred: Inferred | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Differences to outside statements; where the chain told, coin transfers are none of them."""
        return (*self.audit.notes, *self.audit.unaccounted)

    @property
    def is_unsure(self) -> bool:
        """Whether something that was asked for could not be told. The Data API beside the chain decides nothing."""
        left = self.inferred is not None and (
            bool(self.inferred.missing or self.inferred.flaws)
            or any(found.action is not Action.CORRECTED for found in self.inferred.findings)
        )
        return bool(self.untold) or left
