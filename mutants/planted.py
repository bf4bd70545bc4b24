"""All planted bugs, by area."""

from __future__ import annotations

from mutants import in_client, in_jobs, in_ledger, in_store, in_venue
from mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    *in_ledger.MUTANTS,
    *in_venue.MUTANTS,
    *in_store.MUTANTS,
    *in_jobs.MUTANTS,
    *in_client.MUTANTS,
)
