"""The one answer that counts: whether everything ties out, at which block, since when; and if not, what to type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from tieout.app.worker_state import WorkerState
from tieout.jobs.job import Ended
from tieout.store.controls import WHOLE_WALLET, Lift
from tieout.store.runs import Action, Finding, IssueType, Job, Outcome

_POSITIONS = frozenset((IssueType.POSITION_DRIFT, IssueType.COLLATERAL_DRIFT))
_ORDERS = frozenset(
    (
        IssueType.ORDER_IN_DB_NOT_CLOB,
        IssueType.ORDER_IN_CLOB_NOT_DB,
        IssueType.ORDER_MISMATCH,
        IssueType.ORPHAN_ORDER,
    )
)
COMPARING = (Job.POSITION_SYNC, Job.FULL_SYNC)
"""Jobs that compare all balances."""

_LOOKING = (Job.ORDER_SYNC, Job.FULL_SYNC, Job.SETTLE, Job.RECONCILE)
"""Jobs, beside the comparison of balances, whose findings may say that something does not tie out."""


class Verdict(StrEnum):
    """The answer in two or three words."""

    TIES_OUT = "TIES OUT"
    CATCHING_UP = "CATCHING UP"
    CANNOT_TELL = "CANNOT TELL"
    DOES_NOT = "DOES NOT TIE OUT"


@dataclass(frozen=True, slots=True)
class Answer:
    """`words` say what was compared or what is wrong, `to_do` what to type, "" where nothing is to be done.

    `block` is 0 where the Data API is the witness; `since_ms` 0 where the books do not tie out; `compared_ms` is when
    that was found, and `pending` counts the movements that the chain has not yet made final.
    """

    verdict: Verdict
    words: str
    to_do: str = ""
    block: int = 0
    balances: int = 0
    pending: int = 0
    since_ms: int = 0
    compared_ms: int = 0

    @property
    def subject(self) -> tuple[Verdict, str]:
        """What makes it another answer: not the block, and not figures that move all the time."""
        return self.verdict, "" if self.verdict is Verdict.TIES_OUT else self.to_do or self.words


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison of all balances. `pending` counts movements that are still on their way to the chain."""

    at_ms: int
    block: int
    balances: int
    differences: int
    pending: int


def compared(state: WorkerState) -> Compared | None:
    """The newest comparison that ended; None before the first."""
    found = [compared_by(state.jobs[job]) for job in COMPARING if job in state.jobs]
    return max((each for each in found if each is not None), key=lambda each: each.at_ms, default=None)


def compared_by(ended: Ended) -> Compared | None:
    """The comparison that a run made; None when it made none."""
    if ended.job not in COMPARING or ended.outcome is Outcome.FAILED:
        return None
    detail = ended.result.detail
    figures = detail if ended.job is Job.POSITION_SYNC else detail.get("positions", {})
    if "tokens" not in figures:
        return None
    return Compared(ended.at_ms, *(int(figures.get(name, 0)) for name in ("block", "tokens", "differences", "pending")))


def answer_of(state: WorkerState, now_ms: int) -> Answer:
    """Whether everything ties out, as far as *state* knows."""
    last = compared(state)
    if broken := _broken(state):
        return Answer(Verdict.DOES_NOT, broken, f"tieout issues --wallet {state.wallet}", last.block if last else 0)
    wrong = next(_wrong(state), None)
    if wrong is not None:
        return Answer(Verdict.DOES_NOT, wrong.summary, _to_do(state.wallet, wrong), last.block if last else 0)
    if last is not None and last.differences:
        words = f"{last.differences} of {last.balances} balances differ"
        return Answer(Verdict.DOES_NOT, words, f"tieout issues --wallet {state.wallet}", last.block)
    if failed := _failed(state):
        return Answer(Verdict.CANNOT_TELL, failed.problem, f"tieout runs --wallet {state.wallet}")
    if last is None:
        return Answer(Verdict.CATCHING_UP, state.problem or state.why_not or "the first comparison is to come")
    if now_ms - last.at_ms > state.unseen_ms:
        return Answer(
            Verdict.CANNOT_TELL,
            f"nothing was compared for {(now_ms - last.at_ms) // 1_000} seconds",
            f"tieout runs --wallet {state.wallet}",
        )
    if state.phase == "running" and state.why_not:
        return Answer(Verdict.CATCHING_UP, state.why_not, block=last.block, balances=last.balances)
    return Answer(
        Verdict.TIES_OUT,
        _held(last),
        block=last.block,
        balances=last.balances,
        pending=last.pending,
        since_ms=state.tied_out_since_ms,
        compared_ms=last.at_ms,
    )


def _held(last: Compared) -> str:
    witness = f"the chain at block {last.block:,}" if last.block else "what the Data API states"
    balances = "1 balance equals" if last.balances == 1 else f"{last.balances:,} balances equal"
    return f"{balances} {witness}"


def _broken(state: WorkerState) -> str:
    """Which rule the books broke, so that the wallet is halted until a person lifts that with force; "" none."""
    whole = state.controls.get(WHOLE_WALLET)
    return whole.reason if whole is not None and whole.lift is Lift.FORCE else ""


def _wrong(state: WorkerState) -> Iterator[Finding]:
    """What the last runs found that does not tie out, balances first; what was corrected does tie out."""
    positions = _newest(state, *COMPARING)
    if positions is not None:
        yield from (found for found in _standing(positions) if found.type in _POSITIONS)
    for job in _LOOKING:
        ended = state.jobs.get(job)
        for found in _standing(ended) if ended else ():
            later = _newest(state, Job.ORDER_SYNC, Job.FULL_SYNC) if found.type in _ORDERS else ended
            if found.severity.is_grave and found.type not in _POSITIONS and later is ended:
                yield found


def _standing(ended: Ended) -> list[Finding]:
    return [found for found in ended.result.findings if found.action is not Action.CORRECTED]


def _failed(state: WorkerState) -> Ended | None:
    """The newest comparison of balances, when it failed."""
    newest = _newest(state, *COMPARING, failed_too=True)
    return newest if newest is not None and newest.outcome is Outcome.FAILED else None


def _newest(state: WorkerState, *jobs: Job, failed_too: bool = False) -> Ended | None:
    ended = [state.jobs[job] for job in jobs if job in state.jobs]
    kept = [each for each in ended if failed_too or each.outcome is not Outcome.FAILED]
    return max(kept, key=lambda each: each.at_ms, default=None)


def _to_do(wallet: str, found: Finding) -> str:
    subject = found.token_id or found.order_id
    return f"tieout explain {subject} --wallet {wallet}" if subject else f"tieout issues --wallet {wallet}"
