"""What the faces ask of the worker's records, and how they steer it."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from tieout.app.queries import require_wallet
from tieout.store import controls, quotes, runs
from tieout.store.controls import WHOLE_WALLET, Command, Control, ControlEvent, State
from tieout.store.errors import StoreError
from tieout.store.quotes import QuoteEvent
from tieout.store.runs import Issue, Job, Run


async def recent_runs(connection: asyncpg.Connection, wallet: str, job: Job | None, limit: int) -> list[Run]:
    """The last runs, newest first. Raises UnknownWalletError."""
    return await runs.recent(connection, await require_wallet(connection, wallet), job=job, limit=limit)


async def issues_of(connection: asyncpg.Connection, wallet: str, *, every: bool = False) -> list[Issue]:
    """Open issues, the gravest first; *every*: all there ever were, the latest first. Raises UnknownWalletError."""
    wallet_id = await require_wallet(connection, wallet)
    return await (runs.all_issues if every else runs.open_issues)(connection, wallet_id)


async def acknowledge_issue(connection: asyncpg.Connection, wallet: str, issue_id: int, who: str, at_ms: int) -> Issue:
    """The issue, acknowledged by *who* unless somebody did before. Raises StoreError when there is none."""
    wallet_id = await require_wallet(connection, wallet)
    issue = await runs.acknowledge(connection, wallet_id, issue_id, who, at_ms)
    if issue is None:
        raise StoreError(f"wallet {wallet} has no issue {issue_id}; `tieout issues --wallet {wallet} --all` lists them")
    return issue


async def quotes_of(
    connection: asyncpg.Connection, wallet: str, market: str | None, order: str | None, limit: int
) -> list[QuoteEvent]:
    """Quote history: the life of one order, or the last events of a market or of all, newest first."""
    wallet_id = await require_wallet(connection, wallet)
    if order is not None:
        return await quotes.of_order(connection, wallet_id, order, limit=limit)
    if market is not None:
        return await quotes.of_market(connection, wallet_id, market, limit=limit)
    return await quotes.of_wallet(connection, wallet_id, limit=limit)


@dataclass(frozen=True, slots=True)
class ControlView:
    """The controls of a wallet at one moment."""

    whole: Control
    """Of the whole wallet."""
    markets: tuple[Control, ...]
    """Of single markets, by condition; those that were ever set."""
    history: tuple[ControlEvent, ...]
    """The last changes, newest first."""

    def own(self, condition_id: str) -> Control:
        """The control that was set for exactly this market, or for the whole wallet."""
        if condition_id == WHOLE_WALLET:
            return self.whole
        return next((one for one in self.markets if one.condition_id == condition_id), Control(condition_id))

    def deciding(self, condition_id: str) -> Control:
        """The one that decides over this market: the stricter of its own and the whole wallet's."""
        return controls.strictest([self.own(condition_id), self.whole])

    @property
    def held(self) -> tuple[Control, ...]:
        """Markets that are not active by their own control."""
        return tuple(one for one in self.markets if one.state is not State.ACTIVE)


async def control_view(connection: asyncpg.Connection, wallet: str, *, history: int = 10) -> ControlView:
    """The controls of the wallet, all of one moment. Raises UnknownWalletError."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        wallet_id = await require_wallet(connection, wallet)
        found = await controls.all_controls(connection, wallet_id)
        events = await controls.history(connection, wallet_id, limit=history)
    whole = next((one for one in found if one.condition_id == WHOLE_WALLET), Control(WHOLE_WALLET))
    return ControlView(whole, tuple(one for one in found if one.condition_id != WHOLE_WALLET), tuple(events))


async def is_known_market(connection: asyncpg.Connection, wallet: str, condition_id: str) -> bool:
    """Whether this wallet ever held, ordered or quoted anything of the market."""
    wallet_id = await require_wallet(connection, wallet)
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM positions WHERE wallet_id = $1 AND condition_id = $2) "
            "OR EXISTS (SELECT FROM orders WHERE wallet_id = $1 AND condition_id = $2) "
            "OR EXISTS (SELECT FROM quote_event WHERE wallet_id = $1 AND condition_id = $2)",
            wallet_id,
            condition_id,
        )
    )


async def steer(connection: asyncpg.Connection, wallet: str, command: Command, at_ms: int) -> bool:
    """Carry out *command*; whether it changed anything. Raises ControlHeldError and UnknownWalletError."""
    return await controls.set_state(connection, await require_wallet(connection, wallet), command, at_ms)
