"""A whole venue from a few options: markets, crowd, services, faults, and accounts to try it with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from coincurve import PrivateKey
from eth_hash.auto import keccak

from tieout.sim.crowd import trader
from tieout.sim.crowd.another_bot import AnotherBot
from tieout.sim.crowd.crowd import Crowd, Population
from tieout.sim.crowd.human import Human
from tieout.sim.economy.operators import AutoRedemption, OperatorMigration
from tieout.sim.economy.rebates import Rebates
from tieout.sim.economy.rewards import Rewards
from tieout.sim.engine.amounts import ONE
from tieout.sim.faults.faults import Faults
from tieout.sim.index.index import Index
from tieout.sim.keys import ApiKey
from tieout.sim.markets import make_markets
from tieout.sim.rng import Stream
from tieout.sim.site import Site
from tieout.sim.wire.clob import Clob
from tieout.sim.wire.control import Control
from tieout.sim.wire.data_api import DataApi
from tieout.sim.wire.gamma import Gamma
from tieout.sim.wire.market_channel import MarketChannel
from tieout.sim.wire.relayer import Relayer
from tieout.sim.wire.rpc import Rpc
from tieout.sim.wire.rpc_subscribe import RpcSocket
from tieout.sim.wire.user_channel import UserChannel
from tieout.sim.wire.wallets import deposit_wallet
from tieout.sim.world import START_MS, World


@dataclass(frozen=True, slots=True)
class FaultOption:
    """A fault that is on from the start."""

    name: str
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """What a scenario is made of. `intensity` 0 leaves the crowd out; `lifetime_ms` None lets markets live for weeks.

    `cash` (micro) is what each account gets, twice: for the key's own address and for its deposit wallet.
    `warm_up_ms` of simulated time pass while it is built, so that there are books to see.
    """

    seed: int = 0
    start_ms: int = START_MS
    markets: int = 10
    first_market: int = 1
    """Its number, by which the kinds of the markets go (`make_markets`)."""
    intensity: float = 1.0
    lifetime_ms: int | None = None
    population: Population = field(default_factory=Population)
    faults: Sequence[FaultOption] = ()
    accounts: int = 1
    cash: int = 10_000 * ONE
    warm_up_ms: int = 30_000
    another_bot_ms: int | None = None
    """Somebody trades on the key of the first account, once in so many milliseconds."""
    human_ms: int | None = None
    """The owner of the first account splits, merges, redeems, transfers and trades by hand, as often."""
    operators: bool = False
    """The venue's operators redeem and migrate what the accounts hold."""


@dataclass(frozen=True, slots=True)
class Account:
    """A key to try the venue with. The private key is drawn from the seed and worth nothing anywhere else."""

    private_key: str
    address: str
    deposit_wallet: str
    api_key: ApiKey

    def __repr__(self) -> str:
        return f"Account({self.address})"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A running venue and its parts, for whoever wants to set or read them directly."""

    world: World
    site: Site
    faults: Faults
    accounts: Sequence[Account]
    crowd: Crowd | None
    clob: Clob
    index: Index
    rewards: Rewards
    rebates: Rebates


def build(options: Options) -> Scenario:
    """The venue that *options* describe. Raises ValueError for options that make no sense."""
    if options.markets < 1:
        raise ValueError(f"markets: expected 1 or more, was {options.markets}")
    world = World(options.seed, start_ms=options.start_ms)
    faults = Faults(world)
    site = Site(world, faults)
    rewards, rebates = Rewards(world), Rebates(world)
    clob, index = Clob(world, rewards, rebates), Index(world)
    _mount(site, faults, clob, index)
    markets = list(
        make_markets(world.chance.stream("markets"), options.markets, options.start_ms, first=options.first_market)
    )
    for market in markets:
        world.open_market(market)
    stream = world.chance.stream("accounts")
    accounts = [_account(world, stream, options.cash, faults) for _ in range(options.accounts)]
    crowd = None
    if options.intensity:
        crowd = Crowd(
            world,
            markets,
            intensity=options.intensity,
            population=options.population,
            lifetime_ms=options.lifetime_ms,
        )
        crowd.start()
    if accounts:
        _accompany(world, accounts, options)
    world.scheduler.run_for(options.warm_up_ms)
    for fault in options.faults:
        faults.on(fault.name, probability=fault.probability)
    return Scenario(world, site, faults, accounts, crowd, clob, index, rewards, rebates)


def _mount(site: Site, faults: Faults, clob: Clob, index: Index) -> None:
    """Every service under its prefix, every WebSocket at its path."""
    world = site.world
    relayer = Relayer(world)
    rpc = Rpc(world, relayer.is_deployed)
    site.mount("/", clob.handle)
    site.mount("/gamma", Gamma(world).handle)
    site.mount("/data-api", DataApi(world, index).handle)
    site.mount("/relayer", relayer.handle)
    site.mount("/rpc", rpc.handle)
    site.mount("/control", Control(world, faults).handle)
    site.mount_socket("/ws/user", lambda connection: UserChannel(world, connection))
    site.mount_socket("/ws/market", lambda connection: MarketChannel(world, connection))
    site.mount_socket("/rpc", lambda connection: RpcSocket(world, connection, rpc))


def _accompany(world: World, accounts: Sequence[Account], options: Options) -> None:
    """Those who act on an account beside its bot."""
    first = accounts[0]
    account = trader.Account(first.api_key.key, first.address, first.address)
    markets = list(world.exchange.markets.values())
    if options.another_bot_ms:
        AnotherBot(world, account, world.chance.stream("another bot"), markets).start(options.another_bot_ms)
    if options.human_ms:
        human = Human(world, first.address, world.chance.stream("human"))
        world.scheduler.every(options.human_ms, lambda: human.act(markets, account))
    if options.operators:
        redemption, migration = AutoRedemption(world), OperatorMigration(world)
        for each in accounts:
            redemption.join(each.address)
            migration.join(each.address)


def _account(world: World, stream: Stream, cash: int, faults: Faults) -> Account:
    key = PrivateKey(stream.getrandbits(255).to_bytes(32, "big"))
    address = "0x" + keccak(key.public_key.format(compressed=False)[1:])[12:].hex()
    wallet = deposit_wallet(address)
    for holder in (address, wallet):
        world.fund(holder, cash)
        faults.targets.watch(holder)
    return Account("0x" + key.secret.hex(), address, wallet, world.keys.derive(address))
