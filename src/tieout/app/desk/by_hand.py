"""Entries by hand from a form: texts are made an entry, shown as what it would do, and booked by whoever may write."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import asyncpg
from msgspec.structs import replace

from tieout.app.adjust_drafts import cost_to, moved, of_set, of_token, reversal
from tieout.app.adjust_names import entry_id_of
from tieout.app.adjusting import Preview, book_entry, holder_of, preview
from tieout.app.desk.acting import RefusedError
from tieout.ledger.facts import Act, ManualEntry, encode
from tieout.ledger.units import micro
from tieout.store import requests
from tieout.store.requests import Deed, Kind


class EntryKind(StrEnum):
    """What can be booked by hand."""

    BUY = "buy"
    SELL = "sell"
    SPLIT = "split"
    MERGE = "merge"
    TRANSFER_IN = "transfer in"
    TRANSFER_OUT = "transfer out"
    COST_TO = "cost basis to"
    CASH_IN = "cash in"
    CASH_OUT = "cash out"
    REVERSE = "reverse"


WORDS: dict[EntryKind, str] = {
    EntryKind.BUY: "Shares bought outside of the venue: token, shares, what was paid, fee.",
    EntryKind.SELL: "Shares sold outside of the venue: token, shares, what was received, fee.",
    EntryKind.SPLIT: "Collateral turned into full sets: market or token, amount.",
    EntryKind.MERGE: "Full sets turned into collateral: market or token, amount.",
    EntryKind.TRANSFER_IN: "Tokens that came from somebody else: token, shares, and what all of them cost.",
    EntryKind.TRANSFER_OUT: "Tokens that went to somebody else, their cost with them: token, shares.",
    EntryKind.COST_TO: "What the cost basis of a token is: token, amount. No share moves.",
    EntryKind.CASH_IN: "Collateral that came without a token moving: amount.",
    EntryKind.CASH_OUT: "Collateral that went without a token moving: amount.",
    EntryKind.REVERSE: "Take the effect of an earlier entry away: its id.",
}

WORDS_MAX = 500


@dataclass(frozen=True, slots=True)
class Draft:
    """What was put into the form, as texts. `at_ms`: when it was first shown; the same draft is the same entry."""

    kind: EntryKind
    who: str
    why: str
    at_ms: int
    name: str = ""
    """A token, a condition, or the id of an entry; also shortened."""
    shares: str = ""
    amount: str = ""
    fee: str = ""
    tx_hash: str = ""


async def entry_of(connection: asyncpg.Connection, wallet: str, wallet_id: int, draft: Draft) -> ManualEntry:
    """The entry that *draft* asks for. Raises ValueError in words for whoever filled in the form."""
    why = " ".join(draft.why.split())
    if not why or not why.isprintable() or len(why) > WORDS_MAX:
        raise ValueError(f"why: expected 1 to {WORDS_MAX} printable characters")
    if draft.tx_hash and not (len(draft.tx_hash) == 66 and draft.tx_hash.startswith("0x")):
        raise ValueError("transaction: expected 0x and 64 hex digits, or nothing")
    blank = ManualEntry(entry_id="", who=draft.who, why=why, occurred_at_ms=draft.at_ms, tx_hash=draft.tx_hash.lower())
    written = await _written(connection, wallet_id, blank, draft)
    return replace(written, entry_id=entry_id_of(written, wallet, draft.at_ms))


async def _written(connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry, draft: Draft) -> ManualEntry:
    kind, name = draft.kind, draft.name.strip()
    if kind in (EntryKind.CASH_IN, EntryKind.CASH_OUT):
        amount = _above_zero(draft.amount, "amount")
        return replace(entry, collateral=amount if kind is EntryKind.CASH_IN else -amount)
    if not name:
        raise ValueError("name: expected a token, a market or the id of an entry")
    if kind is EntryKind.REVERSE:
        return await reversal(connection, wallet_id, entry, name)
    if kind in (EntryKind.SPLIT, EntryKind.MERGE):
        act = Act.SPLIT if kind is EntryKind.SPLIT else Act.MERGE
        return await of_set(
            connection, wallet_id, entry, name, act, _above_zero(draft.amount or draft.shares, "amount")
        )
    if kind is EntryKind.COST_TO:
        named = await of_token(connection, wallet_id, entry, name, "")
        return await cost_to(connection, wallet_id, named, _at_least_zero(draft.amount, "amount"))
    return await _of_shares(connection, wallet_id, entry, draft, name)


async def _of_shares(
    connection: asyncpg.Connection, wallet_id: int, entry: ManualEntry, draft: Draft, name: str
) -> ManualEntry:
    shares, amount = _above_zero(draft.shares, "shares"), _at_least_zero(draft.amount, "amount")
    if draft.kind is EntryKind.TRANSFER_IN:
        return moved(await of_token(connection, wallet_id, entry, name, "", shares=shares), amount, "given")
    if draft.kind is EntryKind.TRANSFER_OUT:
        return moved(await of_token(connection, wallet_id, entry, name, "", shares=-shares))
    sign = 1 if draft.kind is EntryKind.BUY else -1
    fee = _at_least_zero(draft.fee, "fee")
    return await of_token(
        connection, wallet_id, entry, name, "", shares=sign * shares, collateral=-sign * amount, fee=fee
    )


def _above_zero(text: str, field: str) -> int:
    amount = micro(text, field)
    if amount <= 0:
        raise ValueError(f"{field}: expected an amount above 0, was {text!r}")
    return amount


def _at_least_zero(text: str, field: str) -> int:
    amount = micro(text or "0", field)
    if amount < 0:
        raise ValueError(f"{field}: expected an amount without a minus, was {text!r}")
    return amount


@dataclass(frozen=True, slots=True)
class Booked:
    """What became of an entry: a number of the log, or the request that a worker got."""

    words: str
    seq: int | None = None
    request_id: int | None = None


async def show(connection: asyncpg.Connection, wallet: str, wallet_id: int, draft: Draft) -> Preview:
    """What the entry would do. Raises ValueError."""
    return await preview(connection, wallet, await entry_of(connection, wallet, wallet_id, draft))


async def book(
    dsn: str,
    connection: asyncpg.Connection,
    wallet: str,
    wallet_id: int,
    draft: Draft,
    effect: str,
    *,
    force: bool,
    now_ms: int,
) -> Booked:
    """Book what was shown with that *effect*, here or by the worker that holds the wallet, and write the deed down.

    Raises RefusedError, ValueError, StoreError; nothing is booked then.
    """
    shown = await show(connection, wallet, wallet_id, draft)
    if shown.effect_digest != effect:
        raise RefusedError("the books changed since it was shown, and it would do something else now: look again")
    if shown.broken and not force:
        ids = " and ".join(broken.id for broken in shown.broken)
        raise RefusedError(f"the entry would break {ids}; say that you mean it, or book nothing")
    if await holder_of(connection, wallet):
        arguments = {"entry": encode(shown.entry).decode(), "effect": effect}
        asked = await requests.ask(connection, wallet_id, Kind.ADJUST, draft.who, now_ms, arguments)
        done = Booked("asked of the worker that holds the wallet", request_id=asked)
    else:
        seq = await book_entry(dsn, wallet, shown)
        done = Booked(f"booked as entry #{seq} of the log", seq=seq)
    await requests.note_deed(
        connection,
        wallet_id,
        Deed(now_ms, draft.who, f"adjust: {draft.kind.value}", shown.entry.entry_id, shown.entry.why, done.words),
    )
    return done
