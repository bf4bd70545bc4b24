"""Configuration files: what a file comes to, and everything wrong with one said at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tieout.app.config import Config, MarketOrder, Selection, is_name_of
from tieout.app.config_reading import ConfigError, read_config
from tieout.app.config_text import Draft, config_text
from tieout.client.limits import DEFAULT_RULES, Window
from tieout.client.markets import MarketInfo
from tieout.client.signer_limits import TIERS, Tier
from tieout.jobs.foreign_policy import ForeignOrders
from tieout.quoting.fair import FairModel
from tieout.quoting.params import Params
from tieout.quoting.risk import Limits

WALLET = "0x" + "ab" * 20
CONDITION = "0x" + "c0" * 32
KEY = "0x" + "d1" * 32
ACCOUNT = f'[account]\nwallet = "{WALLET}"\nsignature_type = 0\n'


def read(tmp_path: Path, text: str, **environ: str) -> Config:
    path = tmp_path / "tieout.toml"
    path.write_text(text)
    return read_config(path, environ)


def problems(tmp_path: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, text, **environ)
    told = str(raised.value)
    assert all(problem in told for problem in raised.value.problems)
    assert KEY[2:] not in told
    return list(raised.value.problems)


def market(condition: str = CONDITION, slug: str = "will-it-rain") -> MarketInfo:
    return MarketInfo(condition, "v1", ("1", "2"), ("Yes", "No"), 10_000, 5_000_000, False, True, slug=slug)


FULL = """
[account]
wallet = "0xABABABABABABABABABABABABABABABABABABABAB"
signature_type = 2
private_key_file = "keys/key"
first_block = 80_000_000

[venue]
base_url = "http://127.0.0.1:8971/"
user_ws = "ws://127.0.0.1:9000/ws/user"
nodes = ["http://a.example/v2/k", "https://b.example"]
proxy = "http://me:pw@127.0.0.1:3128"
data_api_version = "v1"

[markets]
use = ["will-it-rain", "https://polymarket.com/event/weather/will-it-snow?x=1"]
count = 7
by = "rewards"

[quoting]
tiers = 2
tier_step = "0.02"
half_spread = 0.015
inventory_target = -3.5
fair_model = "mid"
min_time_to_resolution_ms = 60_000

[overrides."will-it-rain"]
tier_size = 12.5

[limits]
market_exposure_max = 99.999999
daily_loss_max = "1e1"

[orders]
foreign = "cancel"
heartbeat = true

[jobs]
market_making = 1_000

[breaker]
failures = 2

[rate_limits]
"clob.order.post" = [[100, 10_000], [1_000, 600_000]]

