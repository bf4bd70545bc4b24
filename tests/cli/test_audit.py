"""`tieout audit` with a node, from the chain and from the Data API, as a person runs it; the venue's clock is still."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from cli.command_line import PROGRAM, CommandLine, Done
from support.database import connected, in_loop
from tieout.client.endpoints import Endpoints
from tieout.sim.scenario import Options, Scenario, build
from tieout.sim.serve.server import running
from tieout.store.embedded import EmbeddedServer

REWARD = 12_345_678
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Venue:
    """A served world whose wallet has traded; every command runs in a process of its own."""

    tieout: CommandLine
    scenario: Scenario
    at: Endpoints

    @property
    def wallet(self) -> str:
        return self.scenario.accounts[0].address

    @property
    def by_chain(self) -> list[str]:
        return ["--node", self.at.rpc[0], "--from-chain", "--data-api", self.at.data_api]

    async def audit(self, *words: str, code: int = 0) -> Done:
        return await asyncio.to_thread(self.tieout, "audit", self.wallet, *words, code=code)

    async def screen(self, width: int, *words: str) -> list[str]:
        return await asyncio.to_thread(self.tieout.screen, width, "audit", self.wallet, *words)

    async def plant(self, query: str) -> Any:
        """Change the stored state behind tieout's back."""
        with EmbeddedServer.start(self.tieout.home / "postgres") as server:
            async with connected(server.dsn()) as connection:
                return await connection.fetchrow(query, self.wallet)


@asynccontextmanager
async def venue(tieout: CommandLine, seed: int) -> AsyncIterator[Venue]:
    """Another *seed* is another wallet: the tests share a database."""
    company = {"another_bot_ms": 2_000, "human_ms": 7_000, "operators": True}
    scenario = build(Options(seed=seed, markets=6, intensity=0.3, **company))  # type: ignore[arg-type]
    wallet, world = scenario.accounts[0].address, scenario.world
    async with running(scenario.site, speed=0.0) as server:
        world.scheduler.run_for(10 * 60_000)
        scenario.faults.on("reward", count=1, wallet=wallet, settings={"kind": "reward", "amount": REWARD})
        world.scheduler.run_for(4 * 60_000)
        yield Venue(tieout, scenario, Endpoints.of(server.http_url))


def test_I1_C2_F1_S5_the_audit_of_any_wallet_from_the_chain_alone(tieout: CommandLine) -> None:
    @in_loop
    async def run() -> None:
        async with venue(tieout, seed=901) as at:
            unknown = await at.audit(*at.by_chain, code=2)
            assert "--from-block" in unknown.err
            shown = await at.audit(*at.by_chain, "--from-block", "0")
            for words in ("PnL after fees", "result", "reward", "deposit", "by the books", "on chain pUSD", "Data API"):
                assert words in shown.out, words
            assert f"+{REWARD // 10**6}.{REWARD % 10**6}" in shown.out
            assert "The books tie out: " in shown.out
            assert "equal the chain at block" in shown.out
            told = (await at.audit(*at.by_chain, "--json")).json
            assert (told["wallet"], told["holds"], told["told"]) == (at.wallet, True, True)
            assert told["chain"]["ties_out"] is True
            assert told["chain"]["differences"] == []
            report = told["report"]
            assert report["income"] == {"REWARD": str(REWARD)}
            after = int(report["realized_pnl"]) - int(report["fees"])
            assert (int(report["pnl_after_fees"]), int(report["net"])) == (after, after + REWARD)
            assert report["collateral"]["books"] == str(sum(map(int, report["collateral"]["coins"].values())))
            findings = {each["id"]: each for each in told["findings"]}
            assert findings["I1"]["holds"] is True
            assert findings["I1"]["checked"] == told["chain"]["balances"] > 5
            assert {each["what"] for each in told["data_api"]["differences"]} <= {"realized PnL", "average price"}
            assert told["read"]["first_block"] == told["read"]["last_block"] + 1, "a second run takes only what is new"
            plain = (await at.audit("--json")).json
            assert {each["id"]: each["holds"] for each in plain}["I1"] is None
            compared = (await at.audit("--node", at.at.rpc[0], "--json")).json
            assert (compared["report"], compared["chain"]["ties_out"]) == (None, True)

    run()


@pytest.mark.parametrize("width", [60, 100])
def test_the_report_lines_up_on_a_terminal(tieout: CommandLine, width: int) -> None:
    @in_loop
    async def run() -> None:
        async with venue(tieout, seed=1_000 + width) as at:
            lines = await at.screen(width, *at.by_chain, "--from-block", "0")
            shown = [line for line in lines if line.strip()]
            assert max(map(len, shown)) <= width
            head = next(line for line in shown if line.startswith(("condition", "token")))
            rows = shown[shown.index(head) + 1 :]
            place = head.index("shares") + len("shares")
            positions = rows[: next(i for i, line in enumerate(rows) if line.startswith("─"))]
            assert positions
            assert {line[place - 7] for line in positions} == {"."}, "decimal points stand below each other"
            assert any(line.startswith("PnL after fees") for line in shown)

    run()


