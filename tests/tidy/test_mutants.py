"""The planted bugs of `make mutants` fit the source as it is today."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tieout.app.catalog_rows import ROWS

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # the folder is no package of ours, and `make mutants` runs it from here

from mutants.life import Life  # noqa: E402
from mutants.mutant import HERE, OLDER, SOURCE, Mutant, PlantingError  # noqa: E402
from mutants.planted import MUTANTS  # noqa: E402
from mutants.unseen import UNSEEN  # noqa: E402

ALL = (*MUTANTS, *UNSEEN)


def test_there_are_thirty_of_them_each_with_its_own_id_and_from_both_sources():
    assert len(MUTANTS) >= 30
    assert len({mutant.id for mutant in ALL}) == len(ALL)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", mutant.id) for mutant in ALL)
    assert len({(mutant.file, mutant.old) for mutant in MUTANTS}) == len(MUTANTS)
    assert {mutant.origin for mutant in MUTANTS} == {HERE, OLDER}
    assert min(sum(mutant.origin == origin for mutant in MUTANTS) for origin in (HERE, OLDER)) >= 10


def test_they_are_spread_over_the_packages_of_the_worker():
    areas = {mutant.area for mutant in MUTANTS}
    assert areas == {"ledger", "venue", "store", "intake", "jobs", "client", "quoting", "app"}


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.id)
def test_each_can_be_planted_today_and_what_comes_of_it_is_still_a_program(mutant: Mutant):
    text = (SOURCE / "tieout" / mutant.file).read_text(encoding="utf-8")
    planted = mutant.planted_in(text)
    assert planted != text
    if mutant.file.endswith(".py"):
        compile(planted, mutant.file, "exec")
    else:
        assert mutant.file.endswith(".sql")


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.id)
def test_each_names_rows_of_the_catalog_and_says_what_goes_wrong(mutant: Mutant):
    assert mutant.rows.split()
    assert set(mutant.rows.split()) <= ROWS.keys()
    assert re.fullmatch(r"[A-Z].+\.", mutant.wrong)


@pytest.mark.parametrize(("text", "times"), [("a = 1\n", 0), ("a = 2\na = 2\n", 2)])
def test_a_bug_whose_place_has_changed_is_told_of(text, times):
    mutant = Mutant(id="m", file="x.py", old="a = 2", new="a = 3", wrong="", rows="", origin=HERE)
    with pytest.raises(PlantingError, match=rf"m: expected the old text once in x.py, was {times} times"):
        mutant.planted_in(text)
    assert mutant.planted_in("a = 2\n") == "a = 3\n"


@pytest.mark.parametrize("life", sorted({life for mutant in ALL for life in mutant.known}, key=lambda life: life.name))
def test_each_known_life_can_be_lived_today(life: Life):
    options = life.options()
    assert options.seed == life.seed
    if life.faults is not None:
        assert {strike.name for strike in options.strikes} == set(life.faults)
        assert all(strike.at_ms + strike.for_ms < options.safety_ms for strike in options.strikes)


def test_every_bug_has_a_known_life():
    assert all(mutant.known for mutant in MUTANTS)