[signer_limits]
tier = "Gold"
order_rate = 7
"""


def test_a_whole_file(tmp_path: Path) -> None:
    config = read(tmp_path, FULL)
    assert (config.wallet, config.signature_type, config.first_block) == (WALLET, 2, 80_000_000)
    assert config.private_key_file == tmp_path / "keys" / "key"
    places = config.endpoints
    assert (places.clob, places.gamma) == ("http://127.0.0.1:8971", "http://127.0.0.1:8971/gamma")
    assert (places.user_ws, places.market_ws) == ("ws://127.0.0.1:9000/ws/user", "ws://127.0.0.1:8971/ws/market")
    assert places.rpc == ("http://a.example/v2/k", "https://b.example")
    assert (config.proxy, config.data_api_version) == ("http://me:pw@127.0.0.1:3128", "v1")
    names = ("will-it-rain", "https://polymarket.com/event/weather/will-it-snow?x=1")
    assert config.selection == Selection(names, 7, MarketOrder.REWARDS)
    assert config.params == Params(
        tiers=2,
        tier_step=20_000,
        half_spread=15_000,
        inventory_target=-3_500_000,
        fair_model=FairModel.MID,
        min_time_to_resolution_ms=60_000,
    )
    assert config.limits == Limits(market_exposure_max=99_999_999, daily_loss_max=10_000_000)
    assert (config.foreign_orders, config.heartbeat) == (ForeignOrders.CANCEL, True)
    assert (config.jobs.market_making, config.jobs.position_sync) == (1_000, 10_000)
    assert (config.breaker.failures, config.breaker.open_ms) == (2, 2_000)
    assert config.rate_limits["clob.order.post"].windows == (Window(100), Window(1_000, 600_000))
    assert config.rate_limits["clob.order.post"].within == ("clob",)
    assert config.rate_limits["gamma"] == DEFAULT_RULES["gamma"]
    assert (config.tier, config.tiers["Gold"]) == ("Gold", Tier(7, 600, 800, 1_200))
    assert config.tiers["Standard"] == TIERS["Standard"]
    for hidden in ("a.example", "pw@"):
        assert hidden not in repr(config)


def test_a_market_is_quoted_by_its_own_parameters(tmp_path: Path) -> None:
    config = read(tmp_path, FULL)
    other = market("0x" + "c1" * 32, "something-else")
    assert config.params_of(market()).tier_size == 12_500_000
    assert config.params_of(market()).tiers == 2, "the rest is that of [quoting]"
    assert config.params_of(other) == config.params
    maker = config.maker_of(market())
    assert (maker.params, maker.limits, maker.collateral) == (config.params_of(market()), config.limits, 99_999_999)


@pytest.mark.parametrize(
    ("written", "names_it"),
    [
        (CONDITION, True),
        (CONDITION.upper().replace("0X", "0x"), True),
        ("will-it-rain", True),
        ("https://polymarket.com/market/will-it-rain", True),
        ("https://polymarket.com/event/weather/Will-It-Rain/?tid=1#c", True),
        ("will-it", False),
        ("https://polymarket.com/event/will-it-rain/will-it-snow", False),
    ],
)
def test_names_of_markets(written: str, names_it: bool) -> None:
    assert is_name_of(written, market()) is names_it
    assert not is_name_of(written, market("0x" + "c1" * 32, ""))


def test_the_least_file_is_production_with_all_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, ACCOUNT) == Config(wallet=WALLET, signature_type=0)


def test_nodes_of_the_environment_come_first(tmp_path: Path) -> None:
    given = read(tmp_path, FULL, TIEOUT_NODE="http://c.example http://d.example").endpoints.rpc
    assert given == ("http://c.example", "http://d.example")
    assert read(tmp_path, ACCOUNT + "[venue]\nno_node = true\n").endpoints.rpc == ()
    (problem,) = problems(tmp_path, ACCOUNT, TIEOUT_NODE=f"c.example/{KEY}")
    assert problem.startswith("TIEOUT_NODE: expected http")


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    text = f"""
[account]
wallet = "{KEY}"
signature_typ = 0
private_key = "{KEY}"
[venue]
base_url = "ftp://x:hush@h"
nodes = []
[markets]
use = ["will-the-secret-service", "0x12"]
[quoting]
tiers = 30
half_spread = true
min_spread = "0.0000001"
skew = 0.75
price_min = 0.9
price_max = 0.2
market_exposure_max = 3
fair_model = "micr"
[overrides.will-the-secret-service]
tier_siz = 3
tier_size = 1000
[orders]
foreign = "adpt"
[jobs]
market_making = "5"
[breaker]
open_ms = 60_000
[rate_limits]
"clob.order.pots" = [[1, 1]]
[limit]
x = 1
"""
    told = problems(tmp_path, text)
    found = {problem.partition(":")[0]: problem for problem in told}
    expected = {
        "account.private_key": "TIEOUT_PRIVATE_KEY",
        "account.wallet": "could be a key, which is not repeated",
        "account.signature_type": "expected 0 EOA, 1 proxy, 2 safe, 3 deposit wallet, was nothing; add it",
        "account.signature_typ": "did you mean signature_type?",
        "venue.base_url": "expected http:// or https:// and a host",
        "venue.nodes": "no_node = true",
        "markets.use": "was '0x12'",
        "quoting.tiers": "expected 1 to 20, was 30",
        "quoting.half_spread": "of at most 6 decimals, was true",
        "quoting.min_spread": "of at most 6 decimals, was '0.0000001'",
        "quoting.skew": "expected 0 to 0.5, was 0.75",
        "quoting.price_min": "expected less than price_max",
        "quoting.market_exposure_max": "did you mean market_exposure_max in [limits]?",
        "quoting.fair_model": "did you mean micro?",
        "overrides.will-the-secret-service.tier_siz": "did you mean tier_size?",
        "overrides.will-the-secret-service.tier_size": "expected at most max_shares",
        "orders.foreign": "did you mean adopt?",
        "jobs.market_making": "expected 500 to 86400000 milliseconds, was '5'",
        "breaker.open_ms": "expected at most open_max_ms 30000, was 60000",
        'rate_limits."clob.order.pots"': "did you mean clob.order.post?",
        "limit": "did you mean limits?",
    }
    assert {name: words in found.get(name, "") for name, words in expected.items()} == dict.fromkeys(expected, True)
    assert len(told) == len(expected)
    assert "hush" not in "\n".join(told)


@pytest.mark.parametrize(
    "name", ["private_key", "secret", "api_secret", "passphrase", "mnemonic", "seed_phrase", "apiKey", "PASSWORD"]
)
def test_no_secret_is_taken_from_the_file_and_none_is_repeated(name: str, tmp_path: Path) -> None:
    line = f'{name} = "correct horse battery staple"\n'
    for text in (line + ACCOUNT, ACCOUNT + line, f"[venue.inner]\n{line}{ACCOUNT}", f"[[venue.x]]\n{line}{ACCOUNT}"):
        told = problems(tmp_path, text)
        assert any(f"{name}: no secret belongs in this file" in problem for problem in told)
        assert "battery" not in "\n".join(told)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("wallet = 5", "expected an address"),
        ('wallet = "0xABCDEF0123456789abcdef0123456789ABCDEF01"', "capital letters"),
        (f'wallet = "0x{"0" * 40}"', "the zero address"),
        ("first_block = -1", "expected 0 to"),
        ('private_key_file = ["a"]', "expected a text in quotes, was a list"),
        ("first_block = 2026-01-01", "was a date or time"),
    ],
)
def test_values_of_the_wrong_kind(line: str, words: str, tmp_path: Path) -> None:
    kept = "" if line.startswith("wallet") else f'wallet = "{WALLET}"\n'
    (problem,) = problems(tmp_path, f"[account]\nsignature_type = 0\n{kept}{line}\n")
    assert words in problem


def test_files_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`tieout init` makes one"):
        read_config(tmp_path / "absent.toml", {})
    assert problems(tmp_path, "[account")[0].startswith("not TOML: ")
    (tmp_path / "latin").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="save it as UTF-8"):
        read_config(tmp_path / "latin", {})
    assert problems(tmp_path, "account = 5")[0].startswith("account: expected a table, was 5")


DRAFT = Draft(
    wallet=WALLET,
    signature_type=2,
    kind_why="somebody\nsaid so",
    first_block=5,
    first_block_why='because of "that"',
    base_url="http://127.0.0.1:1",
    nodes=('http://a.example/"x"\\',),
    markets=(market(), market("0x" + "c1" * 32)),
    markets_why="suggested",
)


def test_what_init_writes_is_read_as_it_was_meant(tmp_path: Path) -> None:
    config = read(tmp_path, config_text(DRAFT))
    assert (config.wallet, config.signature_type, config.first_block) == (WALLET, 2, 5)
    assert config.endpoints.clob == "http://127.0.0.1:1"
    assert config.endpoints.rpc == DRAFT.nodes
    assert config.selection.markets == tuple(m.condition_id for m in DRAFT.markets)


def test_the_defaults_it_shows_are_the_defaults(tmp_path: Path) -> None:
    text = config_text(Draft(wallet=WALLET, signature_type=0, kind_why="", first_block=None, first_block_why=""))
    assert read(tmp_path, text) == Config(wallet=WALLET)
    shown = re.sub(r'^# ([\w]+|"[\w.]+") = ', r"\1 = ", text, flags=re.MULTILINE)
    shown = re.sub(r"^(private_key_file|first_block) = .*$", "", shown, flags=re.MULTILINE)
    assert read(tmp_path, shown) == Config(wallet=WALLET)
    names = set(re.findall(r"^([\w]+) = ", shown, flags=re.MULTILINE))
    missing = {*Params.__struct_fields__, *Limits.__struct_fields__} - names
    assert missing == set()


def test_alerts_and_heads(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "tell"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    text = ACCOUNT + (
        '[venue]\nnode_ws = "wss://a.example/v2/planted"\n[jobs]\nhead_spacing_ms = 4_000\n[alerts]\n'
        'command = ["bin/tell", "--loud"]\nwebhook = "https://b.example/planted/"\nseverity = "CRITICAL"\n'
        "spacing_ms = 0\ntimeout_ms = 500\n"
    )
    config = read(tmp_path, text)
    assert config.endpoints.rpc_ws == "wss://a.example/v2/planted"
    assert config.jobs.head_spacing_ms == 4_000
    told = config.alerts
    assert (told.command, told.webhook) == ((str(program), "--loud"), "https://b.example/planted/")
    assert (told.severity, told.spacing_ms, told.timeout_ms) == ("CRITICAL", 0, 500)
    assert "planted" not in repr(config)
    given = read(tmp_path, text, TIEOUT_NODE_WS="ws://c.example", TIEOUT_ALERT_WEBHOOK="http://d.example/x/")
    assert (given.endpoints.rpc_ws, given.alerts.webhook) == ("ws://c.example", "http://d.example/x/")


def test_wrong_alerts_and_heads_are_said_without_their_addresses(tmp_path: Path) -> None:
    text = ACCOUNT + (
        '[venue]\nno_node = true\nnode_ws = "wss://a.example/planted"\n[alerts]\ncommand = ["no-such-program-here"]\n'
        'webhook = "ftp://b.example/planted"\nseverity = "ERR"\nspacing_ms = -1\ntimeout_ms = 99\nurl = "x"\n'
    )
    told = problems(tmp_path, text, TIEOUT_NODE_WS="c.example/planted", TIEOUT_ALERT_WEBHOOK="d.example/planted")
    assert {problem.partition(":")[0] for problem in told} == {
        "venue.node_ws",
        "TIEOUT_NODE_WS",
        "TIEOUT_ALERT_WEBHOOK",
        "alerts.command",
        "alerts.webhook",
        "alerts.severity",
        "alerts.spacing_ms",
        "alerts.timeout_ms",
        "alerts.url",
    }
    assert "planted" not in "\n".join(told)
