"""Checks of the venue's services, the nodes, the sockets and the configured markets."""

from __future__ import annotations

from datetime import UTC, datetime

from tieout.app.config import is_name_of
from tieout.app.doctor import Check, Finding, MissingError, Patient, State
from tieout.app.market_choice import UnknownMarketsError
from tieout.client.chain import BlockHead, Chain
from tieout.client.errors import VenueError
from tieout.client.feed import PING, PONG
from tieout.client.market_feed import MarketFeed
from tieout.client.markets import MarketInfo
from tieout.client.rpc import CallFailedError
from tieout.client.signals import Frame, Gap
from tieout.client.signing import CHAIN_ID
from tieout.client.sockets import SocketClosedError
from tieout.client.user_feed import UserFeed
from tieout.venue.addresses import P_USD

CLOCK_WARN_MS, CLOCK_FAIL_MS = 5_000, 60_000
BEHIND_WARN_MS, BEHIND_FAIL_MS = 20_000, 120_000
"""How old a node's newest block may be. Blocks come every two seconds."""

ORDER_VERSION = 2
"""What orders of CTF tokens are signed as (`polymarket.md` 0)."""

ARCHIVE_BLOCKS = 100_000
"""So far back only an archive node knows balances; others keep some hundred blocks."""

_SOCKET = "look at the network and at what stands between (proxies that break WebSockets); then look again"


def _found(state: State, text: str, todo: str = "") -> Finding:
    """A finding; the name of its check is put in by who runs it."""
    return Finding("", state, text, todo)


async def clock(patient: Patient) -> Finding:
    """Our clock against the venue's, which tells whole seconds. Half of the way there and back is ours to know."""
    before = patient.clock.now_ms()
    venue_s = await patient.clob.public.time_s()
    after = patient.clock.now_ms()
    off = (before + after) // 2 - (venue_s * 1_000 + 500)
    slack = (after - before) // 2 + 500
    least = max(abs(off) - slack, 0)
    words = f"ours is {abs(off) / 1_000:.1f} s {'ahead of' if off > 0 else 'behind'} the venue's"
    todo = "let the system keep its time by NTP (timedatectl set-ntp true)"
    if least > CLOCK_FAIL_MS:
        return _found(State.FAIL, f"{words}: signatures and expirations are refused", todo)
    if least > CLOCK_WARN_MS:
        return _found(State.WARN, words, todo)
    return _found(State.OK, words if least else "agrees with the venue's to the second")


async def clob(patient: Patient) -> Finding:
    """It answers, and takes the orders that we sign."""
    version = await patient.clob.public.version()
    if version != ORDER_VERSION:
        text = f"answers, and takes orders of version {version}; this tieout signs version {ORDER_VERSION}"
        return _found(State.FAIL, text, "update tieout")
    return _found(State.OK, f"answers, orders of version {version}")


async def gamma(patient: Patient) -> Finding:
    """It lists markets."""
    listing = await patient.gamma.markets(pages_max=1)
    if not listing.rows:
        return _found(State.FAIL, "answers, and lists no open market", "look again; is venue.gamma right?")
    bad = f", {len(listing.bad_rows)} rows cannot be read" if listing.bad_rows else ""
    return _found(State.WARN if bad else State.OK, f"answers{bad}", "update tieout" if bad else "")


async def data_api(patient: Patient) -> Finding:
    """It answers about the wallet."""
    first = await patient.data_api.earliest(patient.config.wallet)
    if first is None:
        return _found(State.OK, "answers, and knows of no activity of the wallet yet")
    return _found(State.OK, f"answers, the wallet's first activity is of {_day(first.at_ms)}")


def node_check(chain: Chain) -> Check:
    """A check of one node."""

    async def check(patient: Patient) -> Finding:
        return await _node(chain, patient)

    return check


async def no_node(patient: Patient) -> Finding:
    """The wallet is kept without one."""
    text = f"none: only the Data API vouches for what {patient.config.wallet} holds, with its delay"
    return _found(State.WARN, text, "name a node under venue.nodes to have the books proven by the chain")


