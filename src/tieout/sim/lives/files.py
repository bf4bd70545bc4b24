"""Lives that once failed, kept as small JSON files, so that none of them ever fails again."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tieout.sim.lives.options import LifeOptions


class Found(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A life that broke `id`. It must pass now."""

    id: str
    note: str
    options: LifeOptions


def save(path: Path, found: Found) -> None:
    """Write *found* to *path*."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")


def load(path: Path) -> Found:
    """What *path* holds. Raises ValueError, OSError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Found)
    except msgspec.MsgspecError as error:
        raise ValueError(f"{path} is no saved life: {error}; make one with `tieout sim run --seed N --save FILE`") from None
