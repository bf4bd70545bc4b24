"""`make mutants`: every planted bug must be caught by a life, and by one that passes without the bug.

For each bug, a copy of the source with that one change; first the lives that are known to meet it, then those of the
seeds 1, 2, 3 and so on, until one fails. Progress goes to stderr, the table to stdout.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from mutants.life import Life
from mutants.lives import BrokenOffError, End, Lives, living, snapshot
from mutants.mutant import Mutant
from mutants.planted import MUTANTS
from mutants.unseen import UNSEEN

SEEDS = range(1, 25)
"""Lives that a bug may survive at most."""

BROKEN_MAX = 2
"""So many runs may break off before a bug is given up."""

BY_ENDING = "END"
"""The worker ended by itself: that is caught, though by no invariant."""


class Outcome(NamedTuple):
    """What became of one bug: `end` is the life that caught it, None when none did; `broken` is why the runs broke."""

    mutant: Mutant
    end: End | None
    lives: int
    seconds: float
    broken: str = ""


class Unchanged:
    """The source without any bug: which lives pass."""

    def __init__(self, lives: Lives) -> None:
        self._lives = lives
        self._turn = Lock()
        self._ends: dict[Life, End] = {}

    @property
    def count(self) -> int:
        """How many were lived."""
        return len(self._ends)

    def end(self, life: Life) -> End:
        """How *life* ends; lived once."""
        with self._turn:
            if life not in self._ends:
                self._ends[life] = self._lives.live(life)
            return self._ends[life]


def main(arguments: Sequence[str] | None = None) -> int:
    """0: every bug was caught; 1: one was not, or a life that must pass does not."""
    wanted = _arguments(arguments)
    by_id = {mutant.id: mutant for mutant in (*MUTANTS, *UNSEEN)}
    chosen = [by_id[name] for name in wanted.names] or list(UNSEEN if wanted.unseen else MUTANTS)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tieout-mutants-") as folder:
        source = snapshot(Path(folder))
        with living(source) as lives:
            unchanged = Unchanged(lives)
            failed = _known_that_fail(chosen, unchanged)
            with ThreadPoolExecutor(wanted.jobs) as at_once:
                outcomes = list(at_once.map(lambda each: _hunted(each, source, unchanged, wanted.seeds), chosen))
    caught = [each for each in outcomes if each.end is not None]
    _show(outcomes, failed)
    minutes, with_bugs = (time.monotonic() - began) / 60, sum(each.lives for each in outcomes)
    _out(
        f"{len(caught)} of {len(outcomes)} mutants caught, {with_bugs} lives with a bug and {unchanged.count} without, "
        f"{minutes:.1f} minutes"
    )
    return 0 if len(caught) == len(outcomes) and not failed else 1


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mutants", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="ID", help="only these; all by default")
    parser.add_argument("--jobs", type=int, default=1, help="so many bugs at once")
    parser.add_argument(
        "--seeds", type=_seeds, default=list(SEEDS), metavar="A..B", help="lives to try after the known ones"
    )
    parser.add_argument("--unseen", action="store_true", help="those that no life sees yet, instead of the others")
    wanted = parser.parse_args(arguments)
    unknown = sorted(set(wanted.names) - {mutant.id for mutant in (*MUTANTS, *UNSEEN)})
    if unknown:
        parser.error(f"no such mutants: {', '.join(unknown)}")
    return wanted


def _seeds(text: str) -> list[int]:
    """`1..24`, `4,9`, or both."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("..")
        found += range(int(first), int(last or first) + 1)
    return found


def _known_that_fail(chosen: Sequence[Mutant], unchanged: Unchanged) -> list[End]:
    """The known lives of *chosen* that fail without any bug: they prove nothing."""
    failed = []
    for life in dict.fromkeys(life for mutant in chosen for life in mutant.known):
        end = unchanged.end(life)
        _err(f"without a bug, life {life.name}: {'passed' if end.passed else f'{end.id} {end.sentence}'}")
        if not end.passed:
            failed.append(end)
    return failed


def _hunted(mutant: Mutant, source: Path, unchanged: Unchanged, seeds: Sequence[int]) -> Outcome:
    """Lives with *mutant* until one of them fails that passes without it."""
    began, lived, broken = time.monotonic(), 0, []
    caught: End | None = None
    with living(source, mutant) as lives:
        for life in dict.fromkeys((*mutant.known, *map(Life, seeds))):
            try:
                end = lives.live(life)
            except BrokenOffError as error:
                broken.append(str(error))
                break
            lived += 1
            if end.is_of_the_run:
                broken.append(f"life {life.name}: {end.sentence}; {lives.last_words()}")
                if len(broken) >= BROKEN_MAX:
                    break
            elif not end.passed and unchanged.end(life).passed:
                caught = end
                break
    outcome = Outcome(mutant, caught, lived, time.monotonic() - began, "; ".join(broken))
    _err(_told(outcome))
    return outcome


def _told(outcome: Outcome) -> str:
    name, end = outcome.mutant.id, outcome.end
    if end is not None:
        first = end.sentence.partition("\n")[0]
        return f"{name}: {end.id} in life {end.life.name} after {end.at_ms // 1_000} s: {first}"
    return f"{name}: {f'broke off: {outcome.broken}' if outcome.broken else 'SURVIVED'}"


def _show(outcomes: Sequence[Outcome], failed: Sequence[End]) -> None:
    """The table, then whatever is not as it should be."""
    rows = [("mutant", "area", "caught by", "life", "lives", "seconds")]
    for mutant, end, lived, seconds, broken in outcomes:
        by, life = (end.id, end.life.name) if end is not None else ("broke off" if broken else "SURVIVED", "")
        rows.append((mutant.id, mutant.area, by, life, str(lived), f"{seconds:.1f}"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        texts = [text.ljust(width) for text, width in zip(row[:4], widths[:4], strict=True)]
        numbers = [text.rjust(width) for text, width in zip(row[4:], widths[4:], strict=True)]
        _out("  ".join((*texts, *numbers)).rstrip())
    ended = [each.mutant.id for each in outcomes if each.end is not None and each.end.id == BY_ENDING]
    if ended:
        _out(f"caught because the worker ended by itself, by no invariant: {', '.join(ended)}")
    for each in outcomes:
        if each.end is None:
            _out(f"{each.mutant.id}: {each.broken or each.mutant.wrong}")
    for end in failed:
        _out(f"life {end.life.name} fails without any bug: {end.id} {end.sentence}")


def _out(text: str) -> None:
    sys.stdout.write(text + "\n")


def _err(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
