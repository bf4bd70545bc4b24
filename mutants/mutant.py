"""What a planted bug is: one change of the source that a person could have made, and that must not go unseen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mutants.life import Life

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"

OLDER = "older worker"
"""A fault that the worker before this one had, or a failure mode of the catalog."""

HERE = "this code base"
"""A mistake that this code makes easy."""


class PlantingError(Exception):
    """The old text of a bug is not there exactly once: the source has changed since."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug. `rows` are the catalog's that it breaks; `known` are lives that meet it, tried first."""

    id: str
    file: str
    """Below src/tieout."""
    old: str
    """The text it takes the place of; it stands in the file exactly once."""
    new: str
    wrong: str
    """What goes wrong, in a sentence."""
    rows: str
    origin: str
    known: tuple[Life, ...] = ()

    @property
    def area(self) -> str:
        """The package that it is in."""
        return self.file.partition("/")[0]

    def planted_in(self, text: str) -> str:
        """*text* with the bug in it. Raises PlantingError."""
        found = text.count(self.old)
        if found != 1:
            raise PlantingError(f"{self.id}: expected the old text once in {self.file}, was {found} times")
        return text.replace(self.old, self.new)

    def plant(self, source: Path) -> Path:
        """Put the bug into the copy *source* of src; returns the changed file. Raises PlantingError."""
        path = source / "tieout" / self.file
        path.write_text(self.planted_in(path.read_text(encoding="utf-8")), encoding="utf-8")
        return path
