"""From a TOML file to a `Config`: everything wrong is said at once, amounts are exact, secrets are refused unread."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec

from tieout.app import config_alerts
from tieout.app.config import SIGNATURE_KINDS, Config, Intervals, MarketOrder, Selection
from tieout.app.config_text import COUNTS, plain
from tieout.app.config_values import (
    Table,
    WrongError,
    address,
    amount,
    choice,
    flag,
    list_of,
    market_name,
    place,
    text,
    whole,
    within,
)
from tieout.client.endpoints import Endpoints
from tieout.client.health import BreakerSettings
from tieout.client.limits import DEFAULT_RULES, Rule, Window
from tieout.client.signer_limits import TIERS, Tier
from tieout.jobs.foreign_policy import ForeignOrders
from tieout.quoting.fair import FairModel
from tieout.quoting.params import RANGES, Params, ParamsError
from tieout.quoting.risk import Limits

NODE_VARIABLE = "TIEOUT_NODE"
NODE_WS_VARIABLE = "TIEOUT_NODE_WS"
DAY_MS = 86_400_000
_INTERVALS = tuple(each.name for each in fields(Intervals))
_SOCKETS = frozenset(("user_ws", "market_ws"))
_ADDRESSES = ("clob", "gamma", "data_api", "relayer", "user_ws", "market_ws")
_RATES = ("order_rate", "order_burst", "cancel_rate", "cancel_burst")

KEYS: Mapping[str, tuple[str, ...]] = {
    "account": ("wallet", "signature_type", "private_key_file", "first_block"),
    "venue": ("base_url", *_ADDRESSES, "nodes", "node_ws", "no_node", "proxy", "data_api_version"),
    "markets": ("use", "count", "by"),
    "quoting": Params.__struct_fields__,
    "overrides": (),
    "limits": Limits.__struct_fields__,
    "orders": ("foreign", "heartbeat"),
    "jobs": _INTERVALS,
    "alerts": config_alerts.KEYS,
    "breaker": ("failures", "open_ms", "open_max_ms"),
    "rate_limits": tuple(DEFAULT_RULES),
    "signer_limits": ("tier", *_RATES),
}
"""Every table with its keys; the keys of `overrides` are names of markets."""

_SECRET = re.compile(r"priv(ate)?[_-]?key|secret|passphrase|password|mnemonic|seed|api[_-]?key|^pk$", re.IGNORECASE)


class ConfigError(ValueError):
    """The file is not one to work by; the operator is at fault. `problems` has a line for each thing to change."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"{path} has {count}:\n" + "\n".join(f"  {problem}" for problem in problems))
        self.problems = tuple(problems)


