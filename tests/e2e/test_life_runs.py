"""Lives of a whole worker: what `tieout sim run` lives, shows, makes smaller and keeps."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import msgspec
import pytest
from typer.testing import CliRunner

from tieout.cli.main import app_of
from tieout.sim.faults.kinds import KINDS
from tieout.sim.lives.cluster import MEMORY
from tieout.sim.lives.coverage import ELSEWHERE, FACTS, Coverage
from tieout.sim.lives.files import file_of, load, save
from tieout.sim.lives.life import live
from tieout.sim.lives.options import Blow, Hit, LifeOptions, drawn
from tieout.sim.lives.pool import pool
from tieout.sim.lives.shrink import Shrinking, cut_at, events_of, with_events
from tieout.sim.lives.verdict import Figures, Verdict

FOUND = sorted((Path(__file__).parents[1] / "lives_found").glob("*.json"))
"""What failed once."""

MINUTES_10 = 1 / 6


def test_A1_to_A7_P1_to_P6_three_lives_of_ten_minutes_pass() -> None:
    shown = CliRunner().invoke(app_of(["sim"]), ["sim", "run", "--seeds", "2..4", "--hours", "0.17"])
    assert shown.exit_code == 0, shown.output
    assert shown.output.count("PASSED") == 3
    assert "3 passed, 0 failed" in shown.output


def test_L2_the_same_seed_gives_the_same_log_in_another_process() -> None:
    """Whatever hashes Python draws: crashes, a restart of the database and a second worker are in this life."""
    heads = []
    for hashes in ("1", "2"):
        command = [sys.executable, "-m", "tieout", "sim", "run", "--seed", "11", "--hours", "0.2", "--json"]
        done = subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": hashes}, capture_output=True, check=True)
        figures = json.loads(done.stdout)["lives"][0]["figures"]
        heads.append((figures["head"], figures["steps"], figures["statements"]))
    assert heads[0] == heads[1]
    assert heads[0][0]


PLANTED = """
CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.shares > 0 THEN NEW.shares := NEW.shares + 1; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER planted BEFORE INSERT OR UPDATE ON positions FOR EACH ROW EXECUTE FUNCTION planted();
"""
"""One micro-share too many in every position that is written."""


def test_L1_a_planted_micro_unit_fails_a_life(dsn: str) -> None:
    asyncio.run(_execute(dsn, PLANTED))
    verdict = live(calm(2), dsn)
    assert verdict.id == "L1"
    assert "stored rows are not what the log gives" in verdict.sentence
    assert verdict.last


def test_L2_an_entry_of_the_log_that_changes_under_way_fails_a_life(dsn: str) -> None:
    asyncio.run(_execute(dsn, FORGED))
    verdict = live(calm(2), dsn)
    assert verdict.id == "L2"
    assert "does not follow" in verdict.sentence


FORGED = """
CREATE FUNCTION forged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq = 40 THEN NEW.received_at_ms := NEW.received_at_ms + 1; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER forged BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION forged();
"""
"""One entry with another time than its hash was made of."""


async def _execute(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(sql)
    await connection.close()


def calm(seed: int) -> LifeOptions:
    """The life of a seed, in which nothing goes wrong."""
    return with_events(drawn(seed, hours=MINUTES_10), [])


def test_a_kill_that_did_not_come_in_time_does_not_come_in_the_calm(dsn: str) -> None:
    late = Hit(blow=Blow.AWAIT, at_ms=590_000, steps=500)
    verdict = live(msgspec.structs.replace(calm(2), hits=(late,)), dsn)
    assert verdict.passed, verdict.sentence
    assert not verdict.figures.blows


def test_what_failed_once_passes() -> None:
    assert FOUND
    shown = CliRunner().invoke(app_of(["sim"]), ["sim", "run", *(f"--file={path}" for path in FOUND)])
    assert shown.exit_code == 0, shown.output
    assert shown.output.count("PASSED") == len(FOUND)


def test_no_life_begins_when_the_time_is_over() -> None:
    command = ["sim", "run", "--seeds", "1..500", "--hours", "0.1", "--within", "0.1"]
    shown = CliRunner().invoke(app_of(["sim"]), command)
    assert shown.exit_code == 0, shown.output
    lived = int(re.search(r"(\d+) passed, 0 failed, [\d.]+ s CPU", shown.output)[1])  # type: ignore[index]
    assert 1 <= lived < 500
    assert f"before {500 - lived} of 500 lives" in shown.output


def test_a_signal_ends_lives_and_what_they_made_is_told_and_cleared_away() -> None:
    command = [sys.executable, "-m", "tieout", "sim", "run", "--seeds", "1..500", "--hours", "0.1"]
    with subprocess.Popen(
        [*command, "--within", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stderr is not None
        while "lives:" not in run.stderr.readline():
            assert run.poll() is None
        assert _folders_of(run.pid)
        run.send_signal(signal.SIGTERM)
        told, _ = run.communicate()
    assert run.returncode == 2, told
    assert re.search(r"before \d+ of 500 lives", told)
    assert not _folders_of(run.pid)


def _folders_of(pid: int) -> list[Path]:
    return [path for where in (MEMORY, Path(tempfile.gettempdir())) for path in where.glob(f"tieout-lives-{pid}-*")]


# --- options and files ------------------------------------------------------------------------------------------------


def test_the_same_seed_draws_the_same_life_and_another_seed_another() -> None:
    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_in_two_hundred_lives_every_fault_and_every_blow_is_drawn() -> None:
    lives = [drawn(seed) for seed in range(200)]
    assert {strike.name for life in lives for strike in life.strikes} == set(KINDS)
    assert {hit.blow for life in lives for hit in life.hits} == set(Blow)


def test_a_life_too_short_for_anything_to_happen_is_refused() -> None:
    with pytest.raises(ValueError, match=r"hours: expected more than 0\.07, was 0\.05"):
        drawn(1, hours=0.05)


def test_a_file_gives_the_life_that_was_saved(tmp_path: Path) -> None:
    options = drawn(3)
    save(tmp_path / "life.json", file_of(options, Verdict(seed=3, id="I1", sentence="one too many", at_ms=5)))
    assert load(tmp_path / "life.json").options == options
    assert load(tmp_path / "life.json").id == "I1"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"options": {}}, "missing required field"),
        ({"colour": "red"}, "unknown field `colour`"),
        ({"version": 9}, "expected version 1 of the format, was 9"),
    ],
)
def test_a_file_that_is_no_life_is_refused_with_its_name(
    change: dict[str, object], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "life.json"
    save(path, file_of(drawn(3), Verdict(seed=3)))
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=message) as raised:
        load(path)
    assert str(path) in str(raised.value)


# --- making lives smaller ---------------------------------------------------------------------------------------------


def shrunk(options: LifeOptions, wrong: str, at_once: int = 1) -> Shrinking:
    """*options* made smaller; it fails with I1 as long as the fault *wrong* is in it, with F1 without any."""

    async def ends(candidates: Sequence[LifeOptions]) -> list[Verdict]:
        return [
            Verdict(seed=each.seed, id="I1" if any(s.name == wrong for s in each.strikes) else "F1", at_ms=300_000)
            for each in candidates
        ]

    smaller = Shrinking(options, Verdict(seed=options.seed, id="I1", at_ms=300_000), ends, at_once=at_once)
    asyncio.run(smaller.run())
    return smaller


@pytest.mark.parametrize("at_once", [1, 3])
def test_of_many_events_the_one_that_matters_is_left(at_once: int) -> None:
    options = next(life for life in map(drawn, range(100)) if len(events_of(life)) > 15)
    wrong = options.strikes[0].name
    smaller = shrunk(options, wrong, at_once)
    assert [strike.name for strike in smaller.options.strikes] == [wrong]
    assert smaller.options.hits == ()
    assert smaller.options.safety_ms < options.safety_ms
    assert smaller.verdict.id == "I1"


def test_a_shorter_life_has_nothing_after_its_end() -> None:
    shorter = cut_at(drawn(1), 600_000)
    assert shorter.safety_ms == 600_000
    assert events_of(shorter)
    assert all(event.at_ms < 600_000 for event in events_of(shorter))


# --- the pool and the coverage ----------------------------------------------------------------------------------------


def test_a_process_that_dies_is_a_failed_life_and_the_others_go_on() -> None:
    broken = msgspec.structs.replace(calm(1), markets=0)

    async def run() -> list[Verdict]:
        async with pool(1) as made:
            return [each.verdict async for each in made.live([broken, calm(2)])]

    first, second = asyncio.run(run())
    assert (first.id, second.id) == ("RUN", "")
    assert "ended with code 1" in first.sentence


def test_what_never_came_about_is_named() -> None:
    met = Coverage()
    met.add(Verdict(seed=1, figures=Figures(struck={"reorg": 2}, blows={"pause": 1}, facts={"fill": 9})))
    met.add(Verdict(seed=2, figures=Figures(struck={"reorg": 1})))
    assert met.rows("faults")["reorg"] == (3, 2)
    never = met.never()
    assert "reorg" not in never
    assert "pause" not in never
    assert "fill" not in never
    assert len(never) == len({*KINDS, *Blow, *FACTS} - set(ELSEWHERE)) - 3


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ([], "say one of --seed N, --seeds A..B and --file FILE"),
        (["--seed", "1", "--seeds", "1..2"], "say one of"),
        (["--seeds", "9..2"], "two numbers such as 1..200"),
        (["--file", "nowhere.json"], "nowhere.json"),
    ],
)
def test_what_makes_no_sense_is_refused(typed: list[str], message: str) -> None:
    result = CliRunner().invoke(app_of(["sim"]), ["sim", "run", *typed])
    assert result.exit_code == 2
    assert message in result.output


def test_a_life_from_a_file_as_json(tmp_path: Path) -> None:
    path = tmp_path / "life.json"
    save(path, file_of(calm(5), Verdict(seed=5)))
    result = CliRunner().invoke(app_of(["sim"]), ["sim", "run", "--file", str(path), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["passed"], found["failed"]) == (1, 0)
    assert found["lives"][0]["again"] == f"tieout sim run --file {path}"
    assert len(found["lives"][0]["figures"]["head"]) == 64
