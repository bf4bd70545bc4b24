"""`tieout sim run`: whole lives of a worker in virtual time, with everything going wrong that a seed draws."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from tieout.app.clock import now_ms
from tieout.cli.options import AsJson
from tieout.cli.output import CANNOT_TELL, DOES_NOT, HOLDS, err, print_json, run, say
from tieout.cli.sim_client import until_interrupted
from tieout.cli.sim_run_progress import Told, telling

if TYPE_CHECKING:
    from tieout.sim.lives.coverage import Coverage
    from tieout.sim.lives.options import LifeOptions
    from tieout.sim.lives.pool import Lived, Pool
    from tieout.sim.lives.verdict import Verdict

FEW = 20
"""So many lives are told one by one; of more, only those that failed."""

JOBS_MAX = 8
"""The scratch PostgreSQL takes no more connections than so many workers need."""

_SEEDS = re.compile(r"(\d{1,15})\.\.(\d{1,15})")


class Wish(NamedTuple):
    """What the command line asks for."""

    seeds: range
    files: tuple[Path, ...]
    hours: float
    jobs: int
    within_ms: int | None
    save: Path | None
    as_json: bool

    @property
    def total(self) -> int:
        """Lives."""
        return len(self.seeds) + len(self.files)


def run_(
    seed: Annotated[int | None, typer.Option(help="The life of this seed.", min=0, show_default=False)] = None,
    seeds: Annotated[
        str | None, typer.Option(help="The lives of all seeds from A to B.", metavar="A..B", show_default=False)
    ] = None,
    file: Annotated[
        list[Path] | None, typer.Option(help="A life that --save wrote; repeatable.", show_default=False)
    ] = None,
    hours: Annotated[
        float, typer.Option(help="Virtual hours in which things go wrong; then comes the calm.", min=0.1, max=48.0)
    ] = 1.0,
    jobs: Annotated[int, typer.Option(help="So many lives at once, each in a process.", min=1, max=JOBS_MAX)] = 1,
    within: Annotated[
        float | None,
        typer.Option(help="Begin no more lives after so many minutes.", min=0.1, metavar="MINUTES", show_default=False),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(help="Make a life that failed as small as possible, and write it here.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Live whole lives of a worker in virtual time: faults, crashes and clock jumps, as drawn from the seed.

    While things go wrong, what must hold at every moment is checked every twenty seconds. Then nothing goes wrong any
    more: the worker must quote again, and books, venue and an oracle of its own must agree to the unit.

    Exit code 0: every life passed; 1: one failed, or 200 lives and more never met some kind of fault or fact; 2: a
    signal came first.
    """
    within_ms = None if within is None else round(within * 60_000)
    wish = Wish(_range(seed, seeds, file or []), tuple(file or ()), hours, jobs, within_ms, save, as_json)
    run(lambda: _live(wish))


async def _live(wish: Wish) -> int:
    """All of them; the exit code."""
    from tieout.sim.lives.coverage import Coverage  # the simulator loads when it is wanted
    from tieout.sim.lives.pool import pool

    wanted = _options(wish)
    met = Coverage()
    ended: list[Lived] = []

    async def living() -> None:
        with telling(wish.total, is_quiet=wish.as_json) as told:
            async for each in _lives(made, _in_time(wish, wanted)):
                met.add(each.verdict)
                ended.append(each)
                _tell(wish, told, each)

    async with pool(wish.jobs) as made:
        was_interrupted = await until_interrupted(living())
        failed = [each for each in ended if not each.verdict.passed]
        if wish.save is not None and not was_interrupted:
            for each in sorted(failed, key=lambda each: each.options.seed):
                await _save(wish, made, each)
    _end(wish, met, ended)
    if failed or _lacks(met):
        return DOES_NOT
    return CANNOT_TELL if was_interrupted else HOLDS


def _range(seed: int | None, seeds: str | None, files: Sequence[Path]) -> range:
    """The seeds asked for. Raises BadParameter."""
    if sum(bool(given) for given in (seed is not None, seeds is not None, files)) != 1:
        raise typer.BadParameter("say one of --seed N, --seeds A..B and --file FILE")
    if seed is not None:
        return range(seed, seed + 1)
    if seeds is None:
        return range(0)
    found = _SEEDS.fullmatch(seeds)
    if found is None or int(found[1]) > int(found[2]):
        raise typer.BadParameter(f"expected two numbers such as 1..200, was {seeds!r}", param_hint="--seeds")
    return range(int(found[1]), int(found[2]) + 1)


def _options(wish: Wish) -> Iterable[LifeOptions]:
    """The lives, drawn as they are wanted; files are read before anything starts. Raises ValueError and OSError."""
    from tieout.sim.lives.files import load
    from tieout.sim.lives.options import drawn

    if wish.files:
        return [load(path).options for path in wish.files]
    return (drawn(seed, hours=wish.hours) for seed in wish.seeds)


