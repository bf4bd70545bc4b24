"""Where every page of the desk is, with something on it."""

from __future__ import annotations

from urllib.parse import quote

from web.looking import Desk
from web.quiet_wallet import MARKET

_MARKET = "SELECT min(condition_id) FROM market_status WHERE wallet_id = WALLET"
_FILL = "SELECT max(key) FROM movements WHERE wallet_id = WALLET AND kind = 'buy'"
_ENTRY = "SELECT max(seq) FROM log WHERE wallet_id = WALLET AND seq < 100 AND fact LIKE '%\"fill\"%'"
_RAW = "SELECT raw_id FROM log WHERE wallet_id = WALLET AND seq = 50"
_ISSUE = "SELECT min(issue_id) FROM sync_issue WHERE wallet_id = WALLET"
_REQUEST = (
    "INSERT INTO request (wallet_id, kind, who, at_ms, arguments, done_at_ms, outcome) "
    "VALUES (WALLET, 'full_sync', 'ann', 1, '{}', 2, 'done') RETURNING request_id"
)

# Beneath the address of the wallet; {} is the value of the query.
_PLACES = {
    "overview": ("", ""),
    "markets": ("/markets", ""),
    "market": ("/market/{}", _MARKET),
    "orders": ("/orders?show=all", ""),
    "fills": ("/fills", ""),
    "incidents": ("/incidents?show=all", _ISSUE),
    "incident": ("/incident/{}", _ISSUE),
    "guide": ("/guide", ""),
    "log": ("/log", ""),
    "log then": ("/log?as_known=%23{}", _ENTRY),
    "entry": ("/log/{}", _ENTRY),
    "explain": ("/explain/{}", _FILL),
    "raw": ("/raw/{}", _RAW),
    "portfolio": ("/portfolio?show=all", ""),
    "settings": ("/settings", ""),
    "confirm": ("/do/halt", ""),
    "adjust": ("/adjust", ""),
    "export": ("/export", ""),
    "request": ("/request/{}", _REQUEST),
    "missing": ("/log/99999999", ""),
}
_OTHERS = {"wallets": "/", "login": "/login", "api": "/api"}

QUIET = "market with long names"
NAMES = (*_PLACES, *_OTHERS, QUIET)


async def place(desk: Desk, name: str) -> str:
    """The address of a page; those of actions need somebody who is logged in."""
    if name == QUIET:
        return f"{desk.quiet.base}/market/{MARKET}"
    if name in _OTHERS:
        return _OTHERS[name]
    path, query = _PLACES[name]
    value = str(await desk.until(query)) if query else ""
    return desk.base + path.format(quote(value, safe=""))
