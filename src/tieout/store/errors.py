"""What can go wrong between the intake and the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class StoreError(Exception):
    """The database refused or could not be reached; the message says what to do."""


class StaleHeadError(StoreError):
    """Another writer appended to the wallet's log first. Nobody is at fault: read again and book again (R2)."""


class LeaseLostError(StoreError):
    """Another writer took the wallet over; this one must stop writing."""


class LeaseHeldError(StoreError):
    """The wallet is held by another writer; wait for it, stop it, or take over."""


class BrokenInvariantError(StoreError):
    """The books do not balance, or a constraint refused a booking by which they would not. Halt, keep the evidence."""

    def __init__(self, message: str, evidence: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.evidence = dict(evidence or {})
        """JSON values."""
