"""A real Ethereum machine on this computer, with the real ConditionalTokens on it.

The npm packages are installed once into the project's cache, under a file lock, because several test processes may
start at the same time. Anvil listens on loopback only, on a port of its own choice, and ends with the test.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

from tieout.sim.chain.log import encode

CACHE = Path(__file__).resolve().parents[3] / ".cache" / "evm"
PACKAGES = {
    "@foundry-rs/anvil": "1.7.1",
    "@gnosis.pm/conditional-tokens-contracts": "1.0.3",
    "openzeppelin-solidity": "2.3.0",
}


class RefusedError(Exception):
    """The machine answered a call with an error."""


def install() -> Path:
    """The folder of the packages, after installing them if they are not there."""
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n")
    modules, done = CACHE / "node_modules", CACHE / "installed.json"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or json.loads(done.read_text()) != PACKAGES:
            npm = shutil.which("npm")
            assert npm, "npm is needed to fetch the real contracts"
            wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
            command = [npm, "install", "--prefix", str(CACHE), "--no-audit", "--no-fund", "--ignore-scripts", *wanted]
            subprocess.run(command, check=True, capture_output=True, timeout=100)
            done.write_text(json.dumps(PACKAGES))
    return modules


def artifact(modules: Path, package: str, contract: str) -> str:
    """The creation bytecode that a package ships."""
    code: str = json.loads((modules / package / "build" / "contracts" / f"{contract}.json").read_text())["bytecode"]
    return code


def call_data(signature: str, *arguments: Any) -> str:
    """The input of a call: words, addresses and arrays of words; empty bytes are an empty array."""
    return "0x" + keccak(signature.encode())[:4].hex() + encode(arguments)[2:]


@dataclass
class Evm:
    """A running machine."""

    port: int
    accounts: list[str]

    def rpc(self, method: str, *params: Any) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        try:
            connection.request("POST", "/", body, {"content-type": "application/json"})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if "error" in answer:
            raise RefusedError(answer["error"]["message"])
        return answer["result"]

    def send(self, sender: str, to: str | None, data: str) -> dict[str, Any]:
        """A transaction, mined at once: its receipt. Raises RefusedError when it reverts."""
        transaction = {"from": sender, "data": data, "gas": "0x989680", **({"to": to} if to else {})}
        tx_hash = self.rpc("eth_sendTransaction", transaction)
        self.rpc("evm_mine")
        receipt: dict[str, Any] = self.rpc("eth_getTransactionReceipt", tx_hash)
        if receipt["status"] != "0x1":
            raise RefusedError("reverted")
        return receipt

    def deploy(self, code: str) -> str:
        address: str = self.send(self.accounts[0], None, code)["contractAddress"]
        return address.lower()

    def words(self, to: str, data: str) -> list[int]:
        """The words that a read answers."""
        answer = self.rpc("eth_call", {"to": to, "data": data}, "latest")[2:]
        return [int(answer[place : place + 64], 16) for place in range(0, len(answer), 64)]


@contextmanager
def running(modules: Path) -> Iterator[Evm]:
    """Anvil for as long as the context lasts."""
    (binary,) = (modules / "@foundry-rs").glob("anvil-*/bin/anvil*")
    command = [str(binary), "--host", "127.0.0.1", "--port", "0", "--no-mining"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout
            port = next(int(line.rsplit(":", 1)[1]) for line in process.stdout if line.startswith("Listening on"))
            threading.Thread(target=process.stdout.read, daemon=True).start()  # a full pipe would stop the machine
            machine = Evm(port, [])
            machine.accounts = [account.lower() for account in machine.rpc("eth_accounts")]
            yield machine
        finally:
            process.terminate()
