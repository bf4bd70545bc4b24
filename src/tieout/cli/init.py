"""`tieout init`: a configuration file that works, with what can be found out already in it."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tieout.app.clock import now_ms
from tieout.app.config import SIGNATURE_KINDS, Config
from tieout.app.config_reading import NODE_VARIABLE
from tieout.app.config_text import Draft, config_text
from tieout.app.config_values import WrongError, address, place
from tieout.app.secrets import FILE_VARIABLE, KEY_VARIABLE, SecretError, private_key
from tieout.app.starting import Kind, Start, kind_of, start_of, suggested
from tieout.cli.output import HOLDS, err, fail, run, say
from tieout.client.chain import Chain
from tieout.client.clock import LoopClock
from tieout.client.data_api import DataApi
from tieout.client.endpoints import Endpoints
from tieout.client.errors import VenueError
from tieout.client.gamma import Gamma
from tieout.client.keys import PrivateKey
from tieout.client.limits import Limiter
from tieout.client.markets import MarketInfo
from tieout.client.net import Net
from tieout.client.rpc import Rpc
from tieout.client.transport import HttpCarrier

MARKETS = 5
MARKETS_MAX = 50


def _address_or_none(value: str | None) -> str | None:
    return None if value is None else _address(value)


def _address(value: str) -> str:
    """Lower-case; capital letters, where there are both, must fit."""
    try:
        return address(value)
    except WrongError as wrong:
        raise typer.BadParameter(f"expected {wrong.expected}; {wrong.todo}") from None


def _url_or_none(value: str | None) -> str | None:
    return None if value is None else _url(value)


def _urls(value: list[str] | None) -> list[str] | None:
    return None if value is None else [_url(each) for each in value]


def _url(value: str) -> str:
    try:
        return place("http", "https")(value)
    except WrongError as wrong:
        raise typer.BadParameter(f"expected {wrong.expected}") from None


def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("tieout.toml"),
    wallet: Annotated[
        str | None, typer.Option("--wallet", help="Address that holds the tokens.", callback=_address_or_none)
    ] = None,
    signature_type: Annotated[
        int | None,
        typer.Option("--signature-type", help="0 EOA, 1 proxy, 2 safe, 3 deposit wallet; found out otherwise.", max=3),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", help="A venue with all services on one port.", callback=_url_or_none),
    ] = None,
    node: Annotated[
        list[str] | None, typer.Option("--node", help="A Polygon JSON-RPC node; repeatable.", callback=_urls)
    ] = None,
    markets: Annotated[
        int, typer.Option("--markets", help="How many open markets to suggest.", min=0, max=MARKETS_MAX)
    ] = MARKETS,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a configuration file: the wallet's kind, the start of its history and open markets are looked up."""
    if path.exists() and not force:
        fail(f"{path} is there already, and is not written over; name another file, or say --force")
    key = _key_at_hand()
    wallet = wallet or _asked_wallet(key)
    endpoints = Endpoints.of(base_url) if base_url else Endpoints()
    asked = tuple(node or os.environ.get(NODE_VARIABLE, "").split() or endpoints.rpc)

    async def work() -> int:
        async with HttpCarrier() as carrier:
            clock = LoopClock(now_ms)
            net = Net(carrier, clock, Limiter(clock))
            found = await _looked_up(net, endpoints, asked, wallet, key, signature_type, markets)
        chosen, why = found.kind.signature_type, found.kind.why
        if chosen is None:
            chosen, why = _asked_kind(wallet, why), "as it was answered"
        draft = Draft(
            wallet=wallet,
            signature_type=chosen,
            kind_why=why,
            first_block=found.start.block,
            first_block_why=found.start.why,
            base_url=base_url or "",
            nodes=node or (),
            markets=found.markets,
            markets_why=found.markets_why,
        )
        path.write_text(config_text(draft), encoding="utf-8")
        _tell(path, draft, key)
        return HOLDS

    run(work)


