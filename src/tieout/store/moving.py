"""Which fills are still on their way, as the condition of an index: every status but the final ones.

A status that nobody knows yet is one of those on their way (T3): leaving it out would show a quiet wallet that is not.
"""

from __future__ import annotations

MOVING = "kind IN ('buy', 'sell') AND status NOT IN ('SETTLED', 'CONFIRMED', 'REPORTED', 'FAILED')"
"""Of the table of movements. Word for word that of the index `movements_moving`: PostgreSQL uses it only then."""
