"""What people and bots ask to be done by the interface, and what became of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, StringConstraints

from tieout.app.desk.by_hand import EntryKind
from tieout.store.requests import Kind
from tieout.web.api.models_books import Position
from tieout.web.api.units import NUMBER_MAX, TIME_MAX, AskedMicro, Micro, Model, Name, Who, Why, described

Hash = Annotated[str, StringConstraints(pattern=r"^(0x[0-9a-fA-F]{64})?$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class Ask(Model):
    """An action. What an action does not take is refused, not ignored."""

    who: Who
    why: Why = ""
    market: Name | Literal[""] = described(
        "Condition id of the market; empty: the whole wallet. Of pause, resume, halt and cancel-all.", default=""
    )
    issue: Annotated[StrictInt, Field(ge=1, le=NUMBER_MAX)] | None = described(
        "Number of the incident, of acknowledge.", default=None, examples=[7]
    )
    force: StrictBool = described(
        "Lift what an invariant has halted; find the cause first. Of pause, resume, halt and cancel-all.",
        default=False,
    )


class Done(Model):
    """What became of an action; it is kept in the history with who and why."""

    changed: bool = described("Whether anything is another now; false: it was so already.")
    words: str = described("In a sentence.", examples=["the whole wallet is paused"])
    request_id: int | None = described("What a worker was asked, to be looked up; null: it is done.")


class RequestState(Model):
    """Something that a worker was asked, and what became of it."""

    request_id: int = described("Its number in this wallet.")
    kind: Kind = described("What was asked.")
    who: str = described("Who asked.")
    at_ms: int = described("When, milliseconds of Unix time.")
    state: Literal["waiting", "done", "late"] = described(
        "`late`: no worker took it up within a minute, and none will any more."
    )
    done_at_ms: int | None = described("When it was done, milliseconds of Unix time.")
    outcome: str = described("What became of it, in a sentence; empty while it waits.")


class EntryAsk(Model):
    """An entry by hand, to be shown. Which fields a kind takes is told with the kinds; others are refused."""

    kind: EntryKind = described(
        "`buy`, `sell`: name, shares, amount, fee. `split`, `merge`: name (a market or a token of it), amount. "
        "`transfer in`: name, shares, amount (what all of them cost). `transfer out`: name, shares. "
        "`cost basis to`: name, amount. `cash in`, `cash out`: amount. `reverse`: name (the id of an entry)."
    )
    who: Who
    why: Why
    name: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z#….]*$", max_length=100)] = described(
        "A token, a condition or the id of an entry; its beginning is enough where it names one.", default=""
    )
    shares: AskedMicro = described("Micro-shares.", default=0)
    amount: AskedMicro = described("Paid, received, or the cost. Micro-collateral.", default=0)
    fee: AskedMicro = described("Micro-collateral.", default=0)
    tx_hash: Hash = described("The transaction that is the evidence; empty: none.", default="")
    at_ms: Annotated[StrictInt, Field(ge=1, le=TIME_MAX)] | None = described(
        "When it happened, milliseconds of Unix time; null: now. Part of what names the entry.", default=None
    )


class BookingAsk(EntryAsk):
    """The entry that was shown, to be booked."""

    at_ms: Annotated[StrictInt, Field(ge=1, le=TIME_MAX)] = described(
        "The `at_ms` of the preview, milliseconds of Unix time."
    )
    effect: Digest = described("The `effect` of the preview: it is booked only where it still does that.")
    force: StrictBool = described("Book it though it breaks invariants that the preview names.", default=False)


class Change(Model):
    """One position without the entry and with it."""

    before: Position = described("Without it.")
    after: Position = described("With it.")


class BrokenInvariant(Model):
    """An invariant that the entry would break."""

    id: str = described("Which.", examples=["C2"])
    sentence: str = described("What must hold.")
    violations: list[str] = described("Where it would not.")


class Shown(Model):
    """What an entry would do. Nothing is booked."""

    entry_id: str = described("What the entry would be called.")
    at_ms: int = described("To be sent with the booking, milliseconds of Unix time.")
    effect: str = described("To be sent with the booking.")
    changes: list[Change] = described("Positions that it names or changes.")
    collateral_before: Micro = described("Of the whole wallet. Micro-collateral.")
    collateral_after: Micro = described("Of the whole wallet. Micro-collateral.")
    broken: list[BrokenInvariant] = described("Invariants that it would break: booking it takes `force`.")
    warnings: list[str] = described("What to look at before.")


class Booked(Model):
    """What became of an entry: in the log, or asked of the worker that holds the wallet."""

    entry_id: str = described("What the entry is called.")
    words: str = described("In a sentence.")
    seq: int | None = described("Its number in the log; null: a worker was asked to book it.")
    request_id: int | None = described("What the worker was asked, to be looked up; null: it is booked.")