@dataclass(frozen=True, slots=True)
class _Found:
    kind: Kind
    start: Start
    markets: list[MarketInfo]
    markets_why: str


async def _looked_up(
    net: Net,
    endpoints: Endpoints,
    nodes: tuple[str, ...],
    wallet: str,
    key: PrivateKey | None,
    signature_type: int | None,
    count: int,
) -> _Found:
    """What the venue and the nodes say, one question after the other."""
    chain = Chain(Rpc(net, nodes)) if nodes else None
    with err.status("asking what kind of wallet it is") as status:
        kind = await kind_of(chain, wallet, key)
        if signature_type is not None:
            kind = Kind(signature_type, "as it was given to `tieout init`")
        status.update("looking for the start of its history")
        start = await start_of(chain, DataApi(net.service("data-api", endpoints.data_api)), wallet)
        if not count:
            return _Found(kind, start, [], "")
        status.update("reading the list of open markets")
        try:
            markets = await suggested(Gamma(net.service("gamma", endpoints.gamma)), count, net.clock.now_ms())
        except VenueError as error:
            return _Found(kind, start, [], f"The list of markets could not be read: {error}")
    return _Found(kind, start, markets, "Suggested by `tieout init`, the largest volume of 24 hours first")


def _key_at_hand() -> PrivateKey | None:
    """The key of the environment, where there is one: it tells the wallet's kind for certain."""
    if not any(os.environ.get(name, "").strip() for name in (KEY_VARIABLE, FILE_VARIABLE)):
        return None
    try:
        return private_key(Config(wallet=""))
    except SecretError as error:
        fail(str(error))


def _asked_wallet(key: PrivateKey | None) -> str:
    """From the person at the terminal; where there is none, an option is needed."""
    if not sys.stdin.isatty():
        fail("name the wallet that holds the tokens: --wallet 0x…")
    if key is not None:
        say(f"the private key at hand is that of {key.address}")
    question = "Address that holds the tokens (your profile on the site shows it)"
    return str(typer.prompt(question, value_proc=lambda answer: _address(answer.strip()), err=True))


def _asked_kind(wallet: str, why: str) -> int:
    names = ", ".join(f"{number} {kind}" for number, kind in SIGNATURE_KINDS.items())
    if not sys.stdin.isatty():
        fail(f"what kind of wallet {wallet} is could not be told ({why}); say it with --signature-type: {names}")
    say(f"What kind of wallet this is could not be told: {why}.")
    say(f"Signature types: {names}.")
    return int(typer.prompt("Signature type", value_proc=_kind, err=True))


def _kind(answer: str) -> int:
    number = answer.strip()
    if number not in map(str, SIGNATURE_KINDS):
        raise typer.BadParameter(f"expected one of {', '.join(map(str, SIGNATURE_KINDS))}")
    return int(number)


def _tell(path: Path, draft: Draft, key: PrivateKey | None) -> None:
    say((f"{path} is written.", "bold green"))
    say(("wallet   ", "dim"), f"{draft.wallet}, {SIGNATURE_KINDS[draft.signature_type]}: {draft.kind_why}")
    block = "not known" if draft.first_block is None else f"from block {draft.first_block:,}"
    say(("history  ", "dim"), f"{block}: {draft.first_block_why}")
    count = len(draft.markets)
    named = f"{count} suggested, look through them in the file" if count else "none named: the file says how"
    say(("markets  ", "dim"), draft.markets_why if draft.markets_why and not count else named)
    if key is None:
        say(
            ("key      ", "dim"),
            f"none at hand yet: set {KEY_VARIABLE}, or name a file (chmod 600) in private_key_file",
        )
    option = "" if path == Path("tieout.toml") else f" --config {shlex.quote(str(path))}"
    say(("\nNext:", "bold"))
    say(f"  tieout doctor{option}       ", ("checks everything, changes nothing", "dim"))
    say(f"  tieout run{option}          ", ("decides and records, sends nothing", "dim"))
    say(f"  tieout run --live{option}   ", ("quotes", "dim"))
