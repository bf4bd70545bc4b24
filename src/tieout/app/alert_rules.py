"""Which alerts a destination hears of."""

from __future__ import annotations

from collections.abc import Iterable

from tieout.app.alert import ISSUES, Alert, rank
from tieout.app.alert_settings import Rules
from tieout.app.config import is_name_of
from tieout.client.markets import MarketInfo


def admits(rules: Rules, alert: Alert, market: MarketInfo | None) -> bool:
    """Whether *alert* is told; *market* is that of its condition, None where it is not known or there is none.

    Of a market that is not known only the condition id can be recognised.
    """
    least = max(rank(rules.all_from), rank(rules.issues_from) if alert.type in ISSUES else 0)
    if rank(alert.severity) < least:
        return False
    if alert.type in rules.except_types or (rules.only_types and alert.type not in rules.only_types):
        return False
    if not alert.condition_id:
        return True  # a wallet that is halted concerns each of its markets
    if _names(rules.except_markets, alert, market):
        return False
    return not rules.only_markets or _names(rules.only_markets, alert, market)


def _names(written: Iterable[str], alert: Alert, market: MarketInfo | None) -> bool:
    if market is not None:
        return any(is_name_of(name, market) for name in written)
    return any(name.lower() == alert.condition_id for name in written)
