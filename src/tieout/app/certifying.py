"""Making a certificate: the books of a wallet as of a final block, compared with the chain there.

Nothing is read into the books for it, and nothing is certified that differs by one micro-unit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version

import asyncpg

from tieout.app import certificate as form
from tieout.app.auditing import findings_of
from tieout.app.block_books import BlockBooks, books_at
from tieout.app.certificate import Certificate, Flaw
from tieout.app.clock import now_ms
from tieout.app.history import verify_books
from tieout.app.queries import total_of
from tieout.client.chain import BlockHead, Chain
from tieout.client.clock import LoopClock
from tieout.client.errors import VenueError
from tieout.client.limits import Limiter
from tieout.client.net import Net
from tieout.client.rpc import CallFailedError, Rpc
from tieout.client.transport import HttpCarrier
from tieout.jobs.position_sync import CHAIN
from tieout.jobs.tie_out import TieOut, tie_out
from tieout.ledger.invariants import Finding
from tieout.ledger.movement import NO_CHAIN_POSITION, block_of
from tieout.ledger.rows import PositionRow
from tieout.store import watermarks
from tieout.store.wallets import Head, wallet_id_of


class CannotCertifyError(ValueError):
    """It cannot be told whether the books hold at such a block; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Something does not hold, so nothing is certified. `block`: where the chain was asked, None when it was not."""

    flaws: tuple[Flaw, ...]
    block: BlockHead | None = None


@asynccontextmanager
async def asking(nodes: Sequence[str]) -> AsyncIterator[Chain]:
    """The chain by *nodes*, the preferred one first; its answers are kept nowhere."""
    clock = LoopClock(now_ms)
    async with HttpCarrier() as carrier:
        yield Chain(Rpc(Net(carrier, clock, Limiter(clock)), nodes))


async def certify(
    connection: asyncpg.Connection,
    chain: Chain,
    wallet: str,
    *,
    made_at_ms: int,
    number: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Certificate | Refused:
    """The certificate of *wallet* at block *number*, None: the last one that is final and read into the books.

    Raises CannotCertifyError, StoreError.
    """
    wallet_id = await known(connection, wallet)
    try:
        block = await _block(connection, wallet_id, chain, wallet, number)
        result, books = await verify_books(connection, wallet_id, progress)
        findings = findings_of(result, list(books.books.values()))
        at = books_at(books, block.number, block.at_ms)
        if flaws := (*_broken(findings, wallet), *_unsure(at, wallet)):
            return Refused(flaws)
        tie = await tie_out(chain, wallet, at.shares, at.collateral, block)
        if not tie.holds:
            return Refused(tuple(_differences(tie, wallet)), block)
        chain_id = await chain.chain_id()
    except VenueError as error:
        raise CannotCertifyError(f"no node answered: {error}; try again, or name another one with --node") from None
    except CallFailedError as error:
        raise CannotCertifyError(
            f"the node does not tell the balances at that block any more ({error}): bring the books up to date with "
            f"`tieout watch {wallet} --once`, or name a node that keeps old state with --node"
        ) from None
    return _made(wallet, chain_id, tie, result.head, at, invariants(findings, tie.tokens), made_at_ms)


async def known(connection: asyncpg.Connection, wallet: str) -> int:
    """The wallet's id. Raises CannotCertifyError when the database does not know it."""
    wallet_id = await wallet_id_of(connection, wallet)
    if wallet_id is None:
        raise CannotCertifyError(_unread(wallet))
    return wallet_id


def _unread(wallet: str) -> str:
    return (
        f"nothing of wallet {wallet} is booked from the chain yet: `tieout watch {wallet} --once --from-block N`, "
        "with N the block before its first transaction"
    )


async def read_up_to(connection: asyncpg.Connection, wallet_id: int) -> int | None:
    """The last block whose transactions are all in the books; None when they have nothing from the chain.

    Where no worker or watcher said so, it is the block of the last movement.
    """
    mark = await watermarks.get(connection, wallet_id, CHAIN)
    if mark is not None:
        return int(mark.value) - 1
    place = await connection.fetchval(
        "SELECT max(chain_position) FROM movements WHERE wallet_id = $1 AND chain_position < $2",
        wallet_id,
        NO_CHAIN_POSITION,
    )
    return block_of(place) if place is not None and place > 0 else None


