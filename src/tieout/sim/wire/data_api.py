"""The Data API: unversioned and v2 paths over one index (`polymarket.md` 4)."""

from __future__ import annotations

from tieout.sim.index.index import Index
from tieout.sim.wire.data_facts import DataFacts
from tieout.sim.wire.data_query import RefuseV2
from tieout.sim.wire.data_source import Source
from tieout.sim.wire.data_v1 import DataV1
from tieout.sim.wire.data_v2 import DataV2
from tieout.sim.wire.http import Reply, Request, Router
from tieout.sim.world import World


class DataApi:
    """Answers for the Data API. `source` says which markets are archived and which have no outcome labels."""

    def __init__(self, world: World, index: Index) -> None:
        self.source = Source(world, index)
        self._router = Router()
        refuse = RefuseV2(world.chance.stream("data api traces"))
        DataV1(self.source).routes(self._router)
        DataV2(self.source, refuse).routes(self._router)
        DataFacts(self.source, refuse).routes(self._router)

    def handle(self, request: Request) -> Reply:
        """The answer to a request without the service's prefix."""
        return self._router.handle(request)
