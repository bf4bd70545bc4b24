"""Which modules the Python reference shows, as directives for the handler that reads their docstrings."""

from __future__ import annotations

MODULES = (
    "tieout.ledger.units",
    "tieout.ledger.position",
    "tieout.ledger.books",
    "tieout.ledger.movement",
    "tieout.ledger.invariants",
    "tieout.ledger.explain",
    "tieout.app.history",
)


def made(_page: str) -> str:
    """One directive a module."""
    return "\n\n".join(f"::: {module}" for module in MODULES)