async def _block(
    connection: asyncpg.Connection, wallet_id: int, chain: Chain, wallet: str, number: int | None
) -> BlockHead:
    """The block to certify at. Raises CannotCertifyError."""
    read = await read_up_to(connection, wallet_id)
    if read is None:
        raise CannotCertifyError(_unread(wallet))
    final = await chain.block("finalized")
    if final is None:
        raise CannotCertifyError("the node knows no final block: name another one with --node")
    if number is not None and number > final.number:
        raise CannotCertifyError(
            f"--block {number}: not final yet, the last final block is {final.number}: wait for it"
        )
    if number is not None and number > read:
        raise CannotCertifyError(
            f"--block {number}: the books are read up to block {read}: `tieout watch {wallet} --once` reads on"
        )
    wanted = min(final.number, read) if number is None else number
    block = await chain.block(wanted)
    if block is None:
        raise CannotCertifyError(f"the node does not have block {wanted}: name another one with --node")
    return block


def _broken(findings: Sequence[Finding], wallet: str) -> list[Flaw]:
    """A flaw for everything that breaks an invariant."""
    return [
        Flaw(f"invariant {finding.id}", violation, f"tieout audit --wallet {wallet}")
        for finding in findings
        if finding.holds is False
        for violation in finding.violations
    ]


def _unsure(at: BlockBooks, wallet: str) -> list[Flaw]:
    """What the books do not know at the block, though no invariant is broken at their head."""
    flaws = []
    for row in at.positions:
        where, advice = f"token {row.token_id}", f"tieout explain {row.token_id} --wallet {wallet}"
        if row.unexplained_shares or row.unexplained_proceeds:
            flaws.append(Flaw(where, f"{row.unexplained_shares} micro-shares left that had not arrived", advice))
        if row.shares and not row.token_id.isdecimal():
            flaws.append(Flaw(where, f"{row.shares} micro-shares of a token whose id no message told", advice))
    return flaws


def _differences(tie: TieOut, wallet: str) -> list[Flaw]:
    flaws = [
        Flaw(
            f"token {each.token_id}",
            f"books {each.books} micro-shares, chain {each.chain} micro-shares, drift {each.drift} micro-shares",
            f"tieout explain {each.token_id} --wallet {wallet}",
        )
        for each in tie.differences
    ]
    if tie.collateral.drift:
        books, chain, drift = tie.collateral.books, tie.collateral.chain, tie.collateral.drift
        what = f"books {books} micro-units, chain {chain} micro-units, drift {drift} micro-units"
        flaws.append(Flaw("collateral", what, f"tieout watch {wallet} --once, then tieout books --wallet {wallet}"))
    return flaws


def invariants(findings: Sequence[Finding], balances: int) -> tuple[form.Invariant, ...]:
    """Every invariant as certificates say it. None of them may be broken; the tie-out of *balances* tells I1."""
    made = []
    for finding in findings:
        if finding.id == "I1":
            made.append(form.Invariant(balances, "I1", form.HELD))
        else:
            made.append(form.Invariant(finding.checked, finding.id, form.HELD if finding.holds else form.NOT_TOLD))
    return tuple(made)


def positions(at: BlockBooks) -> tuple[form.Position, ...]:
    """The positions as certificates say them."""
    return tuple(map(_position, at.positions))


def totals(at: BlockBooks) -> form.Totals:
    """Their sums."""
    total = total_of(list(at.positions))
    return form.Totals(str(total.cost_basis), str(total.fees), len(at.positions), str(total.realized_pnl))


def flows(at: BlockBooks) -> dict[str, str]:
    """Collateral by cause; what never happened is left out."""
    return {name: str(amount) for name, amount in at.flows.items() if amount}


def _made(
    wallet: str,
    chain_id: int,
    tie: TieOut,
    head: Head,
    at: BlockBooks,
    held: tuple[form.Invariant, ...],
    made_at_ms: int,
) -> Certificate:
    coins = {name: str(amount) for name, amount in tie.collateral.coins.items()}
    return Certificate(
        block=form.Block(tie.block.hash, tie.block.number, form.moment(tie.block.at_ms)),
        chain_id=chain_id,
        collateral=form.Collateral(coins, flows(at), str(tie.collateral.chain)),
        format=form.FORMAT,
        invariants=held,
        log=form.LogHead(head.hash.hex(), head.seq),
        made_at=form.moment(made_at_ms),
        movements=form.Movements(at.counted, at.left_out),
        positions=positions(at),
        tieout=version("tieout"),
        totals=totals(at),
        version=form.VERSION,
        wallet=wallet.lower(),
    )


def _position(row: PositionRow) -> form.Position:
    return form.Position(
        bought=str(row.bought),
        condition_id=row.condition_id,
        cost_basis=str(row.cost_basis),
        fees=str(row.fees),
        ledger=form.ledger_of(row.token_id),
        outcome=row.outcome_index if row.outcome_index >= 0 else None,
        realized_pnl=str(row.realized_pnl),
        shares=str(row.shares),
        sold=str(row.sold),
        token_id=row.token_id,
    )
