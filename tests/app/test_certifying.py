"""Certificates of a wallet that trades, made and verified over the real wire, from books in a real PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest

from app.certified import MADE_AT_MS, Content, House, added, flawed, forged, house
from support.database import in_loop
from tieout.app import certificate as form
from tieout.app.block_books import books_at
from tieout.app.certificate import written
from tieout.app.certifying import CannotCertifyError, Refused
from tieout.app.history import rebuild
from tieout.app.verifying import State, of_node
from tieout.jobs.height import LATE_MS, as_of
from tieout.jobs.tie_out import tie_out
from tieout.ledger.books import Books
from tieout.ledger.facts import AdjustmentInferred, AnyFact, FillObserved, ManualEntry, OrderFilledOnChain, Role, Side
from tieout.store.wallets import wallet_id_of


def test_I1_a_certified_wallet_holds_by_its_node_and_by_its_log(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as at:
            await at.watch(4)
            made = await at.certificate()
            assert len(made.positions) > 4
            assert {position.ledger for position in made.positions} == {"ctf", "pm"}
            assert made.movements.counted > 20
            checks = await at.checks(written(made))
            assert {check.state for check in checks} == {State.HOLDS}
            assert {check.of for check in checks} == {"file", "node", "log"}
            assert all(check.checked for check in checks)

    run()


def test_L1_the_same_books_at_the_same_block_give_the_same_bytes(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as at:
            await at.watch()
            first, again = [written(await at.certificate()) for _ in range(2)]
            assert first == again
            later = await at.certify(made_at_ms=MADE_AT_MS + 1_000)
            assert isinstance(later, form.Certificate)
            one, other = json.loads(first), json.loads(written(later))
            assert {name for name in one if one[name] != other[name]} == {"made_at", "digest"}

    run()


def figures(position: form.Position) -> form.Position:
    """Without what its token is called."""
    return msgspec.structs.replace(position, condition_id="", outcome=None)


def test_L2_a_certificate_holds_when_the_log_has_grown(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as at:
            await at.watch()
            made = await at.certificate()
            await at.watch()
            grown = await at.certificate()
            assert grown.log.seq > made.log.seq
            assert grown.totals != made.totals
            for each in made, grown:
                assert {check.state for check in await at.checks(written(each))} == {State.HOLDS}
            # The same block from a later head: the same figures, folded from more. Names may have been learned since.
            past = await at.certificate(made.block.number)
            assert [figures(each) for each in past.positions] == [figures(each) for each in made.positions]
            assert (past.collateral, past.totals) == (made.collateral, made.totals)
            assert past.movements.left_out > made.movements.left_out

    run()


def test_I1_the_books_at_any_block_are_the_ones_the_chain_shows_there(dsn: str) -> None:
    """Whole folds and the quick way of the jobs say the same, at every block."""

    @in_loop
    async def run() -> None:
        async with house(dsn, seed=8) as at:
            look = await at.watch(3)
            wallet_id = await wallet_id_of(at.connection, at.wallet)
            assert wallet_id is not None
            books = await rebuild(at.connection, wallet_id)
            last = look.step.block.number
            seen = set()
            for number in range(last - 60, last + 1, 3):
                block = await at.chain.block(number)
                assert block is not None
                found = books_at(books, number, block.at_ms)
                quick = await as_of(at.connection, wallet_id, number)
                held = {token: shares for token, shares in found.shares.items() if shares}
                assert held == {token: shares for token, shares in quick.shares.items() if shares}
                assert found.collateral == quick.collateral
                assert (await tie_out(at.chain, at.wallet, found.shares, found.collateral, block)).holds
                seen.add(found.counted)
            assert len(seen) > 10

    run()


def put(content: Content, place: str, value: object) -> None:
    *parents, name = place.split("/")
    at = content
    for parent in parents:
        at = at[int(parent)] if isinstance(at, list) else at[parent]
    at[name] = value


def held(content: Content) -> Content:
    """A position with shares."""
    position: Content = next(each for each in content["positions"] if int(each["shares"]) > 0)
    return position


def more_shares(content: Content) -> None:
    held(content).update(shares=added(held(content)["shares"]))


def another_cost(content: Content) -> None:
    """So that everything still adds up."""
    for name in "cost_basis", "bought":
        held(content)[name] = added(held(content)[name])
    content["totals"]["cost_basis"] = added(content["totals"]["cost_basis"])


def more_profit(content: Content) -> None:
    for name in "realized_pnl", "sold":
        held(content)[name] = added(held(content)[name])
    content["totals"]["realized_pnl"] = added(content["totals"]["realized_pnl"])


def fewer_fees(content: Content) -> None:
    held(content).update(fees=added(held(content)["fees"], -1))
    content["totals"]["fees"] = added(content["totals"]["fees"], -1)


def less_collateral(content: Content) -> None:
    collateral = content["collateral"]
    collateral["coins"]["pUSD"] = added(collateral["coins"]["pUSD"], -1)
    collateral["flows"]["fees"] = added(collateral["flows"]["fees"], -1)
    collateral["total"] = added(collateral["total"], -1)


def another_coin(content: Content) -> None:
    coins = content["collateral"]["coins"]
    coins["pUSD"], coins["USDC.e"] = coins["USDC.e"], coins["pUSD"]


def another_cause(content: Content) -> None:
    flows = content["collateral"]["flows"]
    flows["bought"], flows["rewards"] = added(flows["bought"], -5), added(flows.get("rewards", "0"), 5)


def without_a_position(content: Content) -> None:
    gone = next(each for each in content["positions"] if int(each["shares"]) > 0)
    content["positions"].remove(gone)
    for name in "cost_basis", "fees", "realized_pnl":
        content["totals"][name] = added(content["totals"][name], -int(gone[name]))
    content["totals"]["positions"] -= 1
    next(each for each in content["invariants"] if each["id"] == "I1")["checked"] -= 1


FORGERIES: list[tuple[str, Callable[[Content], object], set[str]]] = [
    ("a balance", more_shares, {"node", "log"}),
    ("a position's cost", another_cost, {"log"}),
    ("a position's profit", more_profit, {"log"}),
    ("a position's fees", fewer_fees, {"log"}),
    ("a position left out", without_a_position, {"log"}),
    ("a position's condition", lambda c: held(c).update(condition_id="0x" + "c9" * 32), {"log"}),
    ("collateral", less_collateral, {"node", "log"}),
    ("one coin for the other", another_coin, {"node"}),
    ("a cause of collateral", another_cause, {"log"}),
    ("the chain", lambda c: put(c, "chain_id", 1), {"node"}),
    ("the block's hash", lambda c: put(c, "block/hash", "0x" + "9" * 64), {"node"}),
    ("the block's number", lambda c: put(c, "block/number", c["block"]["number"] - 40), {"node", "log"}),
    ("the block's time", lambda c: put(c, "block/time", "2026-09-15T03:10:00Z"), {"node"}),
    ("the wallet", lambda c: put(c, "wallet", "0x" + "7" * 40), {"node"}),
    ("the log's head", lambda c: put(c, "log/hash", "7" * 64), {"log"}),
    ("the log's length", lambda c: put(c, "log/seq", c["log"]["seq"] - 1), {"log"}),
    ("a longer log", lambda c: put(c, "log/seq", c["log"]["seq"] + 1), {"log"}),
    ("movements", lambda c: put(c, "movements/left_out", c["movements"]["left_out"] + 1), {"log"}),
    ("an invariant's result", lambda c: put(c, "invariants/1/result", "not told"), {"log"}),
    ("an invariant's count", lambda c: put(c, "invariants/2/checked", c["invariants"][2]["checked"] + 1), {"log"}),
    ("an invariant left out", lambda c: c["invariants"].pop(3), {"log"}),
    ("an invariant told", lambda c: [put(i, "result", "holds") for i in c["invariants"] if i["id"] == "O1"], {"log"}),
]


def test_L2_a_forged_certificate_whose_digest_fits_is_found_by_the_chain_or_the_log(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as at:
            await at.watch(4)
            data = written(await at.certificate())
            found, places = {}, {}
            for name, change, _ in FORGERIES:
                checks = await at.checks(forged(data, change))
                found[name] = flawed(checks)
                places[name] = {flaw.where for check in checks for flaw in check.flaws}
                flaws = [flaw for check in checks for flaw in check.flaws]
                assert all(flaw.where and flaw.what and flaw.advice for flaw in flaws), name
            expected = {name: by for name, _, by in FORGERIES}
            assert {name: expected[name] - by for name, by in found.items() if not expected[name] <= by} == {}
            assert "positions" in places["a position left out"]
            assert "totals.fees" in places["a position's fees"]
            # Of what only one of them sees, the other says nothing: the table of docs/certificate.md.
            assert [name for name, by in found.items() if "file" in by] == []

    run()


def test_what_neither_sees_is_vouched_for_by_the_digest_alone(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as at:
            await at.watch()
            data = written(await at.certificate())
            for name, value in ("made_at", "2026-01-01T00:00:00Z"), ("tieout", "9.9.9"):

                def change(content: Content, name: str = name, value: str = value) -> None:
                    content[name] = value

                assert flawed(await at.checks(forged(data, change))) == set()
                content = json.loads(data) | {name: value}
                assert flawed(await at.checks(form.canonical(content))) == {"file"}

    run()


async def refusal(at: House) -> Refused:
    made = await at.certify()
    assert isinstance(made, Refused)
    assert made.flaws
    assert all(flaw.where and flaw.what and flaw.advice for flaw in made.flaws)
    return made


def test_I1_one_micro_share_too_many_is_not_certified(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as at:
            look = await at.watch()
            made = await at.certificate()
            token = next(each for each in made.positions if int(each.shares) > 0)
            when_ms = look.step.block.at_ms - 1_000
            entry = ManualEntry(
                entry_id="x", who="ada", why="test", token_id=token.token_id, shares=1, occurred_at_ms=when_ms
            )
            await at.book(entry)
            refused = await refusal(at)
            assert refused.block is not None
            assert refused.block.hash == made.block.hash
            (flaw,) = refused.flaws
            assert flaw.where == f"token {token.token_id}"
            assert "drift 1 micro-shares" in flaw.what
            await at.book(ManualEntry(entry_id="y", who="ada", why="undo", reverses="x", occurred_at_ms=when_ms))
            assert (await at.certificate()).positions == made.positions

    run()


def test_C2_one_micro_unit_of_collateral_too_few_is_not_certified(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as at:
            look = await at.watch()
            at_ms = look.step.block.at_ms
            await at.book(ManualEntry(entry_id="x", who="ada", why="test", collateral=-1, occurred_at_ms=at_ms))
            (flaw,) = (await refusal(at)).flaws
            assert flaw.where == "collateral"
            assert "drift -1 micro-units" in flaw.what

    run()


def test_L1_stored_books_that_the_log_does_not_give_are_not_certified(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as at:
            await at.watch()
            await at.connection.execute("UPDATE positions SET fees = fees + 1")
            refused = await refusal(at)
            assert {flaw.where for flaw in refused.flaws} == {"invariant L1"}
            assert refused.block is None

    run()


def test_I3_what_the_books_do_not_know_at_the_block_is_not_certified(dsn: str) -> None:
    """At their head nothing is missing; at the block, shares were sold whose purchase has no place there yet."""

    @in_loop
    async def run() -> None:
        async with house(dsn) as at:
            block = (await at.watch()).step.block
            buy = fill("12", block.at_ms - 2_000)
            sell = OrderFilledOnChain(
                order_id="0x" + "8" * 64, token_id="12", side=Side.SELL, shares=buy.shares, collateral=buy.collateral,
                fee=0, role=Role.MAKER, tx_hash="0x" + "8" * 64, log_index=1, block=block.number,
                block_hash=block.hash, occurred_at_ms=block.at_ms,
            )  # fmt: skip
            nameless = "0x" + "c1" * 32 + "#0"
            await at.book(buy, sell, ManualEntry(
                entry_id="x", who="ada", why="test", token_id=nameless, shares=3, occurred_at_ms=block.at_ms
            ))  # fmt: skip
            refused = await refusal(at)
            assert refused.block is None
            assert {flaw.where for flaw in refused.flaws} == {"token 12", f"token {nameless}"}

    run()


def test_a_block_that_is_not_final_proves_nothing_yet(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as at:
            await at.watch()
            data = written(await at.certificate())
            latest = await at.chain.block("latest")
            assert latest is not None
            block = {"number": latest.number, "hash": latest.hash, "time": form.moment(latest.at_ms)}
            read = form.read(forged(data, lambda content: content.update(block=block)))
            assert read.certificate is not None
            checks = await of_node(read.certificate, at.chain)
            assert [check.state for check in checks[:3]] == [State.HOLDS, State.UNTOLD, State.NOT_CHECKED]
            assert "not final yet" in checks[1].note

    run()


def test_F1_a_fill_that_never_settled_is_not_certified_away(dsn: str) -> None:
    """The venue called it final long before the block; no receipt and no balance shows it."""

    @in_loop
    async def run() -> None:
        async with house(dsn) as at:
            look = await at.watch(8)
            made = await at.certificate()
            token = made.positions[0]
            ghost = fill(token.token_id, look.step.block.at_ms - LATE_MS)
            await at.book(ghost)
            refused = await refusal(at)
            assert {flaw.where for flaw in refused.flaws} == {f"token {token.token_id}", "collateral"}

    run()


def test_where_it_cannot_be_told_it_is_said_what_to_do(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as at:
            await at.book(ManualEntry(entry_id="x", who="ada", why="test", collateral=1, occurred_at_ms=1))
            with pytest.raises(CannotCertifyError, match=r"tieout watch .* --once --from-block N"):
                await at.certify()
            await at.book(ManualEntry(entry_id="y", who="ada", why="undo", reverses="x", occurred_at_ms=1))
            look = await at.watch()
            final = look.step.block.number
            with pytest.raises(CannotCertifyError, match=f"--block {final + 1}: not final yet"):
                await at.certify(final + 1)
            at.scenario.world.scheduler.run_for(60_000)
            # The chain goes on; what the books have not read is not certified.
            assert (await at.certificate()).block.number == final
            with pytest.raises(
                CannotCertifyError, match=f"--block {final + 1}: the books are read up to block {final}"
            ):
                await at.certify(final + 1)
            at.scenario.faults.on("outage")
            with pytest.raises(CannotCertifyError, match="no node answered"):
                await at.certify()

    run()


def test_a_node_that_is_away_is_no_forgery(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as at:
            await at.watch()
            data = written(await at.certificate())
            at.scenario.faults.on("outage")
            checks = await at.checks(data)
            assert flawed(checks) == set()
            assert {check.state for check in checks if check.of == "node"} == {State.UNTOLD}
            assert {check.state for check in checks if check.of == "log"} == {State.HOLDS}

    run()


BLOCK, AT_MS = 1_000, 1_790_000_000_000


def fill(token_id: str, at_ms: int, status: str = "CONFIRMED") -> FillObserved:
    return FillObserved(
        trade_id=f"t{at_ms}{status}", order_id="0x" + "9" * 64, token_id=token_id, side=Side.BUY, shares=5_000_000,
        collateral=2_000_000, role=Role.MAKER, status=status, occurred_at_ms=at_ms,
    )  # fmt: skip


def stated(at_ms: int) -> AdjustmentInferred:
    return AdjustmentInferred(token_id="12", statement_id="s", shares=7, cause="test", occurred_at_ms=at_ms)


@pytest.mark.parametrize(
    ("fact", "shares"),
    [
        (fill("12", AT_MS - LATE_MS), 5_000_000),
        (fill("12", AT_MS - LATE_MS + 1), None),
        (fill("12", AT_MS - 10 * LATE_MS, "MATCHED"), None),
        (stated(AT_MS), 7),
        (stated(AT_MS + 1), None),
        (ManualEntry(entry_id="m", who="ada", why="test", token_id="12", shares=3, occurred_at_ms=AT_MS), 3),
        (ManualEntry(entry_id="m", who="ada", why="test", token_id="12", shares=3, occurred_at_ms=AT_MS + 1), None),
    ],
)
def test_F1_what_has_no_place_on_chain_counts_by_its_time(fact: AnyFact, shares: int | None) -> None:
    books = Books()
    books.extend([fact])
    found = books_at(books, BLOCK, AT_MS)
    assert found.shares.get("12") == shares
    assert (found.counted, found.left_out) == ((0, 1) if shares is None else (1, 0))
