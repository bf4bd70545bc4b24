"""Lives as files: what was found once stays in the repository, and is lived again by every test run."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tieout.sim.lives.options import LifeOptions
from tieout.sim.lives.verdict import Verdict

VERSION = 1


class LifeFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A life, and what was wrong when it was written down. `about` is for people: the cause, and what was done."""

    version: int = VERSION
    about: str = ""
    id: str = ""
    sentence: str = ""
    at_ms: int = 0
    options: LifeOptions


def file_of(options: LifeOptions, verdict: Verdict, about: str = "") -> LifeFile:
    """What is written down of a life that failed."""
    return LifeFile(about=about, id=verdict.id, sentence=verdict.sentence, at_ms=verdict.at_ms, options=options)


def save(path: Path, life: LifeFile) -> None:
    """Write *life* as JSON that people can read and edit. Raises OSError."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(life), indent=2) + b"\n")


def load(path: Path) -> LifeFile:
    """Read what `save` wrote. Raises OSError, and ValueError that names the file and what is wrong in it."""
    try:
        life = msgspec.json.decode(path.read_bytes(), type=LifeFile)
    except msgspec.MsgspecError as error:
        raise ValueError(
            f"{path}: not a life that `tieout sim run --save` wrote: {error}. If the options of a life have changed "
            "since, save it again from its seed"
        ) from None
    if life.version != VERSION:
        raise ValueError(f"{path}: expected version {VERSION} of the format, was {life.version}")
    return life