async def _node(chain: Chain, patient: Patient) -> Finding:
    if (chain_id := await chain.chain_id()) != CHAIN_ID:
        return _found(State.FAIL, f"is of chain {chain_id}, Polygon is {CHAIN_ID}", "name a node of Polygon")
    newest = await chain.block("latest")
    if newest is None:
        return _found(State.FAIL, "knows no block", "use another node")
    behind = patient.clock.now_ms() - newest.at_ms
    words = f"block {newest.number:,}, {max(behind, 0) / 1_000:.0f} s old"
    if behind > BEHIND_WARN_MS:
        state = State.FAIL if behind > BEHIND_FAIL_MS else State.WARN
        return _found(state, f"is behind: {words}", "use another node, or wait until it has caught up")
    final = await chain.block("finalized")
    if final is None:
        text = f"{words}, but it knows no finalized block, which the books are compared at"
        return _found(State.FAIL, text, "use another node")
    words += f", final {newest.number - final.number} below"
    if not await _is_archive(chain, newest, patient):
        return _found(State.WARN, f"{words}, no archive: balances of long ago cannot be asked", "only audits need one")
    return _found(State.OK, f"{words}, archive")


async def _is_archive(chain: Chain, newest: BlockHead, patient: Patient) -> bool:
    """Whether it tells a balance of long ago."""
    first = patient.config.first_block
    block = max(newest.number - ARCHIVE_BLOCKS, 1) if first is None else min(first, newest.number)
    try:
        await chain.balance(P_USD, patient.config.wallet, block)
    except (CallFailedError, VenueError):
        return False
    return True


async def user_socket(patient: Patient) -> Finding:
    """It opens, takes our API key and answers PING; a key that it refuses ends the connection instead."""
    await patient.desk()
    hello = UserFeed(patient.config.endpoints.user_ws, await patient.credentials(), patient.feeds).hello()
    try:
        socket = await patient.feeds.carrier.open(patient.config.endpoints.user_ws)
    except SocketClosedError as error:
        return _found(State.FAIL, error.reason, _SOCKET)
    try:
        await socket.send(hello)
        await socket.send(PING)
        while await socket.receive() != PONG:
            pass
    except SocketClosedError as error:
        return _found(State.FAIL, f"{error.reason} after the subscription", "is the API key the right one? See there")
    finally:
        await socket.close()
    return _found(State.OK, "connects, subscribes and answers")


async def market_socket(patient: Patient) -> Finding:
    """It opens, and sends the book of a market that was subscribed to."""
    market = next(iter(await _some_markets(patient)))
    async with MarketFeed(patient.config.endpoints.market_ws, patient.feeds) as feed:
        await feed.subscribe(market.token_ids)
        async for signal in feed:
            if isinstance(signal, Frame):
                return _found(State.OK, "connects and sends books")
            if isinstance(signal, Gap):
                return _found(State.FAIL, signal.reason, _SOCKET)
    raise MissingError("the feed ended")


async def _some_markets(patient: Patient) -> list[MarketInfo]:
    try:
        found = await patient.markets()
    except (VenueError, UnknownMarketsError):
        found = []
    if not found:
        raise MissingError("it needs a market to subscribe to, see markets")
    return found


async def markets(patient: Patient) -> Finding:
    """Those configured exist, accept orders, and do not end too soon to be quoted."""
    try:
        found = await patient.markets()
    except UnknownMarketsError as error:
        return _found(State.FAIL, str(error))
    if not found:
        return _found(State.FAIL, "none to quote", "name some under markets.use")
    now_ms = patient.clock.now_ms()
    shut = [market for market in found if market.closed or not market.accepting_orders]
    if shut:
        state = State.FAIL if len(shut) == len(found) else State.WARN
        text = f"{len(shut)} of {len(found)} take no orders: {_names(shut)}"
        return _found(state, text, "take them out of markets.use")
    if soon := [m for m in found if m.end_at_ms and m.end_at_ms - now_ms < _last_ms(patient, m)]:
        text = f"{len(soon)} of {len(found)} end within min_time_to_resolution_ms and are not quoted: {_names(soon)}"
        return _found(State.WARN, text, "take them out of markets.use, or quote other ones")
    lost = [name for name in patient.config.overrides if not any(is_name_of(name, market) for market in found)]
    if lost:
        return _found(State.WARN, f"overrides of no market that is quoted: {', '.join(lost)}", "correct their names")
    first = min((market.end_at_ms for market in found if market.end_at_ms), default=0)
    return _found(State.OK, f"{len(found)} take orders" + (f", the first ends on {_day(first)}" if first else ""))


def _last_ms(patient: Patient, market: MarketInfo) -> int:
    return patient.config.params_of(market).min_time_to_resolution_ms


def _names(found: list[MarketInfo]) -> str:
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return ", ".join(market.slug or market.condition_id[:10] for market in found[:3]) + more


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%d")