def _in_time(wish: Wish, wanted: Iterable[LifeOptions]) -> Iterable[LifeOptions]:
    """As long as there is time."""
    end_ms = None if wish.within_ms is None else now_ms() + wish.within_ms
    return itertools.takewhile(lambda _: end_ms is None or now_ms() < end_ms, wanted)


async def _lives(made: Pool, wanted: Iterable[LifeOptions]) -> AsyncGenerator[Lived, None]:
    async with aclosing(made.live(wanted)) as lives:
        async for each in lives:
            yield each


def _tell(wish: Wish, told: Told, each: Lived) -> None:
    """One life has ended."""
    from tieout.cli.sim_run_views import show_last, show_options, show_verdict

    told.one_more(passed=each.verdict.passed)
    if wish.as_json:
        return
    if wish.total == 1:
        show_options(each.options)
    if wish.total <= FEW or not each.verdict.passed:
        show_verdict(each.verdict, again(wish, each.options))
    if wish.total == 1:
        show_last(each.verdict.last)


def again(wish: Wish, options: LifeOptions) -> str:
    """The command that lives this life once more."""
    if wish.files:
        path = next(path for path, life in zip(wish.files, _options(wish), strict=True) if life == options)
        return f"tieout sim run --file {shlex.quote(str(path))}"
    return f"tieout sim run --seed {options.seed}" + (f" --hours {wish.hours:g}" if wish.hours != 1.0 else "")


async def _save(wish: Wish, made: Pool, each: Lived) -> None:
    """Make it smaller, and write it down."""
    from tieout.sim.lives.files import file_of, save
    from tieout.sim.lives.shrink import Shrinking, events_of

    assert wish.save is not None  # noqa: S101 - asked by the caller
    path = wish.save
    if wish.total > 1:
        path = path.with_name(f"{path.stem}-{each.options.seed}{path.suffix or '.json'}")

    async def ends(candidates: Sequence[LifeOptions]) -> list[Verdict]:
        found = {id(each.options): each.verdict async for each in _lives(made, candidates)}
        return [found[id(options)] for options in candidates]

    smaller = Shrinking(each.options, each.verdict, ends, at_once=wish.jobs)
    before = len(events_of(each.options))
    began_ms = now_ms()
    await smaller.run()
    save(path, file_of(smaller.options, smaller.verdict))
    if not wish.as_json:
        after, seconds = len(events_of(smaller.options)), (now_ms() - began_ms) // 1_000
        say(
            ("SAVED  ", "bold"),
            f"{path}: {after} of {before} events and {smaller.options.safety_ms // 60_000} of "
            f"{each.options.safety_ms // 60_000} minutes are left after {smaller.tries} lives in {seconds} s",
        )


def _lacks(met: Coverage) -> bool:
    from tieout.sim.lives.coverage import ENOUGH

    return met.lives >= ENOUGH and bool(met.never())


def _end(wish: Wish, met: Coverage, ended: Sequence[Lived]) -> None:
    """What all of them came to."""
    from tieout.cli.sim_run_views import show_coverage

    failed = [each for each in ended if not each.verdict.passed]
    if wish.as_json:
        print_json(_json(wish, met, ended))
        return
    if wish.total == 1:
        return
    show_coverage(met)
    cpu_s = sum(each.verdict.figures.cpu_ms for each in ended) / 1_000
    say(
        (f"{len(ended) - len(failed):,} passed", "bold green" if not failed else "bold"),
        ", ",
        (f"{len(failed):,} failed", "bold red" if failed else "dim"),
        f", {cpu_s / max(1, len(ended)):.1f} s CPU a life besides the database",
    )
    if len(ended) < wish.total:
        say(
            (
                f"the time was over, or a signal came, before {wish.total - len(ended):,} of {wish.total:,} lives",
                "yellow",
            )
        )
    if _lacks(met):
        err.print(f"never met in {met.lives:,} lives: {', '.join(met.never())}", style="bold red", soft_wrap=True)


def _json(wish: Wish, met: Coverage, ended: Sequence[Lived]) -> dict[str, object]:
    import msgspec

    lives = sorted(ended, key=lambda each: each.options.seed)
    return {
        "passed": sum(each.verdict.passed for each in ended),
        "failed": sum(not each.verdict.passed for each in ended),
        "lives": [
            {
                **msgspec.to_builtins(each.verdict),
                "options": msgspec.to_builtins(each.options),
                "again": again(wish, each.options),
            }
            for each in lives
        ],
        "met": {
            about: {name: found._asdict() for name, found in met.rows(about).items()}
            for about in ("faults", "blows", "facts")
        },
        "never_met": met.never(),
    }
