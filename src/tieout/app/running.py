"""A worker in the real world: the system's clock, chance from the operating system."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from tieout.app.clock import now_ms
from tieout.app.config import Config
from tieout.app.worker import Worker
from tieout.app.worker_parts import Surroundings
from tieout.client.clock import LoopClock
from tieout.client.keys import PrivateKey
from tieout.jobs.own_orders import Salts


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to run. Without `is_live` nothing is sent that could change anything at the venue."""

    config: Config
    key: PrivateKey
    is_live: bool = False
    take_over: bool = False


def worker_of(dsn: str, request: RunRequest) -> Worker:
    """The worker of *request*, not yet running."""
    clock = LoopClock(now_ms)
    around = Surroundings(clock, lambda most: secrets.randbelow(most + 1), Salts(clock))
    return Worker(dsn, request.config, request.key, around, is_live=request.is_live, take_over=request.take_over)