def read_config(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """The configuration in the file at *path*. Raises ConfigError with everything that is wrong with it."""
    document = _document(path)
    problems = _secrets(document)
    root = Table("", document, problems)
    read = {name: root.table(name) for name in KEYS}
    root.end(KEYS)
    config = _config(path, read, environ, problems)
    if problems or config is None:
        raise ConfigError(path, problems)
    return config


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        raise ConfigError(path, ["the file does not exist; `tieout init` makes one"]) from None
    except UnicodeDecodeError:
        raise ConfigError(path, ["expected a TOML file in UTF-8, was something else; save it as UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, [f"not TOML: {error}; correct that line first"]) from None
    except OSError as error:
        raise ConfigError(path, [f"not readable: {error.strerror}; give yourself the right to read it"]) from None


def _secrets(value: Any, path: str = "") -> list[str]:
    """A line for every key that names a secret; the key is taken out, so that nothing after sees its value."""
    found: list[str] = []
    if isinstance(value, list):
        for item in value:
            found += _secrets(item, path)
    if not isinstance(value, dict):
        return found
    for name in list(value):
        inner = f"{path}.{name}" if path else name
        if _SECRET.search(name) and name != "private_key_file" and path != "overrides":
            del value[name]
            found.append(
                f"{inner}: no secret belongs in this file; delete the line (and take the secret for known if others "
                "could read it), then put the key in a file of its own, chmod 600, named by account.private_key_file, "
                "or in TIEOUT_PRIVATE_KEY; API keys are derived from it"
            )
        else:
            found += _secrets(value[name], inner)
    return found


def _config(path: Path, read: Mapping[str, Table], environ: Mapping[str, str], problems: list[str]) -> Config | None:
    account, venue, orders = read["account"], read["venue"], read["orders"]
    wallet = account.needed("wallet", address, "the address that holds the tokens, 0x and 40 hex digits")
    kinds = ", ".join(f"{number} {kind}" for number, kind in SIGNATURE_KINDS.items())
    signature_type = account.needed("signature_type", within(0, max(SIGNATURE_KINDS)), kinds)
    key_file = account.take("private_key_file", text, "")
    first_block = account.take("first_block", within(0, 10**12), None)
    endpoints = _endpoints(venue, environ, problems)
    proxy = venue.take("proxy", place("http", "https", empty=True), "")
    version: Literal["v1", "v2"] = "v1" if venue.take("data_api_version", choice("v1", "v2"), "v2") == "v1" else "v2"
    params = _params(read["quoting"], Params())
    tier, tiers = _tiers(read["signer_limits"])
    parts: dict[str, Any] = {
        "selection": _selection(read["markets"]),
        "overrides": _overrides(read["overrides"], params),
        "limits": _limits(read["limits"]),
        "jobs": _jobs(read["jobs"]),
        "alerts": config_alerts.read_alerts(read["alerts"], path, environ, KEYS),
        "foreign_orders": ForeignOrders(orders.take("foreign", choice(*ForeignOrders), ForeignOrders.ADOPT)),
        "heartbeat": orders.take("heartbeat", flag, False),
        "breaker": _breaker(read["breaker"]),
        "rate_limits": _rules(read["rate_limits"]),
    }
    for name in ("account", "venue", "orders"):
        read[name].end(KEYS)
    if wallet is None or signature_type is None:
        return None
    return Config(
        wallet=wallet,
        signature_type=signature_type,
        private_key_file=path.parent / Path(key_file).expanduser() if key_file else None,
        first_block=first_block,
        endpoints=endpoints,
        proxy=proxy,
        data_api_version=version,
        params=params,
        tier=tier,
        tiers=tiers,
        **parts,
    )


def _endpoints(venue: Table, environ: Mapping[str, str], problems: list[str]) -> Endpoints:
    """The addresses: production, or all on one port, then single ones, then the nodes of the environment."""
    base = venue.take("base_url", place("http", "https", empty=True), "")
    found = Endpoints.of(base) if base else Endpoints()
    for name in _ADDRESSES:
        schemes = ("ws", "wss") if name in _SOCKETS else ("http", "https")
        one: dict[str, Any] = {name: venue.take(name, place(*schemes), getattr(found, name))}
        found = replace(found, **one)
    nodes = venue.take("nodes", list_of(place("http", "https")), None)
    no_node = venue.take("no_node", flag, False)
    if no_node and nodes:
        problems.append("venue.no_node: expected false where venue.nodes has nodes, was true; delete one of the two")
    if no_node:
        nodes = []
    elif nodes == []:
        problems.append("venue.nodes: expected at least one node, was none; name one, or say no_node = true")
    if given := environ.get(NODE_VARIABLE, "").split():
        nodes = given
        if any(not url.startswith(("http://", "https://")) for url in given):
            problems.append(f"{NODE_VARIABLE}: expected http:// or https:// and a host; correct the variable")
    found = replace(found, rpc_ws=_node_ws(venue, environ, problems, no_node=nodes == []))
    return found if nodes is None else replace(found, rpc=tuple(nodes))


def _node_ws(venue: Table, environ: Mapping[str, str], problems: list[str], *, no_node: bool) -> str:
    """Where heads come from: the environment, then the file; "" none."""
    url = venue.take("node_ws", place("ws", "wss", empty=True), "")
    if no_node and url:
        problems.append("venue.node_ws: expected nothing where venue.no_node is true, was an address; delete one")
    given = environ.get(NODE_WS_VARIABLE, "").strip()
    if given and not given.startswith(("ws://", "wss://")):
        problems.append(f"{NODE_WS_VARIABLE}: expected ws:// or wss:// and a host; correct the variable")
    return "" if no_node else given or url


def _selection(table: Table) -> Selection:
    default = Selection()
    found = Selection(
        tuple(table.take("use", list_of(market_name), [])),
        table.take("count", within(1, 500), default.count),
        MarketOrder(table.take("by", choice(*MarketOrder), default.by)),
    )
    for name in sorted({name for name in found.markets if found.markets.count(name) > 1}):
        table.problem("use", "each market once", f"{name!r} more than once", "delete the repetition")
    table.end(KEYS)
    return found


def _params(table: Table, base: Params) -> Params:
    """*base* with what the table says. Ranges are checked here, in the units of the file."""
    given: dict[str, Any] = {}
    for name in Params.__struct_fields__:
        if not table.has(name):
            continue
        if name == "fair_model":
            given[name] = FairModel(table.take(name, choice(*FairModel), base.fair_model))
        else:
            given[name] = _number(table, name, getattr(base, name))
    table.end(KEYS)
    made = msgspec.structs.replace(base, **given)
    try:
        return made.checked()
    except ParamsError as error:
        table.problems += [f"{table.path}.{problem}" for problem in error.problems]
        return base


def _number(table: Table, name: str, default: int) -> int:
    """A parameter in its range; the default where it is not, which is a problem."""
    low, high = RANGES[name]
    value = table.take(name, whole if name in COUNTS else amount, default)
    if low <= value <= high:
        return value
    shown = str if name in COUNTS else plain
    table.problem(name, f"{shown(low)} to {shown(high)}", shown(value), "set it inside")
    return default


def _overrides(table: Table, base: Params) -> dict[str, Params]:
    found: dict[str, Params] = {}
    for name in table.names():
        try:
            market_name(name)
        except WrongError as wrong:
            table.problem(name, wrong.expected, "another name", wrong.todo)
        found[name] = _params(table.table(name, kind="quoting"), base)
    return found


def _limits(table: Table) -> Limits:
    default = Limits()
    found = Limits(**{name: table.take(name, amount, getattr(default, name)) for name in Limits.__struct_fields__})
    table.end(KEYS)
    try:
        return found.checked()
    except ParamsError as error:
        table.problems += [f"{table.path}.{problem}" for problem in error.problems]
        return default


def _jobs(table: Table) -> Intervals:
    default = Intervals()
    read = within(500, DAY_MS, "milliseconds")
    found = Intervals(**{name: table.take(name, read, getattr(default, name)) for name in _INTERVALS})
    table.end(KEYS)
    return found


def _breaker(table: Table) -> BreakerSettings:
    default = BreakerSettings()
    found = BreakerSettings(
        table.take("failures", within(1, 1_000), default.failures),
        table.take("open_ms", within(100, DAY_MS, "milliseconds"), default.open_ms),
        table.take("open_max_ms", within(100, DAY_MS, "milliseconds"), default.open_max_ms),
    )
    if found.open_ms > found.open_max_ms:
        table.problem("open_ms", f"at most open_max_ms {found.open_max_ms}", str(found.open_ms), "lower it")
    table.end(KEYS)
    return found


def _rules(table: Table) -> dict[str, Rule]:
    """The defaults, with the windows of the groups that the table names."""
    rules = dict(DEFAULT_RULES)
    for name in DEFAULT_RULES:
        windows = table.take(name, list_of(_window), None)
        if windows == []:
            table.problem(name, "at least one [requests, milliseconds]", "none", "delete the line for the default")
        elif windows is not None:
            rules[name] = replace(rules[name], windows=tuple(windows))
    table.end(KEYS)
    return rules


def _window(value: Any) -> Window:
    if not isinstance(value, list) or len(value) != 2:
        raise WrongError("[requests, milliseconds], as in [[3_500, 10_000], [36_000, 600_000]]")
    return Window(within(1, 10**9)(value[0]), within(1, DAY_MS)(value[1]))


def _tiers(table: Table) -> tuple[str, dict[str, Tier]]:
    """The tier, and all tiers, with the numbers of the table in place of those of that tier."""
    tier = table.take("tier", choice(*TIERS), "Standard")
    known = TIERS[tier]
    own = Tier(*(table.take(name, within(1, 10**6), getattr(known, name)) for name in _RATES))
    table.end(KEYS)
    return tier, {**TIERS, tier: own}
