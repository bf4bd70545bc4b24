"""The faults of a world: switched on and off at run time, drawn from the seed, counted as they strike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches

from tieout.sim.engine.amounts import ONE
from tieout.sim.faults.actions import Actions, payouts_of
from tieout.sim.faults.ghost import Ghost
from tieout.sim.faults.http_gate import CONTROL, DATA, RPC, Asked, Handle, HttpGate
from tieout.sim.faults.kinds import KINDS, Kind, Place, Setting
from tieout.sim.faults.line import Line
from tieout.sim.faults.owner import Owner
from tieout.sim.faults.switch import Switch
from tieout.sim.faults.targets import Targets
from tieout.sim.model import Order, Trade
from tieout.sim.settlement import Pace
from tieout.sim.wire.connection import ABRUPT, Connection
from tieout.sim.wire.http import Delivery, Request
from tieout.sim.world import World

PERIOD_MS = 1_000
"""How often chance is asked for faults that act by themselves."""

_ADDRESS = re.compile(r"0x[0-9a-f]{40}")


class Faults:
    """The gate of a site. Every kind draws from a stream of its own, so switching one on moves no other."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._on: dict[str, Switch] = {}
        self._past: Counter[str] = Counter()
        self._streams = {name: world.chance.stream(f"faults/{name}") for name in KINDS}
        self.targets = Targets(world)
        self._ghost = Ghost(world, world.chance.stream("faults"))
        self._gate = HttpGate(world, self, self.targets, self._ghost)
        self._acts: Mapping[str, Callable[[Switch], bool]] = {
            **Actions(world, self.targets, self._ghost).table,
            **Owner(world, self.targets).table,
        }
        self._lines: list[Line] = []
        self._holding: tuple[Order, int] | None = None
        world.settler.reverts = self._reverts

    # switching

    def on(
        self,
        name: str,
        *,
        probability: float = 1.0,
        count: int | None = None,
        duration_ms: int | None = None,
        wallet: str = "",
        market: str = "",
        path: str = "",
        settings: Mapping[str, Setting] | None = None,
    ) -> Switch:
        """Switch a fault on, in place of what it was. Raises ValueError for what makes no sense."""
        kind = kind_of(name)
        _check(kind, probability, count, duration_ms, wallet.lower(), settings or {})
        if market:
            self.targets.market(market)
        if kind.place is Place.HUMAN and not wallet and not self.targets.wallets:
            raise ValueError(f"wallet: {name} needs one, and this world has no account of its own; name a wallet")
        self.off(name)
        until_ms = None if duration_ms is None else self._world.scheduler.now_ms + duration_ms
        micro = round(probability * ONE)
        switch = Switch(
            kind, self._streams[name], micro, count, until_ms, wallet.lower(), market, path, dict(settings or {})
        )
        self._on[name] = switch
        if until_ms is not None:
            self._world.scheduler.at(until_ms, lambda: self._end(switch))
        self._begin(switch)
        return switch

    def off(self, name: str) -> None:
        """Switch a fault off; nothing when it is not on. Raises ValueError for a name that is none."""
        kind_of(name)
        if switch := self._on.get(name):
            self._end(switch)

    def get(self, name: str) -> Switch | None:
        """The switch of a fault that is on."""
        return self._on.get(name)

    def struck(self, name: str) -> int:
        """How often a fault struck since the world began."""
        switch = self._on.get(name)
        return self._past[name] + (switch.struck if switch else 0)

    def state(self) -> list[dict[str, object]]:
        """Every kind as JSON: what it does, how often it struck, and its switch if it is on."""
        return [
            {
                "name": kind.name,
                "place": str(kind.place),
                "line": kind.line,
                "rows": list(kind.rows),
                "settings": dict(kind.settings),
                "struck": self.struck(kind.name),
                "on": switch.state() if (switch := self._on.get(kind.name)) else None,
            }
            for kind in KINDS.values()
        ]

    def _begin(self, switch: Switch) -> None:
        name = switch.kind.name
        if name in ("late-fill", "sweep"):
            self._ghost.arrive()
        if name in self._acts:
            self._world.scheduler.after(0, lambda: self._act(switch))
        elif name == "slow-settlement":
            delay_ms = switch.number("delay_ms")
            self._world.settler.pace.submit_ms = (delay_ms, delay_ms + delay_ms // 4)
            switch.strike()
        elif name == "engine-restart":
            self._restart(switch)
        elif name == "outage":
            for line in self._lines:
                line.close(ABRUPT, "")

    def _end(self, switch: Switch) -> None:
        name = switch.kind.name
        if self._on.get(name) is not switch:
            return
        del self._on[name]
        self._past[name] += switch.struck
        if name == "slow-settlement":
            self._world.settler.pace.submit_ms = Pace().submit_ms
        elif name == "engine-restart":
            self._world.exchange.modes.post_only = False

    def _act(self, switch: Switch) -> None:
        """Ask chance now and every period, until the fault is off or has struck often enough."""
        if self._on.get(switch.kind.name) is not switch or switch.left == 0:
            return
        if switch.drawn() and self._acts[switch.kind.name](switch):
            switch.strike()
        self._world.scheduler.after(PERIOD_MS, lambda: self._act(switch))

    def _restart(self, switch: Switch) -> None:
        """The engine is away, then takes only post-only orders for as long again (`polymarket.md` 1.3)."""
        down_ms = switch.number("down_ms")
        switch.memory["until_ms"] = self._world.scheduler.now_ms + down_ms
        modes = self._world.exchange.modes

        def back() -> None:
            if self._on.get(switch.kind.name) is switch:
                modes.post_only = True

        self._world.scheduler.after(down_ms, back)
        self._world.scheduler.after(2 * down_ms, lambda: self._end(switch))

    # the gate

    def http(self, prefix: str, request: Request, handle: Handle) -> Delivery:
        """What becomes of a request."""
        if prefix == CONTROL or not self._on:
            return Delivery(handle(request))
        return self._gate.pass_on(Asked(prefix, request, handle))

    def socket(self, path: str, connection: Connection) -> Connection:
        """The connection a session gets to see."""
        self._lines = [line for line in self._lines if not line.over]
        line = Line(self, self._world.scheduler, path, connection)
        self._lines.append(line)
        outage = self._on.get("outage")
        if outage and outage.drawn():
            outage.strike()
            line.close(ABRUPT, "")
        return line.connection()

    def on_request(self, asked: Asked, place: Place | None = None) -> Iterator[Switch]:
        """The switches meant for a request."""
        for switch in tuple(self._on.values()):
            if place is not None and switch.kind.place is not place:
                continue
            if switch.kind.place is Place.DATA and asked.prefix != DATA:
                continue
            if switch.kind.place is Place.RPC and asked.prefix != RPC:
                continue
            if asked.path.startswith(switch.path) and self._fits(switch, asked.words):
                yield switch

    def on_frame(self, name: str, path: str, text: str) -> Switch | None:
        """The switch of a socket fault if it is meant for this frame."""
        switch = self._on.get(name)
        if switch is None or not path.startswith(switch.path):
            return None
        return switch if self._fits(switch, text.lower()) else None

    def _fits(self, switch: Switch, words: str) -> bool:
        """The text names the wallet (or who signs for it) and the market of the switch, where it has them."""
        if switch.wallet and not any(name in words for name in self.targets.names_of(switch.wallet)):
            return False
        if not switch.market:
            return True
        market = self.targets.market(switch.market)
        names = (market.condition_id, *map(str, market.ctf_tokens), *map(str, market.position_ids))
        return any(name in words for name in names)

    # late fills and failing settlements

    def hold(self, order: Order, delay_ms: int, act: Callable[[], bool]) -> bool:
        """Do *act*, and keep what it tells of *order* back for so long."""
        self._holding = (order, delay_ms)
        try:
            return act()
        finally:
            self._holding = None

    def held_ms(self, text: str) -> int:
        """How long a frame is kept back."""
        if self._holding is None:
            return 0
        order, delay_ms = self._holding
        return delay_ms if order.id in text else 0

    def _reverts(self, trade: Trade) -> bool:
        """A settlement fails: always, or at its first attempt."""
        return self._fails("settlement-failed", trade) or self._fails("settlement-retried", trade)

    def _fails(self, name: str, trade: Trade) -> bool:
        switch = self._on.get(name)
        if switch is None:
            return False
        if trade.attempts > 1:
            return name == "settlement-failed" and trade.id in switch.memory
        if (switch.wallet and switch.wallet not in trade.wallets) or not self.targets.meant(switch, trade.market):
            return False
        if not switch.drawn():
            return False
        switch.strike()
        switch.memory[trade.id] = True
        return True


def kind_of(name: str) -> Kind:
    """The kind with this name. Raises ValueError, with the nearest name."""
    if kind := KINDS.get(name):
        return kind
    near = get_close_matches(name, KINDS, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(KINDS)}"
    raise ValueError(f"fault: {name!r} is no fault; {hint}")


def _check(
    kind: Kind,
    probability: float,
    count: int | None,
    duration_ms: int | None,
    wallet: str,
    settings: Mapping[str, Setting],
) -> None:
    if not 0 < probability <= 1:
        raise ValueError(f"probability: expected more than 0 and at most 1, was {probability}")
    if count is not None and count < 1:
        raise ValueError(f"count: expected 1 or more, was {count}")
    if duration_ms is not None and duration_ms < 1:
        raise ValueError(f"duration_ms: expected 1 or more, was {duration_ms}")
    if wallet and not _ADDRESS.fullmatch(wallet):
        raise ValueError(f"wallet: expected an address, 0x and 40 hex digits, was {wallet!r}")
    for name, value in settings.items():
        if name not in kind.settings:
            known = f"it has {', '.join(kind.settings)}" if kind.settings else "it has none"
            raise ValueError(f"settings: {kind.name} has no setting {name!r}; {known}")
        if isinstance(kind.settings[name], int) and not (isinstance(value, int) and value >= 0):
            raise ValueError(f"settings: expected a whole number for {name}, was {value!r}")
    if "payouts" in settings:
        payouts_of(str(settings["payouts"]))
