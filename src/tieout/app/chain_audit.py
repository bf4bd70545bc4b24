"""An audit with a node: the balances at a final block against the books as of it, and where a difference came in.

What the books alone cannot tell becomes told here: I1 and the chain's half of F1, and C2 with the wallet's collateral.
Nothing is booked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import asyncpg

from tieout.app.auditing import Audit
from tieout.app.chain_books import BEGINS
from tieout.client.chain import BlockHead, Chain
from tieout.client.errors import VenueError
from tieout.client.rpc import CallFailedError
from tieout.jobs.drift_findings import Drift, explained
from tieout.jobs.height import Pending, due_at
from tieout.jobs.locate import Change, Located, locate
from tieout.jobs.position_sync import CHAIN
from tieout.jobs.tie_out import COLLATERAL, TieOut, tie_out
from tieout.ledger.invariants import Finding
from tieout.store import watermarks

LOCATED_MAX = 5
"""So many differences are looked for in the chain; each takes some twenty comparisons."""

_FILLS = "SELECT count(*) FROM movements WHERE wallet_id = $1 AND kind IN ('buy', 'sell')"
_INFERRED = (
    "SELECT key FROM movements WHERE wallet_id = $1 AND kind = 'adjustment' AND token_id = $2 ORDER BY occurred_at_ms"
)


class CannotCompareError(ValueError):
    """The chain cannot be asked about these books; the message says what to do."""


@dataclass(frozen=True, slots=True)
class AtBlock:
    """Books and balances at a block. `late` are fills settled by the venue's word and without a log there.

    `fills` counts all fills of the books.
    """

    tie: TieOut
    late: tuple[Pending, ...] = ()
    fills: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """A balance that differs; token "" is the collateral. `where` are the blocks it came in by; none when `why_not`."""

    token_id: str
    condition_id: str
    books: int
    chain: int
    cause: str
    where: tuple[Located, ...] = ()
    why_not: str = ""

    @property
    def drift(self) -> int:
        """Books minus truth."""
        return self.books - self.chain

    @property
    def unit(self) -> str:
        """What its figures count."""
        return "micro-shares" if self.token_id else "micro-units"


@dataclass(frozen=True, slots=True)
class ChainAudit:
    """The audit with what the chain told, and the balances that differ."""

    audit: Audit
    at: AtBlock
    differences: tuple[Difference, ...]


async def block_to_compare(connection: asyncpg.Connection, chain: Chain, wallet_id: int, wallet: str) -> BlockHead:
    """The newest final block up to which the books were read.

    Raises CannotCompareError, VenueError, CallFailedError.
    """
    mark = await watermarks.get(connection, wallet_id, CHAIN)
    if mark is None:
        raise CannotCompareError(
            f"these books were never read from the chain: `tieout audit {wallet} --from-chain --from-block N`, with N "
            "the block before the wallet's first transaction"
        )
    read = int(mark.value) - 1
    final = await chain.block("finalized")
    if final is None:
        raise CannotCompareError("the node knows no finalized block: name another one with --node")
    block = final if final.number <= read else await chain.block(read)
    if block is None:
        raise CannotCompareError(
            f"the node does not have block {read}, up to which the books were read: read on with "
            f"`tieout audit {wallet} --from-chain`, or name another node with --node"
        )
    return block


async def at_block(
    connection: asyncpg.Connection,
    chain: Chain,
    wallet_id: int,
    wallet: str,
    block: BlockHead,
    also: Iterable[str] = (),
) -> AtBlock:
    """Books and balances at the end of *block*; *also* of tokens that the books may never have seen.

    Raises VenueError; CannotCompareError when the node forgot the balances.
    """
    books, keys = await due_at(connection, wallet_id, block)
    late = tuple(each for each in books.pending if each.key in keys)
    try:
        tie = await tie_out(chain, wallet, {**dict.fromkeys(also, 0), **books.shares}, books.collateral, block)
    except CallFailedError as error:
        raise CannotCompareError(
            f"the node does not tell the balances at block {block.number:,} any more ({error}): read on with "
            f"`tieout audit {wallet} --from-chain`, or name a node that keeps old state with --node"
        ) from None
    return AtBlock(tie, late, await connection.fetchval(_FILLS, wallet_id))


async def told_by_chain(
    connection: asyncpg.Connection, chain: Chain, wallet_id: int, wallet: str, audit: Audit, at: AtBlock
) -> ChainAudit:
    """*audit* with what the chain says *at* a block, and every difference with its likely cause and its place."""
    differences = await _differences(connection, wallet_id, at)
    placed: list[Difference] = []
    first = await _first_block(connection, chain, wallet_id) if differences else 0
    for number, each in enumerate(differences):
        if number < LOCATED_MAX:
            placed.append(await _placed(connection, chain, wallet_id, wallet, each, first, at.tie.block.number))
        else:
            placed.append(replace(each, why_not=f"only the first {LOCATED_MAX} were looked for"))
    if any(finding.id == "L1" and finding.holds is False for finding in audit.findings):
        placed = [each if each.where else _damaged(each) for each in placed]
    findings = tuple(_told(finding, audit, at, placed) for finding in audit.findings)
    return ChainAudit(replace(audit, findings=findings, unaccounted=()), at, tuple(placed))


async def _differences(connection: asyncpg.Connection, wallet_id: int, at: AtBlock) -> list[Difference]:
    tie = at.tie
    drifts = [Drift(each.token_id, each.books, each.chain) for each in tie.differences]
    found = await explained(connection, wallet_id, drifts, tie.block.at_ms, has_node=True)
    late = {token for each in at.late for token, _ in each.changes}
    differences = [
        Difference(
            drift.token_id,
            drift.condition_id,
            drift.books,
            drift.truth,
            "a fill that never came on chain" if drift.token_id in late else drift.cause.value,
        )
        for drift in found
    ]
    if tie.collateral.drift:
        cause = "a coin transfer without its movement, or the other way round"
        differences.append(Difference(COLLATERAL, "", tie.collateral.books, tie.collateral.chain, cause))
    return differences


async def _first_block(connection: asyncpg.Connection, chain: Chain, wallet_id: int) -> int:
    """The block before the first one read, as far as the node has it."""
    begins = await watermarks.get(connection, wallet_id, BEGINS)
    try:
        earliest = await chain.block("earliest")
    except (VenueError, CallFailedError):
        earliest = None
    return max(int(begins.value) - 1 if begins is not None else 0, earliest.number if earliest is not None else 0)


async def _placed(
    connection: asyncpg.Connection,
    chain: Chain,
    wallet_id: int,
    wallet: str,
    difference: Difference,
    first: int,
    last: int,
) -> Difference:
    """*difference* with the blocks, between two, in which it changed."""
    where: list[Located] = []
    try:
        while first < last and len(where) < LOCATED_MAX:
            found = await locate(connection, chain, wallet_id, wallet, difference.token_id, first, last)
            if found is None:
                break
            where.append(found)
            first = found.block.number
    except (VenueError, CallFailedError) as error:
        if not where:
            return replace(difference, why_not=f"the node does not tell the balances of old blocks ({error})")
    if where:
        cause = _cause([change for each in where for change in each.changes])
        return replace(difference, where=tuple(where), cause=cause or difference.cause)
    inferred = await connection.fetch(_INFERRED, wallet_id, difference.token_id) if difference.token_id else []
    if inferred:
        cause = "an adjustment by a statement that was wrong"
        return replace(difference, cause=cause, why_not=f"inferred, not read: {inferred[-1]['key']}")
    why_not = f"it is the same at block {first:,}, where the books begin: what came before is missing"
    return replace(difference, why_not=why_not)


def _damaged(difference: Difference) -> Difference:
    """*difference*, which no movement makes, of books that are not stored as the log gives them."""
    return replace(
        difference,
        cause="the stored state was changed by another hand than tieout's (L1)",
        why_not="no movement makes it; `tieout db rebuild` makes the stored state again from the log",
    )


def _cause(changes: Sequence[Change]) -> str:
    """What the transactions that do not tie out have in common; "" when each of them does."""
    wrong = [change for change in changes if change.drift]
    if not wrong:
        return ""
    if all(not change.movements for change in wrong):
        return "the chain has a transfer that the books do not have"
    if all(not change.chain for change in wrong):
        return "the books have a movement that the chain does not have"
    return "the books have the transaction with another amount"


def _told(finding: Finding, audit: Audit, at: AtBlock, differences: Iterable[Difference]) -> Finding:
    """*finding*, with what the chain says of it."""
    if finding.id == "I1":
        wrong = [_sentence(each, at) for each in differences if each.token_id]
        return replace(finding, holds=not wrong, checked=at.tie.tokens, violations=tuple(wrong))
    if finding.id == "C2":
        wrong = [_sentence(each, at) for each in differences if not each.token_id]
        return _with(finding, 1 + _transactions(audit), [*wrong, *audit.unaccounted])
    if finding.id == "F1":
        return _with(finding, at.fills, [_never(each, at) for each in at.late])
    return finding


def _with(finding: Finding, checked: int, wrong: Sequence[str]) -> Finding:
    holds = None if finding.holds is None else finding.holds and not wrong
    return replace(finding, holds=holds, checked=finding.checked + checked, violations=(*finding.violations, *wrong))


def _transactions(audit: Audit) -> int:
    """How many are known whose coin transfers were compared with their movements."""
    books = audit.books.books.values()
    return len({tx for book in books for (tx, _), move in book.collateral_moves.items() if not move.removed})


def _sentence(each: Difference, at: AtBlock) -> str:
    what = f"token {each.token_id}" if each.token_id else "collateral"
    said = (
        f"{what}: the books have {each.books} {each.unit}, the wallet {each.chain} {each.unit} at block "
        f"{at.tie.block.number}; likely {each.cause}; "
    )
    places = "; ".join(_place(each, where) for where in each.where)
    return said + (places or f"not located: {each.why_not}")


def _place(each: Difference, where: Located) -> str:
    parts = [f"it came in by block {where.block.number}"]
    for change in where.changes:
        keys = f" ({', '.join(change.movements)})" if change.movements else " (no movement)"
        parts.append(f"tx {change.tx_hash}: books {change.books} {each.unit}{keys}, chain {change.chain} {each.unit}")
    return ", ".join(parts)


def _never(each: Pending, at: AtBlock) -> str:
    tx = f" in tx {each.tx_hash}" if each.tx_hash else ""
    return f"{each.key}: {each.status}{tx} by the venue's word, and block {at.tie.block.number} does not have it"
