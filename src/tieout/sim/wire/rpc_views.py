"""Blocks, transactions, receipts and logs as a node writes them: quantities as short hex, bytes as even hex.

Field names and forms are those of the recorded receipts (`real/receipts/`), the rest go-ethereum's. What the simulator
has no use for (roots, gas, signatures) is made up, but the same each time and for everybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from eth_hash.auto import keccak

from tieout.sim.chain.block import Block, Receipt, Transaction
from tieout.sim.chain.log import Log
from tieout.sim.contracts import CHAIN_ID
from tieout.sim.wire.rpc_targets import target
from tieout.venue.addresses import ZERO

View = dict[str, Any]

GAS_PRICE = 30_000_000_000
"""Wei for a unit of gas."""

BASE_FEE = 25_000_000_000
GAS_LIMIT = 45_000_000
_GAS_A_CALL, _GAS_A_LOG = 21_000, 26_000
_EMPTY_UNCLES = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"


def quantity(value: int) -> str:
    """A number as JSON-RPC wants it: no leading zeros."""
    return hex(value)


def word(value: int | str) -> str:
    """32 bytes of a number, or of an address."""
    return f"{value:064x}" if isinstance(value, int) else value[2:].lower().rjust(64, "0")


def gas_of(receipt: Receipt) -> int:
    """The gas a transaction used."""
    return _GAS_A_CALL + _GAS_A_LOG * len(receipt.logs)


@lru_cache(maxsize=65_536)
def _bits(item: str) -> int:
    """The three bits that an address or topic sets in a 2048-bit log filter (Ethereum yellow paper, 4.3.1)."""
    digest = keccak(bytes.fromhex(item[2:]))
    bits = 0
    for place in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[place : place + 2], "big") & 2047)
    return bits


def bloom(logs: Iterable[Log]) -> str:
    """The log filter of a block or receipt."""
    bits = 0
    for log in logs:
        bits |= _bits(log.address)
        for topic in log.topics:
            bits |= _bits(topic)
    return f"0x{bits:0512x}"


def log_view(log: Log, *, removed: bool = False) -> View:
    """One log."""
    return {
        "address": log.address,
        "topics": list(log.topics),
        "data": log.data,
        "blockNumber": quantity(log.block_number),
        "transactionHash": log.tx_hash,
        "transactionIndex": quantity(log.tx_index),
        "blockHash": log.block_hash,
        "blockTimestamp": quantity(log.block_timestamp_s),
        "logIndex": quantity(log.log_index),
        "removed": removed,
    }


def receipt_view(receipt: Receipt) -> View:
    """The receipt of a mined transaction; status 0x0 when it reverted."""
    before = receipt.block.receipts[: receipt.tx_index + 1]
    return {
        "blockHash": receipt.block_hash,
        "blockNumber": quantity(receipt.block_number),
        "contractAddress": None,
        "cumulativeGasUsed": quantity(sum(map(gas_of, before))),
        "effectiveGasPrice": quantity(GAS_PRICE),
        "from": receipt.sender,
        "gasUsed": quantity(gas_of(receipt)),
        "logs": [log_view(log) for log in receipt.logs],
        "logsBloom": bloom(receipt.logs),
        "status": quantity(receipt.status),
        "to": target(receipt.transaction.call),
        "transactionHash": receipt.tx_hash,
        "transactionIndex": quantity(receipt.tx_index),
        "type": "0x2",
    }


def transaction_view(transaction: Transaction, receipt: Receipt | None) -> View:
    """A transaction; block and place are null while it waits. Calldata is not kept, so `input` is empty."""
    signature = made_up("signature", transaction.tx_hash)
    return {
        "accessList": [],
        "blockHash": receipt.block_hash if receipt else None,
        "blockNumber": quantity(receipt.block_number) if receipt else None,
        "chainId": quantity(CHAIN_ID),
        "from": transaction.sender,
        "gas": quantity(gas_of(receipt) if receipt else GAS_LIMIT // 30),
        "gasPrice": quantity(GAS_PRICE),
        "hash": transaction.tx_hash,
        "input": "0x",
        "maxFeePerGas": quantity(2 * GAS_PRICE),
        "maxPriorityFeePerGas": quantity(GAS_PRICE - BASE_FEE),
        "nonce": "0x0",
        "r": signature,
        "s": signature,
        "to": target(transaction.call),
        "transactionIndex": quantity(receipt.tx_index) if receipt else None,
        "type": "0x2",
        "v": "0x0",
        "value": "0x0",
        "yParity": "0x0",
    }


def header_view(block: Block) -> View:
    """A block's header, as `newHeads` sends it."""
    return {
        "baseFeePerGas": quantity(BASE_FEE),
        "difficulty": "0x1",
        "extraData": "0x",
        "gasLimit": quantity(GAS_LIMIT),
        "gasUsed": quantity(sum(map(gas_of, block.receipts))),
        "hash": block.hash,
        "logsBloom": bloom(block.logs),
        "miner": ZERO,
        "mixHash": word_of_zero(),
        "nonce": "0x" + "0" * 16,
        "number": quantity(block.number),
        "parentHash": block.parent_hash,
        "receiptsRoot": made_up("receipts", block.hash),
        "sha3Uncles": _EMPTY_UNCLES,
        "stateRoot": state_root(block),
        "timestamp": quantity(block.timestamp_s),
        "transactionsRoot": made_up("transactions", block.hash),
    }


def block_view(block: Block, *, full: bool) -> View:
    """A block with its transactions, whole or by their hashes."""
    transactions: list[Any] = [receipt.tx_hash for receipt in block.receipts]
    if full:
        transactions = [transaction_view(receipt.transaction, receipt) for receipt in block.receipts]
    return header_view(block) | {
        "size": quantity(600 + 500 * len(block.receipts)),
        "transactions": transactions,
        "uncles": [],
    }


def state_root(block: Block) -> str:
    """The root of the state at the end of the block."""
    return made_up("state", block.hash)


def word_of_zero() -> str:
    """32 zero bytes."""
    return "0x" + "0" * 64


def made_up(name: str, of: str) -> str:
    """32 bytes that nobody can check here, the same each time."""
    return "0x" + hashlib.sha256(f"{name}/{of}".encode()).hexdigest()
