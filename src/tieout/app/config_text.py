"""The file that `tieout init` writes: what was found out stands in it, every default beside it as a comment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from tieout.app.alert_settings import AlertSettings
from tieout.app.config import Intervals, Selection
from tieout.client.health import BreakerSettings
from tieout.client.limits import DEFAULT_RULES
from tieout.client.markets import MarketInfo
from tieout.client.signer_limits import TIERS
from tieout.ledger.units import decimal_text
from tieout.quoting.params import Params
from tieout.quoting.risk import Limits

COUNTS = frozenset(("tiers", "fair_depth", "min_time_to_resolution_ms"))
"""Parameters that are no amounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is known before the first start. "" and None: not known, or the default."""

    wallet: str
    signature_type: int
    kind_why: str
    first_block: int | None
    first_block_why: str
    base_url: str = ""
    nodes: Sequence[str] = ()
    markets: Sequence[MarketInfo] = ()
    markets_why: str = ""


_PARAMS: Mapping[str, str] = {
    "tiers": "quotes on each side",
    "tier_step": "price between one tier and the next; a tick at least",
    "tier_size": "shares of each quote",
    "half_spread": "from the skewed fair price to the first tier",
    "min_spread": "what a BUY of YES and a BUY of NO together leave of 1, at least",
    "inventory_target": "YES less NO shares that you are content to hold",
    "skew": "how far both quotes move when the holding is off its target by max_shares",
    "max_shares": "of one outcome, held and bought by open orders together",
    "max_collateral": "cost of what is held and collateral of open buys, per market",
    "reward_size_max": "a quote is made this large at most to earn rewards; 0: rewards are not looked at",
    "min_time_to_resolution_ms": "milliseconds before a market's end at which quoting stops",
    "price_min": "nothing is quoted while the fair price is below",
    "price_max": "or above",
    "requote_tolerance": "a resting order this near to its wanted price is left alone",
    "requote_size": "the part of its size below which a resting order is replaced",
    "merge_threshold": "full sets of YES and NO worth a transaction to merge",
    "fair_model": "micro, mid or depth",
    "fair_depth": "levels that the depth model reads",
    "fair_dust": "levels smaller than this do not move the fair price",
}
_LIMITS: Mapping[str, str] = {
    "market_exposure_max": "holding at the fair price and open buys, one market",
    "total_exposure_max": "the same, all markets",
    "daily_loss_max": "all quotes stop when the day stands at this loss",
}
_JOBS: Mapping[str, str] = {
    "market_making": "decide and quote",
    "position_sync": "holdings against the chain",
    "order_sync": "open orders against the venue",
    "quick_sync": "orders and holdings compared, nothing corrected",
    "full_sync": "everything; also at every start and after every outage",
    "settle": "what happened to trades that are not final",
    "reconcile": "the books against the Data API",
    "portfolio": "the whole wallet, marked to market",
    "provisional_ttl_ms": "how long a fill may stay provisional before it is looked into",
    "head_spacing_ms": "between two position syncs that new heads bring forward (see node_ws)",
}
_HEAD = """\
# tieout: the configuration of one worker. `tieout doctor` checks it; docs/configuration.md explains every key.
# Amounts are decimals, exact to six places: prices and spreads in collateral a share, sizes in shares. Lines that begin
# with "# name = " are the defaults. No secret belongs in this file: the private key is read from TIEOUT_PRIVATE_KEY,
# the file named by TIEOUT_PRIVATE_KEY_FILE, or the file named below, in this order.
"""


def config_text(draft: Draft) -> str:
    """The whole file."""
    return "\n".join((_HEAD, *_account(draft), *_venue(draft), *_markets(draft), *_quoting(), *_running())) + "\n"


def plain(amount: int) -> str:
    """A micro-unit amount as the file writes it."""
    text = decimal_text(amount).replace(",", "")
    return text.rstrip("0").rstrip(".")


def _account(draft: Draft) -> Iterator[str]:
    yield "[account]"
    yield "# The address that holds the tokens, and what it is: 0 EOA, 1 proxy, 2 safe, 3 deposit wallet."
    yield f"# {_line(draft.kind_why[:1].upper() + draft.kind_why[1:])}."
    yield f'wallet = "{draft.wallet}"'
    yield f"signature_type = {draft.signature_type}"
    yield '# private_key_file = "key"   # relative to this file; nobody else may read it: chmod 600 key'
    yield f"# The block at which the wallet's history begins: {_line(draft.first_block_why)}."
    yield f"first_block = {draft.first_block}" if draft.first_block is not None else "# first_block = 80000000"
    yield ""


def _venue(draft: Draft) -> Iterator[str]:
    yield "[venue]"
    if draft.base_url:
        yield f'base_url = "{draft.base_url}"   # every service on one port, as the simulated venue has them'
    else:
        yield "# The services of Polymarket are known. A venue that has all of them on one port:"
        yield '#   base_url = "http://127.0.0.1:8971"'
    if draft.nodes:
        yield "# Polygon nodes, the best first; TIEOUT_NODE, where it is set, comes before these. Two of different"
        yield "# providers are better than one. Their addresses may hold keys: then set TIEOUT_NODE instead."
        yield f"nodes = [{', '.join(map(_quoted, draft.nodes))}]"
    else:
        yield "# Polygon nodes, the best first; TIEOUT_NODE, where it is set, comes before these. The default is"
        default = "base_url/rpc" if draft.base_url else "a public one"
        yield f"# {default}; your own (or two of different providers) are faster and more reliable:"
        yield '#   nodes = ["https://polygon.example/v2/KEY"]'
    yield "# A node's WebSocket: the holdings are compared soon after every new head. TIEOUT_NODE_WS comes before it."
    yield '# node_ws = ""      # "wss://polygon.example/v2/KEY"'
    yield "# no_node = false   # true: only the Data API vouches for the holdings, with its delay"
    yield '# proxy = ""        # http://host:port for everything'
    yield '# data_api_version = "v2"'
    yield ""


def _markets(draft: Draft) -> Iterator[str]:
    default = Selection()
    yield "[markets]"
    yield "# Condition ids, slugs or addresses of the site. When none is named, the first open ones are taken."
    if draft.markets:
        yield f"# {_line(draft.markets_why)}: take out what you do not know."
        yield "use = ["
        for market in draft.markets:
            yield f"    # {_question(market)}"
            yield f"    # {_facts(market)}"
            yield f'    "{market.condition_id}",'
        yield "]"
    else:
        if draft.markets_why:
            yield f"# {_line(draft.markets_why)}."
        yield "# use = []"
    yield f"# count = {default.count}"
    yield f'# by = "{default.by}"   # or rewards'
    yield ""


def _question(market: MarketInfo) -> str:
    return _line(market.question or market.slug or "(no question)")[:110]


def _line(text: str) -> str:
    """*text* on one line, whoever wrote it: a line break would end the comment."""
    return "".join(c if c.isprintable() else " " for c in text)


def _facts(market: MarketInfo) -> str:
    ends = datetime.fromtimestamp(market.end_at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M") if market.end_at_ms else "?"
    return f"tick {plain(market.tick)}, at least {plain(market.min_size)} shares, ends {ends} UTC" + (
        f", rewards {plain(market.rewards.daily)} a day" if market.rewards.daily else ""
    )


def _quoting() -> Iterator[str]:
    yield "[quoting]"
    yield "# The built-in ladder, in every market that has no table of its own below."
    yield from _defaults(_PARAMS, {name: _value(name, getattr(Params(), name)) for name in _PARAMS})
    yield ""
    yield "# One market in another way: a table by its name, with the keys that differ."
    yield '#   [overrides."the-slug-of-a-market"]'
    yield "#   tier_size = 50"
    yield ""
    yield "[limits]"
    yield "# Caps that hold whatever is quoted, in collateral."
    yield from _defaults(_LIMITS, {name: plain(getattr(Limits(), name)) for name in _LIMITS})
    yield ""


def _running() -> Iterator[str]:
    yield "[orders]"
    yield '# foreign = "adopt"    # open orders of the wallet that are not ours: adopt, cancel or leave'
    yield "# heartbeat = false    # true: the venue cancels every order 10 s after we fall silent"
    yield ""
    yield "[jobs]"
    yield "# How often each job runs, in milliseconds."
    yield from _defaults(_JOBS, {each.name: f"{getattr(Intervals(), each.name):_}" for each in fields(Intervals)})
    yield ""
    yield from _alerting()
    breaker = BreakerSettings()
    yield "[breaker]"
    yield "# A service that failed so often in a row is left alone for open_ms, doubled up to open_max_ms."
    yield f"# failures = {breaker.failures}"
    yield f"# open_ms = {breaker.open_ms:_}"
    yield f"# open_max_ms = {breaker.open_max_ms:_}"
    yield ""
    post = DEFAULT_RULES["clob.order.post"]
    windows = ", ".join(f"[{window.requests:_}, {window.window_ms:_}]" for window in post.windows)
    yield "[rate_limits]"
    yield "# [requests, milliseconds] of a group; the published limits are the default."
    yield f'# "clob.order.post" = [{windows}]'
    yield ""
    yield "[signer_limits]"
    yield f"# The venue's limits of one signer go by tier: {', '.join(TIERS)}."
    yield '# tier = "Standard"'


def _alerting() -> Iterator[str]:
    default = AlertSettings()
    yield "[alerts]"
    yield "# Who is told of issues, of pauses and halts, and of a worker that ends by an error: a program that gets"
    yield "# each alert as JSON on its input, an address that takes it by POST (TIEOUT_ALERT_WEBHOOK comes before it),"
    yield "# and everybody with a table, see below. `tieout alerts list` shows them, `tieout alerts test` tests."
    yield "# command = []"
    yield '# webhook = ""'
    yield f'# severity = "{default.severity}"   # of issues, at least: INFO, WARN, ERROR or CRITICAL'
    yield f"# spacing_ms = {default.spacing_ms:_}   # between two alerts of one type and market; the others are counted"
    yield f"# group_ms = {default.group_ms:_}   # what comes within it is told by one message; JSON is not grouped"
    yield f"# timeout_ms = {default.timeout_ms:_}"
    yield f"# retry_ms = {default.retry_ms:_}   # for so long what could not be delivered is tried again"
    yield '# quiet = ""   # "22:00-07:00": what comes then is told by one message when they end'
    yield '# quiet_zone = ""   # "Europe/Berlin"'
    yield '# quiet_below = "CRITICAL"   # what is as grave as this is told at any time'
    yield '# desk_url = ""   # of the web desk as you reach it: messages link to the incident'
    yield "# Slack, Telegram, Discord, mail and many more, by an address of apprise. It is a secret: in a file of its"
    yield "# own (chmod 600), or in a variable, TIEOUT_ALERT_ and the name, it is safer than in this file."
    yield "#   [[alerts.to]]"
    yield '#   name = "phone"           # TIEOUT_ALERT_PHONE comes before the file'
    yield '#   url_file = "phone.url"   # or url = "tgram://…"'
    yield '#   severity = "CRITICAL"    # of everything; also only_types, except_types, only_markets, except_markets'
    yield '#   quiet = ""               # and quiet_zone, quiet_below, group_ms, where they differ from those above'
    yield ""


def _defaults(notes: Mapping[str, str], values: Mapping[str, str]) -> Iterator[str]:
    """A commented line for each key, its note at the side."""
    lines = {name: f"# {name} = {values[name]}" for name in notes}
    width = max(map(len, lines.values()))
    for name, line in lines.items():
        yield f"{line:<{width}}   # {notes[name]}"


def _value(name: str, value: int | str) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return f"{value:_}" if name in COUNTS else plain(value)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