def test_C2_a_planted_micro_unit_is_named_with_block_transaction_and_movement(tieout: CommandLine) -> None:
    @in_loop
    async def run() -> None:
        async with venue(tieout, seed=902) as at:
            await at.audit(*at.by_chain, "--from-block", "0")
            planted = await at.plant(
                "UPDATE movements m SET cash = cash + 1, collateral = collateral + 1 WHERE key = (SELECT key FROM "
                "movements JOIN wallet USING (wallet_id) WHERE address = $1 AND kind = 'cash' ORDER BY chain_position "
                "DESC LIMIT 1) RETURNING key, tx_hash, chain_position >> 24 AS block"
            )
            found = await at.audit("--node", at.at.rpc[0], code=1)
            assert f"came in by block {planted['block']:,}" in found.out
            assert planted["tx_hash"] in found.out
            assert "drift 0.000001" in found.out
            assert "NOT tied out: 2 invariants do not hold (C2, L1)" in found.out
            assert f"next: tieout db rebuild --wallet {at.wallet}" in found.out
            told = (await at.audit("--node", at.at.rpc[0], "--json", code=1)).json
            (difference,) = told["chain"]["differences"]
            assert (difference["token_id"], difference["drift"]) == (None, "1")
            (where,) = difference["where"]
            assert where["block"]["number"] == planted["block"]
            assert where["transactions"][0]["movements"] == [planted["key"]]
            for width in (60, 100):
                lines = await at.screen(width, "--node", at.at.rpc[0])
                assert max(map(len, lines)) <= width
            await asyncio.to_thread(tieout, "db", "rebuild", "--wallet", at.wallet)
            await at.audit("--node", at.at.rpc[0])

    run()


def test_T2_a_wallet_without_a_node_and_then_with_one(tieout: CommandLine) -> None:
    @in_loop
    async def run() -> None:
        async with venue(tieout, seed=903) as at:
            first = await at.audit("--from-data-api", "--data-api", at.at.data_api, code=1)
            assert "stated by the Data API" in first.out
            assert "UNTRACKED" in first.out or "CONVERTED" in first.out
            assert "the chain supersedes it when it is read" in first.out
            never = await at.audit("--node", at.at.rpc[0], code=1)
            assert f"tieout audit {at.wallet} --from-chain --from-block N" in never.out.replace("\n", " ")
            told = (await at.audit("--from-data-api", "--data-api", at.at.data_api, "--json", code=1)).json
            assert told["inferred"]["tokens"] > 3
            assert told["chain"] is None
            assert {each["id"]: each["holds"] for each in told["findings"]}["I1"] is None

    run()


def test_A2_a_data_api_that_is_away_is_no_failure_beside_the_chain_and_all_without_it(tieout: CommandLine) -> None:
    @in_loop
    async def run() -> None:
        async with venue(tieout, seed=904) as at:
            words = ["--node", at.at.rpc[0], "--from-chain", "--from-block", "0"]
            done = await at.audit(*words, "--data-api", NOWHERE)
            assert "not told by the Data API: " in done.out
            assert "The books tie out: " in done.out
            quiet = await at.audit(*words, "--no-data-api")
            assert "Data API" not in quiet.out
            alone = await at.audit("--from-data-api", "--data-api", NOWHERE, code=2)
            assert "the Data API does not answer" in alone.err
            away = await at.audit("--node", NOWHERE, code=2)
            assert "CANNOT TELL by the chain: no node answers" in away.out

    run()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name one wallet"),
        (["0x12"], "expected a wallet address"),
        (["0x" + "1" * 40, "--wallet", "0x" + "2" * 40], "two different wallets"),
        (["0x" + "1" * 40, "--from-chain", "--from-data-api"], "say one of them"),
        (["0x" + "1" * 40, "--from-block", "7"], "where --from-chain begins"),
        (["0x" + "1" * 40, "--data-api", NOWHERE], "go with --from-chain or --from-data-api"),
        (["0x" + "1" * 40, "--from-chain", "--data-api", "ftp://x"], "expected http:// or https://"),
        (["0x" + "1" * 40, "--from-data-api", "--no-data-api"], "leave one of the options out"),
    ],
)
def test_options_that_do_not_go_together_are_refused(tieout: CommandLine, words: list[str], said: str) -> None:
    done = tieout("audit", *words, code=2)
    assert said in " ".join(done.err.replace("│", " ").split())
    assert done.out == ""


def test_D1_ctrl_c_says_that_the_same_command_goes_on(tieout: CommandLine) -> None:
    """The node takes the request and never answers: the command is certainly at work when it is interrupted."""
    with socket.create_server(("127.0.0.1", 0)) as node:
        node.settimeout(60)
        url = f"http://127.0.0.1:{node.getsockname()[1]}"
        words = ["audit", "0x" + "70" * 20, "--node", url, "--from-chain", "--from-block", "1", "--no-data-api"]
        with subprocess.Popen(
            [PROGRAM, *words], env=tieout.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as command:
            asked, _ = node.accept()
            with asked:
                assert asked.recv(100)
                command.send_signal(signal.SIGINT)
                out, err = command.communicate(timeout=60)
    assert command.returncode == 2
    assert "the same command goes on from there" in err
    assert out == ""


def test_I1_the_node_of_the_environment_is_asked_and_never_shown(tieout: CommandLine) -> None:
    @in_loop
    async def run() -> None:
        async with venue(tieout, seed=905) as at:
            await at.audit(*at.by_chain, "--from-block", "0")
            node = {"TIEOUT_NODE": at.at.rpc[0]}
            done = await asyncio.to_thread(tieout, "audit", "--wallet", at.wallet, "--json", **node)
            assert done.json["chain"]["ties_out"] is True
            secret = {"TIEOUT_NODE": "http://127.0.0.1:9/key-of-a-rented-node"}
            away = await asyncio.to_thread(tieout, "audit", at.wallet, code=2, **secret)
            assert "key-of-a-rented-node" not in away.out + away.err

    run()
