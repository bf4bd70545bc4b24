"""`tieout certify` and `tieout verify`, as people run them, against a venue that is served by another process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from cli.command_line import CommandLine
from cli.worker_venue import served
from tieout.app import certificate as form

NOBODY = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Client:
    """A wallet whose books are read up to the last final block."""

    tieout: CommandLine
    wallet: str
    node: str
    base: str

    def goes_on(self, minutes: int = 2) -> None:
        """Simulated minutes pass, and the books are read on."""
        httpx.post(f"{self.base}/control/advance", json={"ms": minutes * 60_000}, timeout=60).raise_for_status()
        self.tieout("watch", self.wallet, "--node", self.node, "--from-block", "0", "--once")


@pytest.fixture(scope="module")
def client(tieout: CommandLine) -> Iterator[Client]:
    with served("--another-bot", "--human", "--speed", "0", seed=961) as venue:
        made = Client(tieout, venue["address"], venue["node"], venue["node"].removesuffix("/rpc"))
        made.goes_on()
        yield made


@pytest.fixture(scope="module")
def data(client: Client) -> bytes:
    """A certificate of that wallet."""
    return client.tieout("certify", client.wallet, "--node", client.node).out.encode()


def test_a_certificate_is_made_and_holds(client: Client, tmp_path: Path):
    path = tmp_path / "wallet.json"
    made = client.tieout("certify", client.wallet, "--node", client.node, "--out", path)
    assert " CERTIFIED " in made.out
    read = form.read(path.read_bytes())
    assert read.certificate is not None
    assert read.certificate.wallet == client.wallet
    assert sum(int(each.shares) > 0 for each in read.certificate.positions) > 1
    alone = client.tieout("verify", path)
    assert "UNCHANGED" in alone.out
    assert "not checked by the node: say --node URL" in alone.out
    assert "not checked by the log: say --log" in alone.out
    by_node = client.tieout("verify", path, "--node", client.node)
    assert "not folded again from the log" in by_node.out
    whole = client.tieout("verify", path, "--node", client.node, "--log")
    assert "the chain and the log say the same, to the micro-unit" in whole.out
    assert whole.out.count("✓") == 11
    found = client.tieout("verify", path, "--node", client.node, "--log", "--json").json
    assert (found["holds"], {check["state"] for check in found["checks"]}) == (True, {"holds"})
    told = client.tieout("certify", client.wallet, "--node", client.node, "--out", tmp_path / "b.json", "--json").json
    assert (told["certified"], told["digest"][:7]) == (True, "sha256:")


def test_without_a_file_the_certificate_alone_is_the_output(data: bytes):
    read = form.read(data)
    assert read.certificate is not None
    assert (read.flaws, form.written(read.certificate)) == ((), data)


def test_a_certificate_is_never_written_over(client: Client, tmp_path: Path):
    path = tmp_path / "c.json"
    path.write_text("of last month")
    again = client.tieout("certify", client.wallet, "--node", client.node, "--out", path, code=2)
    assert "is there already" in again.err
    assert path.read_text() == "of last month"


def test_a_changed_byte_is_told_with_its_place(client: Client, data: bytes, tmp_path: Path):
    path = tmp_path / "c.json"
    at = data.index(b'"number"')
    path.write_bytes(data[:at] + b" " + data[at:])
    found = client.tieout("verify", path, code=1)
    line = data[:at].count(b"\n") + 1
    assert f"byte {at + 1:,}, line {line}" in found.out
    assert "DOES NOT HOLD" in found.out
    assert "ask whoever gave it to you" in found.out


def test_a_forged_balance_is_found_by_the_chain_and_by_the_log(client: Client, data: bytes, tmp_path: Path):
    path = tmp_path / "c.json"
    content = json.loads(data)
    position = next(each for each in content["positions"] if int(each["shares"]) > 0)
    position["shares"] = str(int(position["shares"]) + 1)
    content["digest"] = form.digest_of(content)
    path.write_bytes(form.canonical(content))
    client.tieout("verify", path)
    by_node = client.tieout("verify", path, "--node", client.node, code=1)
    assert f"positions[{content['positions'].index(position)}].shares" in by_node.out
    by_log = client.tieout("verify", path, "--log", code=1)
    assert "the log gives" in by_log.out
    found = client.tieout("verify", path, "--log", "--json", code=1).json
    (flaw,) = [flaw for check in found["checks"] for flaw in check["flaws"]]
    assert set(flaw) == {"where", "what", "advice"}


def test_what_cannot_be_told_is_no_forgery(client: Client, data: bytes, tmp_path: Path):
    path = tmp_path / "c.json"
    path.write_bytes(data)
    content = json.loads(data)
    away = client.tieout("verify", path, "--node", NOBODY, code=2)
    assert "CANNOT TELL" in away.out
    assert "no node answered" in away.out
    content["wallet"] = "0x" + "71" * 20
    content["digest"] = form.digest_of(content)
    path.write_bytes(form.canonical(content))
    assert "this database has no books of wallet 0x717" in client.tieout("verify", path, "--log", code=2).out
    client.tieout("verify", path, "--node", client.node, "--log", code=1)
    assert "No such file" in client.tieout("verify", tmp_path / "none.json", code=2).err


def test_a_file_that_is_no_certificate_is_told_so(client: Client, tmp_path: Path):
    path = tmp_path / "c.json"
    for content in b"", b"{}\n", b"\xff\x00", b"[1, 2]":
        path.write_bytes(content)
        found = client.tieout("verify", path, "--node", client.node, "--log", code=1)
        assert "is no certificate any more" in found.out
        assert found.err == ""


def test_a_wallet_nobody_has_read_is_not_certified(client: Client):
    asked = client.tieout("certify", "0x" + "71" * 20, "--node", client.node, code=2)
    assert "tieout watch" in asked.err
    assert "--from-block" in asked.err
    final = client.tieout("certify", client.wallet, "--node", client.node, "--block", "999999999", code=2)
    assert "not final yet" in final.err
    away = client.tieout("certify", client.wallet, "--node", NOBODY, code=2)
    assert "no node answered" in away.err
    assert away.out == ""


def test_books_that_differ_from_the_chain_are_not_certified(tieout: CommandLine, tmp_path: Path):
    """A purchase that the Data API tells of, years before the block, and that no balance shows."""
    with served("--another-bot", "--speed", "0", seed=962) as venue:
        client = Client(tieout, venue["address"], venue["node"], venue["node"].removesuffix("/rpc"))
        client.goes_on()
        row = {
            "proxyWallet": client.wallet, "timestamp": 1700000000, "conditionId": "0x" + "c0" * 32, "type": "TRADE",
            "size": 0.000001, "usdcSize": 0, "transactionHash": f"0x{5:064x}", "price": 0.4,
            "asset": "1234567890" * 7, "side": "BUY", "outcomeIndex": 0,
        }  # fmt: skip
        (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
        tieout("import", "--wallet", client.wallet, tmp_path / "rows.jsonl")
        path = tmp_path / "c.json"
        refused = tieout("certify", client.wallet, "--node", client.node, "--out", path, code=1)
        assert "NOT CERTIFIED" in refused.err
        assert "token 12345678…567890  books 0.000001 shares, chain 0.000000 shares" in refused.err
        assert f"--wallet {client.wallet}" in refused.err
        assert (refused.out, path.exists()) == ("", False)
        found = tieout("certify", client.wallet, "--node", client.node, "--json", code=1).json
        assert (found["certified"], len(found["flaws"])) == (False, 1)
