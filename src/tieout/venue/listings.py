"""OutcomeTokenListed facts from any pair of condition and token; `outcome` stays "" so that all sources agree."""

from __future__ import annotations

from functools import lru_cache

from tieout.ledger.facts import OutcomeTokenListed
from tieout.venue.tokens import complement, is_structured


@lru_cache(maxsize=16384)
def listings(condition_id: str, token_id: str, index: int | None = None) -> tuple[OutcomeTokenListed, ...]:
    """Both tokens when the pair verifies by computation; else the named one if its outcome *index* is known.

    The computed index wins over a stated one. An index of 999 is the Data API's "unlabeled" (polymarket.md 4.2).
    """
    if not condition_id or not token_id:
        return ()
    computed = complement(condition_id, token_id)
    if computed:
        return tuple(
            OutcomeTokenListed(token_id=token, condition_id=condition_id, outcome_index=place, ledger=ledger)
            for token, place, ledger in computed
        )
    if index is None or not 0 <= index < 256:
        return ()
    ledger = "pm" if is_structured(token_id) else "ctf"
    return (OutcomeTokenListed(token_id=token_id, condition_id=condition_id, outcome_index=index, ledger=ledger),)
