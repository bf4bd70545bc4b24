"""Running a coroutine in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tieout.sim.virtual.loop import VirtualLoop

T = TypeVar("T")


def run_virtual(main: Callable[[], Coroutine[Any, Any, T]], *, wall_limit_s: float) -> T:
    """Run *main* as `asyncio.run` does, on a loop of virtual time.

    Raises VirtualTimeError after *wall_limit_s* real seconds, and when nothing can ever happen again.
    """
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(wall_limit_s)) as runner:
        return runner.run(main())
