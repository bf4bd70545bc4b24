"""What the interface says of wallets, workers, controls and incidents."""

from __future__ import annotations

from typing import Any

from tieout.store.controls import Actor, Lift, State
from tieout.store.runs import Action, IssueType, Job, Outcome, Severity
from tieout.web.api.units import Model, described

AT = "When, milliseconds of Unix time."
MARKET = "Condition id of the market; empty: the whole wallet."


class Health(Model):
    """The desk answers, and so does its database."""

    status: str = described("Always `ok`.", examples=["ok"])


class Head(Model):
    """Where a wallet's log ends: equal heads are equal books."""

    seq: int = described("Number of the last entry; 0: the log is empty.", examples=[34])
    hash: str = described("SHA-256 over all entries, as a chain; 64 hex digits.")


class TieOut(Model):
    """The answer that counts: whether the books equal what the chain and the venue show."""

    verdict: str = described(
        "`TIES OUT`, `CATCHING UP` (the first comparison is to come), `CANNOT TELL` (nobody compared lately) or "
        "`DOES NOT TIE OUT`.",
        examples=["TIES OUT"],
    )
    words: str = described("What was compared, or what is wrong.", examples=["4 balances equal the chain at block 7"])
    to_do: str = described("What to type; empty: nothing is to be done.")
    block: int = described("The block of the comparison; 0: there was none, or the Data API was the witness.")
    balances: int = described("How many balances were compared.")
    pending: int = described("Movements that the chain had not made final then.")
    since_ms: int = described(
        "Since when the books tie out without a break, milliseconds of Unix time; 0: they do not."
    )
    compared_ms: int = described("When they were compared last, milliseconds of Unix time; 0: not known.")


class Control(Model):
    """Whether a wallet or a market may be quoted. `active` without who: nobody ever set it."""

    market: str = described(MARKET)
    state: State = described("`paused`: no quotes for a while; `halted`: none until a person has looked.")
    reason: str = described("Why.")
    who: str = described("Who set it.")
    at_ms: int = described("When, milliseconds of Unix time; 0: never.")
    lift: Lift = described("What it takes to loosen it: `anyone`, a `person`, or a person with `force`.")


class ControlChange(Model):
    """One change of a control."""

    market: str = described(MARKET)
    before: State = described("The state until then.")
    state: State = described("The state since then.")
    reason: str = described("Why.")
    who: str = described("Who.")
    actor: Actor = described("On whose authority.")
    forced: bool = described("Whether it lifted the halt of an invariant.")
    at_ms: int = described(AT)


class Controls(Model):
    """The controls of a wallet. What decides over a market is the stricter of its own and the whole wallet's."""

    wallet: Control = described("Of the whole wallet.")
    markets: list[Control] = described("Of single markets that were ever set, by condition id.")
    changes: list[ControlChange] = described("The last changes, the newest first.")


class Worker(Model):
    """What the worker of the wallet showed of itself last."""

    is_running: bool = described("Whether it showed itself within the last ten seconds, and has not stopped.")
    at_ms: int = described("When it showed itself, milliseconds of Unix time.")
    phase: str = described("What it is at.", examples=["running"])
    why_not: str = described("Why nothing is quoted; empty where it quotes.")
    is_live: bool = described("Whether it sends orders; false: a dry run.")
    feed_live: bool = described("Whether the venue's user channel is up.")
    started_ms: int = described("When it began, milliseconds of Unix time; 0: not told.")
    problem: str = described("What is wrong with it; empty: nothing.")
    markets: int = described("How many markets it quotes.")


class WalletLine(Model):
    """A wallet in the list."""

    address: str = described("Its address, lower case.")
    seq: int = described("Number of the last entry of its log.")
    verdict: str = described("As of the wallet's `tie_out`.", examples=["TIES OUT"])
    open_incidents: int = described("Incidents that nobody has acknowledged.")
    held_by: str = described("Who writes it, or did last; empty: nobody ever.")


class Wallets(Model):
    """Wallets in the order they came into the database."""

    items: list[WalletLine] = described("Of this page.")
    next: str | None = described("The `cursor` of the next page; null: these were the last.")


class Wallet(Model):
    """A wallet at one moment."""

    address: str = described("Its address, lower case.")
    head: Head = described("Where its log ends.")
    epoch: int = described("Number of its lease; a take-over raises it.")
    held_by: str = described("Who writes it, or did last; empty: nobody ever.")
    tie_out: TieOut = described("Whether everything ties out.")
    control: Control = described("Whether the wallet as a whole may be quoted.")
    worker: Worker | None = described("Null: no worker has shown itself since the database started.")
    open_incidents: int = described("Incidents that nobody has acknowledged.")
    grave_incidents: int = described("Those among them that are ERROR or CRITICAL.")


class Incident(Model):
    """What a run found not to tie out, or could not tell; equal open ones are counted."""

    incident_id: int = described("Its number in this wallet.", examples=[7])
    type: IssueType = described("What it is about; the runbook has a page for each.")
    severity: Severity = described("From INFO to CRITICAL.")
    action: Action = described("What was done about it when it was found.")
    summary: str = described("One sentence.")
    condition_id: str = described("The market it is about; empty: none.")
    token_id: str = described("The token it is about; empty: none.")
    order_id: str = described("The order it is about; empty: none.")
    first_at_ms: int = described("When it was found first, milliseconds of Unix time.")
    last_at_ms: int = described("When it was found last, milliseconds of Unix time.")
    times: int = described("How often it was found while it was open.")
    is_open: bool = described("Whether nobody has acknowledged it yet.")
    acknowledged_by: str | None = described("Who has seen it.")
    acknowledged_at_ms: int | None = described("When, milliseconds of Unix time.")


class Incidents(Model):
    """Incidents of a wallet."""

    items: list[Incident] = described("The gravest first where open ones were asked for; else the latest first.")
    more: bool = described("Whether there are more than `limit`.")


class Run(Model):
    """One execution of a job of the worker."""

    run_id: int = described("Its number in this wallet.")
    job: Job = described("Which job.")
    reason: str = described("Why it ran.", examples=["schedule"])
    started_at_ms: int = described("When it began, milliseconds of Unix time.")
    ended_at_ms: int | None = described("When it ended, milliseconds of Unix time; null: it has not.")
    outcome: Outcome = described("How it ended.")
    issues: int = described("How many issues it raised.")
    detail: dict[str, Any] = described("What it found, as it was kept.")


class NamedId(Model):
    """An id that has a story of its own."""

    field: str = described("Where it stands.", examples=["token"])
    id: str = described("The id, for `tieout explain` and the pages.")


class Guide(Model):
    """What such an incident means."""

    happened: str = described("What happened.")
    known_by: str = described("How it is known.")
    to_do: str = described("What to do.")
    clears: str = described("How to tell that it is over.")


class IncidentStory(Incident):
    """An incident with its evidence."""

    evidence: dict[str, Any] = described("Raw ids and figures as they were kept; amounts are integers of micro-units.")
    run: Run | None = described("The run that found it at its gravest.")
    ids: list[NamedId] = described("Ids of the evidence that lead on.")
    guide: Guide = described("What to do about it.")
