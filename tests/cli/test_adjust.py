"""`tieout adjust`: what is shown is booked, a reversal leaves no trace in the figures, bad input books nothing."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.command_line import PATIENCE_S, PROGRAM, CommandLine
from tieout.app.adjusting import BooksMovedError, book_entry, preview
from tieout.intake.intake import Intake, own
from tieout.ledger.facts import ManualEntry, OutcomeTokenListed, TokenMoved
from tieout.store.connect import connect, connected
from tieout.store.embedded import EmbeddedServer
from tieout.store.wallets import acquire
from tieout.venue.decode import Identity

CONDITION = "0x" + "c0" * 32
YES, NO = "1234567890" * 7, "9876543210" * 7
TX = "0x" + "7a" * 32


@pytest.fixture
def traded(tieout: CommandLine, wallet: str, row: Callable[..., Any], lines: Callable[..., Path]) -> str:
    """A wallet that bought 10 of one outcome for 4 and 6 of the other for 3."""
    tieout("import", "--wallet", wallet, lines(row(1), row(2, asset=NO, outcomeIndex=1, size=6, usdcSize=3, price=0.5)))
    return wallet


@pytest.fixture
def adjust(tieout: CommandLine, traded: str) -> Callable[..., Any]:
    """`tieout adjust` for that wallet, by ada; the JSON of it."""

    def run(*words: str, code: int = 0) -> Any:
        signed = ("--wallet", traded, "--why", "counted by hand", "--who", "ada", "--json")
        return tieout("adjust", *words, *signed, code=code).json

    return run


def figures(tieout: CommandLine, wallet: str) -> dict[str, Any]:
    """The books without their head."""
    books = tieout("books", "--wallet", wallet, "--json").json
    return {"collateral": books["collateral"], "positions": books["positions"]}


KINDS: dict[str, tuple[str, ...]] = {
    "buy": ("buy", "1234", "5", "--cost", "2.5", "--fee", "0.01"),
    "sell": ("sell", "1234", "3.333333", "--proceeds", "1.7"),
    "split": ("split", "0xc0c0", "2.5"),
    "merge": ("merge", "9876", "1.000001"),
    "transfer-in": ("transfer-in", "9876", "7", "--cost", "2"),
    "transfer-out": ("transfer-out", "123456…7890", "2.7"),
    "cost-by": ("cost", "1234", "--by", "-0.25"),
    "cost-to": ("cost", "1234", "--to", "4.75"),
    "cash": ("cash", "out", "1.5"),
    "new token": ("buy", "5" * 76, "1", "--cost", "0.5", "--condition", "0x" + "d1" * 32),
    "earlier": ("sell", "1234", "10", "--proceeds", "9", "--at", "1789000002"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_E6_C2_what_is_shown_is_booked_and_a_reversal_restores_every_figure(
    tieout: CommandLine, traded: str, adjust: Callable[..., Any], kind: str
) -> None:
    before = figures(tieout, traded)
    seen = adjust(*KINDS[kind], "--preview")
    assert figures(tieout, traded) == before, "a preview books nothing"
    done = adjust(*KINDS[kind], "--yes")
    assert (seen["booked"], done["booked"], done["broken"]) == (False, True, [])
    assert (seen["positions"], seen["collateral"]) == (done["positions"], done["collateral"])
    after = figures(tieout, traded)
    held = {row["token_id"]: row for row in after["positions"]}
    for change in done["positions"]:
        assert {name: held[change["token_id"]][name] for name in change["after"]} == change["after"]
    assert after["collateral"]["net"] == done["collateral"]["after"]
    assert after != before
    reversal = adjust("reverse", done["entry"]["entry_id"][:6], "--yes")
    assert figures(tieout, traded) == before
    adjust("reverse", reversal["entry"]["entry_id"], "--yes")
    assert figures(tieout, traded) == after, "a reversal of the reversal brings it back"


def test_C1_a_merge_gives_one_for_each_pair_and_a_transfer_out_no_profit(adjust: Callable[..., Any]) -> None:
    merged = adjust("merge", "0xc0c0", "2", "--preview")
    taken = [int(p["before"]["shares"]) - int(p["after"]["shares"]) for p in merged["positions"]]
    assert taken == [2_000_000, 2_000_000]
    assert int(merged["collateral"]["after"]) - int(merged["collateral"]["before"]) == 2_000_000
    (gone,) = adjust("transfer-out", "1234", "5", "--preview")["positions"]
    assert (gone["after"]["cost_basis"], gone["after"]["realized_pnl"]) == ("2000000", "0")


def test_I3_an_entry_that_breaks_an_invariant_is_refused_and_forced(
    tieout: CommandLine, traded: str, adjust: Callable[..., Any]
) -> None:
    before = figures(tieout, traded)
    more = ("sell", "1234", "11", "--proceeds", "5")
    shown = adjust(*more, "--preview", code=1)
    assert [broken["id"] for broken in shown["broken"]] == ["I3"]
    assert adjust(*more, "--yes", code=2)["booked"] is False
    assert figures(tieout, traded) == before
    words = tieout("adjust", *more, "--wallet", traded, "--why", "x", "--yes", code=2)
    assert "breaks I3: Nothing leaves that was not there." in words.out
    assert "1.000000 shares left that never arrived" in words.out
    assert "--force books it all the same" in words.err
    assert adjust(*more, "--yes", "--force")["booked"] is True
    tieout("audit", "--wallet", traded, code=1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("buy", "777", "5", "--cost", "1"), "no token of this wallet's books begins with '777'"),
        (("buy", "7" * 76, "5", "--cost", "1"), "needs its whole id and --condition"),
        (("buy", "0x12", "5", "--cost", "1"), "expected a token id"),
        (("buy", YES, "5", "--cost", "1", "--condition", "0x" + "d1" * 32), "belongs to condition 0xc0c0"),
        (("buy", "1234", "5.0000001", "--cost", "1"), "expected at most 6 decimals"),
        (("buy", "1234", "--cost", "1", "--", "-5"), "expected an amount without a minus"),
        (("buy", "1234", "0", "--cost", "1"), "expected an amount above 0"),
        (("buy", "1234", "five", "--cost", "1"), "expected a decimal number"),
        (("buy", "1234", "5", "--cost", "-1"), "expected an amount without a minus"),
        (("buy", "1234", "5"), "--cost"),
        (("buy", "1234", "5", "--cost", "1", "--at", "2099-01-01"), "expected a time that has been"),
        (("buy", "1234", "5", "--cost", "1", "--at", "soon"), "expected a time such as"),
        (("buy", "1234", "5", "--cost", "1", "--tx", "0x12"), "expected a transaction hash"),
        (("transfer-in", "1234", "5"), "say what they cost"),
        (("transfer-in", "1234", "5", "--cost", "1", "--policy", "zero"), "exclude each other"),
        (("cost", "1234"), "expected one of --by"),
        (("cost", "1234", "--to", "4"), "nothing to correct"),
        (("merge", "0xffff", "1"), "no condition of this wallet's books begins with '0xffff'"),
        (("cash", "sideways", "1"), "sideways"),
        (("reverse", "abc"), "no entry of this wallet begins with 'abc'"),
    ],
)
def test_bad_input_is_told_and_books_nothing(
    tieout: CommandLine, traded: str, words: tuple[str, ...], said: str
) -> None:
    options = ("--wallet", traded, "--why", "x", "--yes")
    cut = words.index("--") if "--" in words else len(words)
    done = tieout("adjust", *words[:cut], *options, *words[cut:], code=2, COLUMNS="200")
    assert said in done.err
    assert tieout("adjust", "list", "--wallet", traded, "--json").json == []


def test_who_why_and_the_wallet_are_needed(tieout: CommandLine, traded: str) -> None:
    buy = ("adjust", "buy", "1234", "5", "--cost", "2", "--yes")
    assert "--why" in tieout(*buy, "--wallet", traded, code=2).err
    assert "printable characters" in tieout(*buy, "--wallet", traded, "--why", " ", code=2).err
    assert "printable characters" in tieout(*buy, "--wallet", traded, "--why", "\x1b[2J", code=2).err
    stranger = "0x" + "5a" * 20
    assert f"no books of wallet {stranger}" in tieout(*buy, "--wallet", stranger, "--why", "x", code=2).err
    assert tieout("adjust", "list", "--wallet", traded, "--json").json == []
    user = subprocess.run(["id", "-un"], capture_output=True, check=True, text=True).stdout.strip()
    names = {"LOGNAME": user}
    assert tieout(*buy, "--wallet", traded, "--why", "x", "--json", **names).json["entry"]["who"] == user


def test_without_a_terminal_it_asks_nobody_and_books_nothing(tieout: CommandLine, traded: str) -> None:
    done = tieout("adjust", "cash", "in", "5", "--wallet", traded, "--why", "x", code=2)
    assert "collateral -7.000000 → -2.000000  +5.000000" in done.out
    assert "nothing was booked: there is nobody to ask here (--yes books without asking)" in done.err
    assert tieout("adjust", "list", "--wallet", traded, "--json").json == []


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 2), ("\n", 2), ("\x04", 2)])
def test_on_a_terminal_it_asks_and_only_yes_books(tieout: CommandLine, traded: str, answer: str, code: int) -> None:
    ours, theirs = pty.openpty()
    command = subprocess.Popen(
        [PROGRAM, "adjust", "cash", "in", "5", "--wallet", traded, "--why", "x"],
        env=tieout.environment(),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    os.write(ours, answer.encode())
    shown, asked = command.communicate(timeout=PATIENCE_S)
    os.close(ours)
    assert command.returncode == code, asked
    assert b"collateral -7.000000" in shown
    assert b"Book it?" in asked
    assert (b"nothing was booked" in asked) == (code == 2)
    assert len(tieout("adjust", "list", "--wallet", traded, "--json").json) == (code == 0)


def test_the_list_says_who_why_and_what_stands(tieout: CommandLine, traded: str, adjust: Callable[..., Any]) -> None:
    first = adjust("cash", "in", "5", "--yes")["entry"]["entry_id"]
    second = adjust("reverse", first, "--yes")["entry"]["entry_id"]
    listed = adjust_list(tieout, traded)
    assert [(one["entry_id"], one["stands"], one["reversed_by"]) for one in listed] == [
        (first, False, second),
        (second, True, ""),
    ]
    assert {(one["who"], one["why"]) for one in listed} == {("ada", "counted by hand")}
    assert listed[0]["occurred_at_ms"] == listed[1]["occurred_at_ms"], "a reversed entry never was, at any time"
    tieout("replay", "--verify", "--wallet", traded)
    refused = tieout("adjust", "reverse", first, "--wallet", traded, "--why", "x", "--yes", code=2)
    assert f"entry {first} has no effect already: entry {second} reverses it" in refused.err
    shown = tieout("adjust", "list", "--wallet", traded).out.splitlines()
    assert shown[1].split()[:2] == [second, "reversal"]
    assert f"reversed  {second}" in shown[2]
    assert shown[3] == "2 entries, 1 standing"


def adjust_list(tieout: CommandLine, wallet: str) -> Any:
    return tieout("adjust", "list", "--wallet", wallet, "--json").json


def test_a_repetition_is_told(adjust: Callable[..., Any]) -> None:
    first = adjust("cash", "in", "5", "--yes")
    assert first["notes"] == []
    again = adjust("cash", "in", "5", "--preview")
    assert again["notes"] == [
        f"entry {first['entry']['entry_id']} by ada says the same and stands: is this a repetition?"
    ]


def test_P3_beside_a_worker_it_shows_the_effect_and_books_nothing(tieout: CommandLine, traded: str) -> None:
    async def held() -> tuple[Any, str]:
        with EmbeddedServer.start(tieout.home / "postgres") as server:
            connection = await connect(server.dsn())
            try:
                lease = await acquire(connection, traded, exclusive=True)
                words = ("adjust", "cash", "in", "5", "--wallet", traded, "--why", "x", "--yes")
                return await asyncio.to_thread(tieout, *words, code=2), lease.holder
            finally:
                await connection.close()

    done, holder = asyncio.run(held())
    assert "+5.000000" in done.out
    assert f"is being written by {holder} alone: nothing was booked. Stop that worker" in done.err
    assert adjust_list(tieout, traded) == []


@pytest.mark.parametrize("width", [60, 100])
def test_it_fits_the_terminal(tieout: CommandLine, traded: str, adjust: Callable[..., Any], width: int) -> None:
    first = adjust("buy", "1234", "5", "--cost", "2.5", "--yes")["entry"]["entry_id"]
    adjust("reverse", first, "--yes")
    signed = ("--wallet", traded, "--why", "a long reason that needs more than one line on a narrow screen, as they do")
    for words in (("list", "--wallet", traded), ("sell", "1234", "500", "--proceeds", "1", "--preview", *signed)):
        shown = tieout.screen(width, "adjust", *words)
        assert max(len(line) for line in shown) <= width, shown
        assert any(line.strip() for line in shown)


# --- beside the chain and other writers -------------------------------------------------------------------------------


WALLET = "0x7e57" + "ad" * 18


async def heard(dsn: str, *facts: Any) -> None:
    """Book *facts* as another writer does."""
    async with connected(dsn) as writer, connected(dsn) as reader:
        intake = Intake(writer, reader, await acquire(writer, WALLET), Identity(WALLET, frozenset()), lambda: 50)
        await intake.take([own(fact, "test") for fact in facts])


CHAIN = (
    OutcomeTokenListed(token_id=YES, condition_id=CONDITION, outcome_index=0),
    TokenMoved(tx_hash=TX, log_index=3, block=9, token_id=YES, shares=50, occurred_at_ms=10),
)


def bought(**said: Any) -> ManualEntry:
    fields = {"token_id": YES, "condition_id": CONDITION, "shares": 50, "collateral": -20, "occurred_at_ms": 20, **said}
    return ManualEntry(entry_id="a", who="ada", why="x", **fields)


def test_E2_E6_an_entry_beside_the_chain_is_told_as_a_drift_unless_it_names_the_transaction(dsn: str) -> None:
    async def looks() -> Any:
        await heard(dsn, *CHAIN)
        async with connected(dsn) as connection:
            beside = await preview(connection, WALLET, bought())
            named = await preview(connection, WALLET, bought(tx_hash=TX))
        return beside, named

    beside, named = asyncio.run(looks())
    shares, collateral = beside.warnings
    assert "account for 50 micro-shares; the books hold 50 now and 100 with the entry, a drift of 50" in shares
    assert "the entry adds -20 micro-units beside them" in collateral
    assert [change.after.shares for change in named.changes] == [50]
    assert [change.after.cost_basis for change in named.changes] == [20]
    assert not any("micro-shares" in warning for warning in named.warnings)


def test_R2_books_that_moved_since_the_preview_are_looked_at_again(dsn: str) -> None:
    entry = bought(shares=-30, collateral=20)

    async def race() -> tuple[str, int]:
        await heard(dsn, *CHAIN)
        async with connected(dsn) as connection:
            shown = await preview(connection, WALLET, entry)
            # A writer in between that changes nothing of it does not matter, one that does is found.
            await heard(dsn, TokenMoved(tx_hash=TX, log_index=9, token_id=NO, shares=5, occurred_at_ms=11))
            again = await preview(connection, WALLET, entry)
            assert again.effect == shown.effect
            await heard(dsn, TokenMoved(tx_hash=TX, log_index=4, block=9, token_id=YES, shares=5, occurred_at_ms=11))
            with pytest.raises(BooksMovedError, match="nothing was booked"):
                await book_entry(dsn, WALLET, shown)
            fresh = await preview(connection, WALLET, entry)
            seq = await book_entry(dsn, WALLET, fresh)
            held = await connection.fetchval("SELECT shares FROM positions WHERE token_id = $1", YES)
            assert held == fresh.changes[0].after.shares == 25
            entries = await connection.fetchval("SELECT count(*) FROM log")
        return "booked", seq - entries

    assert asyncio.run(race()) == ("booked", 0)
