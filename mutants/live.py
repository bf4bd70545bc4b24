"""Lives on one copy of the source: a process that reads which, a line each, and writes how each of them ended.

Started by `run` with the copy in front of everything on PYTHONPATH. The process that it starts for the lives reads this
module as well, so both make sure that the copy is what they have.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import msgspec

import tieout
from mutants.life import Life
from mutants.lives import COPY, End
from tieout.sim.lives.pool import pool


def _require_copy() -> None:
    wanted, found = Path(os.environ[COPY]).resolve(), Path(str(tieout.__file__)).resolve()
    if not found.is_relative_to(wanted):
        raise SystemExit(f"expected the package below {wanted}, was {found}")


_require_copy()


async def main() -> None:
    """One life a line, on one scratch PostgreSQL, until there are no more lines."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else is said is no answer
    async with pool(1) as made:
        while line := await asyncio.to_thread(sys.stdin.readline):
            life = msgspec.json.decode(line, type=Life)
            async for lived in made.live([life.options()]):
                verdict = lived.verdict
                end = End(life, verdict.id, verdict.sentence, verdict.at_ms)
                answers.write(msgspec.json.encode(end).decode() + "\n")
                answers.flush()


if __name__ == "__main__":
    asyncio.run(main())
