"""Verifying a certificate: the file by itself, against the chain, and against the log it was made from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version

import asyncpg

from tieout.app import certificate as form
from tieout.app.auditing import findings_of
from tieout.app.block_books import BlockBooks, books_at
from tieout.app.certificate import ORIGINAL, Certificate, Flaw, Reading
from tieout.app.certifying import flows, invariants, positions, totals
from tieout.app.history import Verification, verify_books
from tieout.client.chain import BlockHead, Chain
from tieout.client.errors import VenueError
from tieout.client.rpc import CallFailedError
from tieout.jobs.tie_out import COINS, tie_out
from tieout.ledger.invariants import Finding
from tieout.store.wallets import wallet_id_of


class State(StrEnum):
    """What became of a check. UNTOLD: it was asked for and could not be told."""

    HOLDS = "holds"
    DOES_NOT = "does not hold"
    UNTOLD = "could not be told"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: `of` says by what ("file", "node", "log"); `note` why it was not made, or what else is to be known."""

    of: str
    what: str
    state: State
    checked: int = 0
    flaws: tuple[Flaw, ...] = ()
    note: str = ""


FORM = "written the one way it can be written"
DIGEST = "the digest is the content's"
FIGURES = "the figures agree with each other"
NETWORK = "the node is of the same chain"
BLOCK = "the block has this number, hash and time"
COIN_BALANCES = "coins held at that block"
TOKEN_BALANCES = "outcome tokens held at that block"  # noqa: S105 (no password)
LOG = "the log up to the certified entry has the certified hash"
POSITIONS = "positions, folded again from that log"
SUMS = "collateral and totals, folded again"
INVARIANTS = "the invariants, checked again"

OF_NODE = (NETWORK, BLOCK, COIN_BALANCES, TOKEN_BALANCES)
OF_LOG = (LOG, POSITIONS, SUMS, INVARIANTS)


def of_file(read: Reading) -> list[Check]:
    """What the file says by itself."""
    if read.newer:
        return [
            Check("file", FORM, State.HOLDS, 1),
            Check("file", DIGEST, State.HOLDS, 1),
            Check("file", FIGURES, State.UNTOLD, note=read.newer),
        ]
    if read.certificate is None:
        return [_check("file", FORM, 1, read.form), *not_made("file", (DIGEST, FIGURES))]
    return [
        _check("file", FORM, 1, read.form),
        _check("file", DIGEST, 1, read.digest),
        _check("file", FIGURES, len(read.certificate.positions), read.figures),
    ]


def not_made(of: str, names: Sequence[str], note: str = "", state: State = State.NOT_CHECKED) -> list[Check]:
    """The checks of *names*, which were not made."""
    return [Check(of, name, state, note=note) for name in names]


async def of_node(made: Certificate, chain: Chain) -> list[Check]:
    """What the chain says of it."""
    found: list[Check] = []
    steps: tuple[Callable[[Certificate, Chain], Awaitable[list[Check]]], ...] = (_network, _block, _balances)
    try:
        for step in steps:
            found += await step(made, chain)
            if any(check.state is not State.HOLDS for check in found):
                break
    except VenueError as error:
        note = f"no node answered: {error}; try again, or name another one with --node"
        return found + not_made("node", OF_NODE[len(found) :], note, State.UNTOLD)
    except CallFailedError as error:
        note = f"the node does not tell ({error}); one that keeps the state of old blocks is needed: --node"
        return found + not_made("node", OF_NODE[len(found) :], note, State.UNTOLD)
    return found + not_made("node", OF_NODE[len(found) :], "nothing more can be asked for at such a block")


async def _network(made: Certificate, chain: Chain) -> list[Check]:
    found = await chain.chain_id()
    return [_check("node", NETWORK, 1, _differ("chain_id", made.chain_id, found, "the node is of chain"))]


async def _block(made: Certificate, chain: Chain) -> list[Check]:
    number = made.block.number
    final = await chain.block("finalized")
    block = await chain.block(number)
    if block is None or final is None:
        return not_made("node", (BLOCK,), f"the node does not have block {number:,}: name another one", State.UNTOLD)
    flaws = [
        *_differ("block.hash", made.block.hash, block.hash, f"block {number} of the chain has"),
        *_differ("block.time", made.block.time, form.moment(block.at_ms), f"block {number} of the chain has"),
    ]
    if not flaws and final.number < number:
        note = f"it is not final yet, the last final block is {final.number:,}: wait for it"
        return not_made("node", (BLOCK,), note, State.UNTOLD)
    return [_check("node", BLOCK, 1, flaws)]


