"""Copies of the source, with and without a bug, and the lives that are lived with them."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import msgspec

from mutants.life import Life
from mutants.mutant import ROOT, SOURCE, Mutant

COPY = "MUTANT_SOURCE"
"""Names, to the process of the lives, the copy of src that is to be lived with."""

LAST_LINES = 3
"""So many lines of what a process said last are shown when it breaks off."""


class BrokenOffError(Exception):
    """The process of the lives is gone; the message is what it said last."""


class End(msgspec.Struct, frozen=True):
    """How one life ended, as `live` writes it: `id` is empty when it passed."""

    life: Life
    id: str
    sentence: str
    at_ms: int

    @property
    def passed(self) -> bool:
        """Nothing was wrong."""
        return not self.id

    @property
    def is_of_the_run(self) -> bool:
        """The run broke off: of the worker that says nothing."""
        return self.id == "RUN"


class Lives:
    """A process that lives with one copy of the source, one life after the other."""

    def __init__(self, source: Path) -> None:
        self._said = source.with_name(source.name + ".stderr")
        environment = {**os.environ, "PYTHONPATH": str(source), COPY: str(source)}
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mutants.live"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            )
        self._turn = Lock()

    def live(self, life: Life) -> End:
        """How *life* ends. Raises BrokenOffError."""
        ask, answers = self._process.stdin, self._process.stdout
        if ask is None or answers is None:
            raise BrokenOffError("no pipes")
        with self._turn:
            try:
                ask.write(msgspec.json.encode(life).decode() + "\n")
                ask.flush()
                answer = answers.readline()
            except OSError:
                answer = ""
        if not answer:
            raise BrokenOffError(self.last_words() or f"ended with code {self._process.wait()}")
        return msgspec.json.decode(answer, type=End)

    def last_words(self) -> str:
        """What the process said last, on one line."""
        lines = self._said.read_text(encoding="utf-8", errors="replace").split("\n")
        return " | ".join([line.strip() for line in lines if line.strip()][-LAST_LINES:])

    def end(self) -> None:
        """No more lives; returns when the process and its PostgreSQL are gone."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def snapshot(folder: Path) -> Path:
    """A compiled copy of the source as it is now: what others change meanwhile changes no life."""
    copy = folder / "unchanged"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(copy, quiet=2)
    return copy


@contextmanager
def living(source: Path, mutant: Mutant | None = None) -> Iterator[Lives]:
    """Lives with *source*, or with a copy of it that has *mutant* in it. Raises PlantingError."""
    copy = source
    if mutant is not None:
        copy = source.with_name(mutant.id)
        shutil.copytree(source, copy)
        changed = mutant.plant(copy)
        for compiled in (changed.parent / "__pycache__").glob(f"{changed.stem}.*.pyc"):
            compiled.unlink()
    lives = Lives(copy)
    try:
        yield lives
    finally:
        lives.end()
        if mutant is not None:
            shutil.rmtree(copy)
