"""The file by itself: one way to write it, and whatever is changed in it is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.certified import Content, added, forged
from tieout.app import certificate as form
from tieout.app.certificate import Certificate, Reading, read, written
from tieout.app.verifying import State, of_file

TOKEN = "1234567890" * 7
OTHER = "987654321" * 8
SHARES, COST = 12_000_000, 5_400_001


def position(token_id: str, **amounts: int) -> form.Position:
    of = {"bought": 0, "cost_basis": 0, "fees": 0, "realized_pnl": 0, "shares": 0, "sold": 0, **amounts}
    texts = {name: str(amount) for name, amount in of.items()}
    return form.Position(condition_id="0x" + "c1" * 32, ledger="ctf", outcome=0, token_id=token_id, **texts)


def sample() -> Certificate:
    """Two positions: one held, one sold at a loss."""
    return Certificate(
        block=form.Block("0x" + "ab" * 32, 78_000_123, "2026-09-15T03:10:00Z"),
        chain_id=137,
        collateral=form.Collateral(
            coins={"USDC.e": "7", "pUSD": "93799992"},
            flows={"bought": "-8400001", "deposits": "100000000", "fees": "-100000", "sold": "2300000"},
            total="93799999",
        ),
        format=form.FORMAT,
        invariants=(form.Invariant(2, "I1", form.HELD), form.Invariant(0, "O1", form.NOT_TOLD)),
        log=form.LogHead("5e" * 32, 41),
        made_at="2026-09-15T03:12:44Z",
        movements=form.Movements(4, 1),
        positions=(
            position(TOKEN, bought=COST, cost_basis=COST, fees=100_000, shares=SHARES),
            position(OTHER, bought=3_000_000, realized_pnl=-700_000, sold=2_300_000),
        ),
        tieout="0.1.0",
        totals=form.Totals(str(COST), "100000", 2, "-700000"),
        version=form.VERSION,
        wallet="0x" + "a1" * 20,
    )


DATA = written(sample())


def is_found(data: bytes) -> bool:
    """Whether the file is told not to hold, and why."""
    found = read(data)
    return bool(found.flaws) and all(flaw.where and flaw.what and flaw.advice for flaw in found.flaws)


def test_what_was_written_is_read_and_holds():
    assert read(DATA) == Reading(sample())
    assert [check.state for check in of_file(read(DATA))] == [State.HOLDS] * 3
    assert DATA.decode().splitlines()[0] == "{"
    assert DATA.endswith(b"}\n")
    assert json.loads(DATA)["positions"][0]["shares"] == str(SHARES)


def test_every_changed_byte_is_found():
    missed = [
        (at, value)
        for at, was in enumerate(DATA)
        for value in {was ^ 1, was ^ 0x20, was ^ 0x80, ord(" "), ord("0"), ord("\n")} - {was}
        if not is_found(DATA[:at] + bytes((value,)) + DATA[at + 1 :])
    ]
    assert missed == []


def test_every_byte_put_in_or_taken_out_is_found():
    put = [(at, piece) for at in range(len(DATA) + 1) for piece in (b" ", b"0", b"\n", b'"')]
    assert [each for each in put if not is_found(DATA[: each[0]] + each[1] + DATA[each[0] :])] == []
    assert [at for at in range(len(DATA)) if not is_found(DATA[:at] + DATA[at + 1 :])] == []
    assert [at for at in range(len(DATA)) if not is_found(DATA[:at])] == []


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b"\n",
        lambda data: data + b"\0",
        lambda data: data + data,
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.decode().encode("utf-16"),
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.replace(b"  ", b"\t"),
        lambda data: json.dumps(json.loads(data)).encode(),
        lambda data: json.dumps(json.loads(data), indent=2).encode() + b"\n"[:0],
        lambda data: data.replace(b'"chain_id": 137', b'"chain_id": 137.0'),
        lambda data: data.replace(b'"chain_id": 137', b'"chain_id": 1.37e2'),
        lambda data: data.replace(b'"chain_id": 137', b'"chain_id": 138,\n  "chain_id": 137'),
        lambda data: data.replace(b'"pUSD"', b'"\\u0070USD"'),
        lambda _: b"",
        lambda _: b"[]\n",
        lambda _: b"null\n",
        lambda _: b"[" * 100_000,
        lambda _: b'{"a":' * 100_000,
        lambda _: b'{"version": NaN}\n',
        lambda _: b"1" * 5_000,
        lambda _: bytes(range(256)),
    ],
)  # fmt: skip
def test_another_way_of_writing_the_same_is_found(change: Callable[[bytes], bytes]):
    assert change(DATA) != DATA
    assert is_found(change(DATA))


def put(*path: Any) -> Callable[[Content], None]:
    """Set the last of *path* at the place the others name."""

    def change(content: Content) -> None:
        *parents, name, value = path
        at: Any = content
        for parent in parents:
            at = at[parent]
        at[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (put("collateral", "total", "93800000"), "collateral.total"),
        (put("collateral", "coins", "pUSD", "93799993"), "collateral.total"),
        (put("collateral", "flows", "rewards", "1"), "collateral.flows"),
        (put("totals", "realized_pnl", "0"), "totals.realized_pnl"),
        (put("totals", "positions", 3), "totals.positions"),
        (put("positions", 0, "cost_basis", added(str(COST))), "positions[0]"),
        (put("positions", 1, "realized_pnl", "700000"), "positions[1]"),
        (put("positions", 0, "shares", "-12000000"), "positions[0]"),
        (put("positions", 0, "shares", "0"), "positions[0]"),
        (put("positions", 0, "ledger", "pm"), "positions[0].ledger"),
        (put("positions", 0, "token_id", "0xc1#0"), "positions[0].token_id"),
        (put("positions", 1, "token_id", TOKEN), "positions"),
        (put("invariants", 0, "result", "not told"), "invariants I1"),
        (put("invariants", 0, "checked", 1), "invariants I1"),
        (put("invariants", 1, "id", "I1"), "invariants I1"),
        (put("block", "time", "2026-02-30T03:10:00Z"), "block.time"),
        (put("made_at", "2026-09-15T24:10:00Z"), "made_at"),
    ],
)
def test_C2_figures_that_contradict_each_other_are_found_though_the_digest_fits(
    change: Callable[[Content], None], where: str
):
    found = read(forged(DATA, change))
    assert (found.form, found.digest) == ((), ())
    assert where in [flaw.where.partition(" ")[0] if where != flaw.where else where for flaw in found.figures]


@pytest.mark.parametrize(
    "change",
    [
        put("positions", 0, "shares", 12_000_000),
        put("positions", 0, "shares", "12000000.0"),
        put("positions", 0, "shares", "012000000"),
        put("positions", 0, "shares", "-0"),
        put("positions", 0, "shares", "12000000\n"),
        put("positions", 0, "note", "paid"),
        put("chain_id", True),
        put("chain_id", 137.0),
        put("block", "hash", "0x" + "AB" * 32),
        put("wallet", "0x" + "A1" * 20),
        put("log", "hash", None),
        put("invariants", 1, "result", "does not hold"),
        put("format", "another"),
        put("version", "1"),
        put("version", 0),
        lambda content: content.pop("totals"),
    ],
)
def test_what_no_certificate_says_is_no_certificate(change: Callable[[Content], object]):
    found = read(forged(DATA, change))
    assert found.certificate is None
    assert [flaw.where for flaw in found.form] == ["the file"]


def test_the_first_byte_that_is_wrong_is_named():
    at = DATA.index(b'"fees"')
    (flaw,) = read(DATA[:at] + b" " + DATA[at:]).form
    line = DATA[:at].count(b"\n") + 1
    assert flaw.where == f"byte {at + 1:,}, line {line:,}"
    (flaw,) = read(DATA[:-1]).form
    assert "was the end" in flaw.what


def test_a_file_of_a_later_version_is_no_forgery():
    later = forged(DATA, lambda content: content.update(version=2, more="of it"))
    found = read(later)
    assert (found.certificate, found.flaws) == (None, ())
    assert "update tieout" in found.newer
    assert {check.state for check in of_file(found)} == {State.HOLDS, State.UNTOLD}
    assert read(later.replace(b"of it", b"of us")).flaws