async def _balances(made: Certificate, chain: Chain) -> list[Check]:
    block = BlockHead(made.block.number, made.block.hash, "", form.milliseconds(made.block.time))
    shares = {each.token_id: int(each.shares) for each in made.positions if each.is_on_chain}
    tie = await tie_out(chain, made.wallet, shares, int(made.collateral.total), block)
    coins = {name: str(amount) for name, amount in tie.collateral.coins.items()}
    places = {each.token_id: at for at, each in enumerate(made.positions)}
    tokens = [
        flaw
        for each in tie.differences
        for flaw in _differ(f"positions[{places[each.token_id]}].shares", each.books, each.chain, "the chain says")
    ]
    return [
        _check(
            "node", COIN_BALANCES, len(COINS), _compared("collateral.coins", made.collateral.coins, coins, "the chain")
        ),
        _check("node", TOKEN_BALANCES, tie.tokens, tokens),
    ]


async def of_log(
    made: Certificate, connection: asyncpg.Connection, progress: Callable[[int], None] = lambda _: None
) -> list[Check]:
    """What the log in this database says of it."""
    wallet_id = await wallet_id_of(connection, made.wallet)
    if wallet_id is None:
        note = f"this database has no books of wallet {made.wallet}: TIEOUT_DB or TIEOUT_HOME names the one that has"
        return not_made("log", OF_LOG, note, State.UNTOLD)
    result, books = await verify_books(connection, wallet_id, progress, made.log.seq)
    at = books_at(books, made.block.number, form.milliseconds(made.block.time))
    findings = findings_of(result, list(books.books.values()))
    return [
        _check("log", LOG, result.entries, _log_flaws(made, result)),
        _check("log", POSITIONS, len(at.positions), list(_position_flaws(made, at))),
        _check("log", SUMS, made.movements.counted, _sum_flaws(made, at)),
        _check("log", INVARIANTS, len(made.invariants), _invariant_flaws(made, findings)),
    ]


def _log_flaws(made: Certificate, result: Verification) -> list[Flaw]:
    flaws = [Flaw("the log", each, "restore the database from a backup") for each in result.chain_breaks]
    flaws += _differ("log.seq", made.log.seq, result.head.seq, "the log ends at entry")
    return flaws + _differ("log.hash", made.log.hash, result.head.hash.hex(), "the log has")


def _position_flaws(made: Certificate, at: BlockBooks) -> Iterator[Flaw]:
    ours = {each.token_id: each for each in positions(at)}
    for index, theirs in enumerate(made.positions):
        where = f"positions[{index}]"
        right = ours.pop(theirs.token_id, None)
        if right is None:
            yield Flaw(f"{where}.token_id", f"the log has no position of token {theirs.token_id}", ORIGINAL)
            continue
        for name in theirs.__struct_fields__:
            yield from _differ(f"{where}.{name}", getattr(theirs, name), getattr(right, name), "the log gives")
    for token_id in ours:
        yield Flaw("positions", f"token {token_id} is missing: the log gives a position of it", ORIGINAL)


def _sum_flaws(made: Certificate, at: BlockBooks) -> list[Flaw]:
    theirs = {**_fields("totals", made.totals), **_fields("movements", made.movements)}
    ours = {**_fields("totals", totals(at)), **_fields("movements", form.Movements(at.counted, at.left_out))}
    flaws = _differ("collateral.total", made.collateral.total, str(at.collateral), "the log gives")
    flaws += _compared("collateral.flows", made.collateral.flows, flows(at), "the log")
    return flaws + [flaw for name, was in theirs.items() for flaw in _differ(name, was, ours[name], "the log gives")]


def _fields(name: str, part: form.Part) -> dict[str, object]:
    return {f"{name}.{field}": getattr(part, field) for field in part.__struct_fields__}


def _invariant_flaws(made: Certificate, findings: Sequence[Finding]) -> list[Flaw]:
    flaws = [
        Flaw(f"invariant {finding.id}", violation, f"tieout audit --wallet {made.wallet}")
        for finding in findings
        if finding.holds is False
        for violation in finding.violations
    ]
    on_chain = sum(each.is_on_chain for each in made.positions)
    ours = {each.id: f"{each.result}, {each.checked} checked" for each in invariants(findings, on_chain)}
    theirs = {each.id: f"{each.result}, {each.checked} checked" for each in made.invariants}
    differing = _compared("invariants", theirs, ours, "the log")
    if differing and made.tieout != version("tieout"):
        note = f"made by tieout {made.tieout}, this is {version('tieout')}: invariants may have been added since"
        differing.append(Flaw("tieout", note, f"verify with tieout {made.tieout}"))
    return flaws + differing


def _compared(where: str, theirs: Mapping[str, str], ours: Mapping[str, str], who: str) -> list[Flaw]:
    return [
        flaw
        for name in sorted({*theirs, *ours})
        for flaw in _differ(f"{where}.{name}", theirs.get(name, "nothing"), ours.get(name, "nothing"), f"{who} gives")
    ]


def _differ(where: str, theirs: object, ours: object, who: str) -> list[Flaw]:
    if theirs == ours:
        return []
    return [Flaw(where, f"the certificate says {theirs}, {who} {ours}", ORIGINAL)]


def _check(of: str, what: str, checked: int, flaws: Sequence[Flaw]) -> Check:
    return Check(of, what, State.DOES_NOT if flaws else State.HOLDS, checked, tuple(flaws))
