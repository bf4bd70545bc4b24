"""A real Ethereum machine on this computer: `make evm` fetches it once, with the real ConditionalTokens.

Anvil listens on loopback only, on a port of its own choice, mines when it is told to, and ends with the test. Its clock
is its own: two seconds a block, from the same moment in every run.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from eth_abi.abi import encode
from eth_hash.auto import keccak

MODULES = Path(__file__).parent / "node_modules"
START_S = 1_790_000_000
GAS = 10_000_000


class RefusedError(Exception):
    """The machine answered a call with an error, or a transaction reverted."""


def call_data(signature: str, *arguments: Any) -> str:
    """The input of a call. Words of 32 bytes may be given as hex."""
    types = signature[signature.index("(") + 1 : -1].split(",")
    given = [bytes.fromhex(a[2:]) if t == "bytes32" else a for t, a in zip(types, arguments, strict=True)]
    return "0x" + (keccak(signature.encode())[:4] + encode(types, given)).hex()


def shipped(package: str, contract: str, code: str = "deployedBytecode") -> str:
    """The code of a contract as its package ships it: what stands on chain, or with "bytecode" what creates it."""
    found: str = json.loads((_installed() / package / "build" / "contracts" / f"{contract}.json").read_text())[code]
    return found


def compiled(contract: str) -> str:
    """The code of a contract of `contracts`, as it stands on chain."""
    found: str = json.loads((_installed() / ".contracts.json").read_text())[contract]
    return found


def _installed() -> Path:
    assert (MODULES / ".installed").exists(), "the local EVM is not installed: run `make evm` once (it needs npm)"
    return MODULES


@dataclass
class Evm:
    """A running machine. Numbers of blocks are plain; calls raise RefusedError."""

    url: str
    accounts: list[str] = field(default_factory=list)
    """Addresses without code whose transactions need no key."""

    def __post_init__(self) -> None:
        self._http = httpx.Client(timeout=10, trust_env=False)

    def close(self) -> None:
        """Let the connection go."""
        self._http.close()

    def rpc(self, method: str, *params: Any) -> Any:
        """The result of one JSON-RPC call."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = self._http.post(self.url, json=body).json()
        if "error" in answer:
            raise RefusedError(answer["error"]["message"])
        return answer["result"]

    # blocks

    def mine(self) -> int:
        """A block of what was submitted; its number."""
        self.rpc("evm_mine")
        return self.height()

    def height(self, tag: str = "latest") -> int:
        """The number of the newest block, or of the one called *tag*."""
        return int(self.rpc("eth_getBlockByNumber", tag, False)["number"], 16)

    def hash_of(self, block: int) -> str:
        """The hash of a block."""
        found: str = self.rpc("eth_getBlockByNumber", hex(block), False)["hash"]
        return found

    # transactions

    def submit(self, sender: str, to: str | None, data: str) -> str:
        """A transaction for the next block; its hash."""
        transaction = {"from": sender, "data": data, "gas": hex(GAS), **({"to": to} if to else {})}
        tx_hash: str = self.rpc("eth_sendTransaction", transaction)
        return tx_hash

    def receipt(self, tx_hash: str) -> dict[str, Any]:
        """The receipt of a mined transaction. Raises RefusedError when it reverted."""
        receipt: dict[str, Any] = self.rpc("eth_getTransactionReceipt", tx_hash)
        if receipt["status"] != "0x1":
            raise RefusedError("reverted")
        return receipt

    def send(self, sender: str, to: str | None, data: str) -> dict[str, Any]:
        """A transaction in a block of its own: its receipt."""
        tx_hash = self.submit(sender, to, data)
        self.mine()
        return self.receipt(tx_hash)

    # contracts

    def deploy(self, code: str) -> str:
        """The address of a new contract."""
        address: str = self.send(self.accounts[0], None, code)["contractAddress"]
        return address.lower()

    def place(self, address: str, code: str) -> None:
        """Put a contract where the venue has it; its storage is empty."""
        self.rpc("anvil_setCode", address, code)

    def words(self, to: str, data: str, block: int | None = None) -> list[int]:
        """The words that a read answers at a block."""
        answer = self.rpc("eth_call", {"to": to, "data": data}, "latest" if block is None else hex(block))[2:]
        return [int(answer[place : place + 64], 16) for place in range(0, len(answer), 64)]

    def store(self, address: str, slots: Sequence[int | str], value: int) -> None:
        """Write a word that stands in nested mappings: the slot of the outer one, then the keys. No log tells of it."""
        place = f"{int(slots[0]):064x}"
        for key in slots[1:]:
            word = int(key, 16) if isinstance(key, str) else key
            place = keccak(bytes.fromhex(f"{word:064x}{place}")).hex()
        self.rpc("anvil_setStorageAt", address, "0x" + place, f"0x{value:064x}")


@contextmanager
def running(final_after: int = 0) -> Iterator[Evm]:
    """Anvil for as long as the context lasts; a block is final when 2 x *final_after* more have come."""
    (binary,) = (_installed() / "@foundry-rs").glob("anvil-*/bin/anvil*")
    options = ["--host", "127.0.0.1", "--port", "0", "--no-mining", "--order", "fifo"]
    options += ["--timestamp", str(START_S), "--slots-in-an-epoch", str(final_after)]
    with subprocess.Popen(
        [str(binary), *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as anvil:
        try:
            assert anvil.stdout
            listening = next((line for line in anvil.stdout if line.startswith("Listening on")), None)
            assert listening, "anvil did not start"
            threading.Thread(target=anvil.stdout.read, daemon=True).start()  # a full pipe would stop the machine
            machine = Evm(f"http://127.0.0.1:{listening.rsplit(':', 1)[1].strip()}")
            machine.accounts = [account.lower() for account in machine.rpc("eth_accounts")]
            machine.rpc("anvil_setBlockTimestampInterval", 2)
            yield machine
            machine.close()
        finally:
            anvil.terminate()
