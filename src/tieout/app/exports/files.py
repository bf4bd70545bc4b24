"""A file that is there whole or not at all: written under another name beside it, and renamed when it is complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def may_write(path: Path, *, force: bool) -> None:
    """Raises OSError, with what to do, where *path* cannot be written; before anything is read for it."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"no such directory: {path.parent}")
    if path.exists():
        if not path.is_file():
            raise FileExistsError(f"{path} is no regular file: name one, or - for standard output")
        if not force:
            raise FileExistsError(f"{path} is there already: name another file, or --force writes over it")


@contextmanager
def whole_file(path: Path, *, force: bool) -> Iterator[BinaryIO]:
    """A file to write to; it gets its name when the block ends, and is gone when the block raises.

    Without *force* a file that appeared meanwhile is not written over, either. Raises OSError.
    """
    may_write(path, force=force)
    target = path.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _rename(part, target, force=force)
    finally:
        part.unlink(missing_ok=True)


def _rename(part: Path, target: Path, *, force: bool) -> None:
    if force or not _linked(part, target):
        part.replace(target)


def _linked(part: Path, target: Path) -> bool:
    """Whether *part* has the name *target* now, too. A link refuses to replace a file; a rename does not."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise FileExistsError(f"{target} appeared meanwhile: it is as it was, and nothing else is written") from None
    except OSError:
        # A file system without hard links: look once more, then rename.
        may_write(target, force=False)
        return False
    return True
