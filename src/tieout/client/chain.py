"""What is asked of the chain: blocks, logs, receipts, and balances at one block (`polymarket.md` 6).

Amounts are base units, which are micro-units for pUSD and outcome tokens. Each call raises VenueError, or
CallFailedError when the node refuses it (a range too wide, a revert).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from tieout.client.errors import ErrorKind, Meaning, VenueError
from tieout.client.pages import as_row
from tieout.client.rpc import Rpc, RpcCall
from tieout.venue.abi import array, hex_bytes, quantity, words
from tieout.venue.addresses import CTF
from tieout.venue.wire import WireError

T = TypeVar("T")

Tag = Literal["latest", "finalized", "safe", "earliest"]
BlockRef = int | str
"""A block by number, tag, or hash (0x and 64 digits, which no reorganisation can change)."""

VECTORS_MAX = 50
"""Conditions asked about in one request, two calls for each."""

BALANCE_OF_TOKEN = "0x00fdd58e"  # noqa: S105 (balanceOf(address,uint256))
BALANCE_OF_BATCH = "0x4e1273f4"  # balanceOfBatch(address[],uint256[])
BALANCE_OF = "0x70a08231"  # balanceOf(address)
ALLOWANCE = "0xdd62ed3e"  # allowance(address,address)
PAYOUT_NUMERATORS = "0x0504c814"  # payoutNumerators(bytes32,uint256)
APPROVED_FOR_ALL = "0xe985e9c5"  # isApprovedForAll(address,address)


@dataclass(frozen=True, slots=True)
class BlockHead:
    """A block's place and time."""

    number: int
    hash: str
    parent_hash: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Logs from block to block, both included. `topics`: for each place one of several, None for any."""

    first: int
    last: int
    addresses: tuple[str, ...] = ()
    topics: tuple[tuple[str, ...] | None, ...] = ()


class Chain:
    """Typed calls over *rpc*."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    async def chain_id(self) -> int:
        """Which chain the node is of; Polygon is 137."""
        result = await self._rpc.ask(RpcCall("eth_chainId"))
        return _read("eth_chainId", lambda: quantity(result, "result"))

    async def code(self, address: str, at: BlockRef = "latest") -> bytes:
        """The code at an address; empty for an account of a key, and where nothing is yet."""
        result = await self._rpc.ask(RpcCall("eth_getCode", (address, _place(at))))
        return _read("eth_getCode", lambda: hex_bytes(result, "result"))

    async def block(self, ref: BlockRef) -> BlockHead | None:
        """The block at a number, tag or hash; None when there is none."""
        by_hash = isinstance(ref, str) and len(ref) == 66
        method = "eth_getBlockByHash" if by_hash else "eth_getBlockByNumber"
        result = await self._rpc.ask(RpcCall(method, (_place(ref), False)))
        return _read(method, lambda: None if result is None else _head(as_row(result, "block")))

    async def blocks(self, numbers: Sequence[int]) -> list[BlockHead | None]:
        """The blocks at *numbers*, in one request; None for each that the node does not have."""
        method = "eth_getBlockByNumber"
        results = await self._rpc.batch([RpcCall(method, (hex(number), False)) for number in numbers])
        return _read(method, lambda: [None if row is None else _head(as_row(row, "block")) for row in results])

    async def window(self, wanted: Sequence[LogFilter], last: int, kind: str = "") -> list[Any]:
        """The answers of one node to all of *wanted* together, recorded as *kind*; `venue.chain_window` reads them.

        Raises VenueError when the node has not reached block *last*: it would leave out logs and not say so.
        """
        calls = [RpcCall("eth_getLogs", (_query(each),)) for each in wanted]
        *found, top = await self._rpc.batch([*calls, RpcCall("eth_blockNumber")], kind=kind)
        if _read("eth_blockNumber", lambda: quantity(top, "result")) < last:
            raise VenueError(
                ErrorKind.TRANSIENT, Meaning.UNREADABLE, "eth_getLogs", f"the node has not reached block {last} yet"
            )
        return [{"result": logs} for logs in found]

    async def receipt(self, tx_hash: str) -> dict[str, Any] | None:
        """The receipt as it came, not recorded; None where the transaction is not in a block."""
        result = await self._rpc.ask(RpcCall("eth_getTransactionReceipt", (tx_hash,)))
        return _read("eth_getTransactionReceipt", lambda: None if result is None else as_row(result, "receipt"))

    async def receipts(self, tx_hashes: Sequence[str]) -> tuple[bool | None, ...]:
        """Whether each transaction succeeded, None where it is not mined; the logs are in the recorded body."""
        calls = [RpcCall("eth_getTransactionReceipt", (tx_hash,)) for tx_hash in tx_hashes]
        results = await self._rpc.batch(calls, kind="receipt") if calls else []
        return _read("eth_getTransactionReceipt", lambda: tuple(map(_succeeded, results)))

    async def token_balance(self, ledger: str, wallet: str, token_id: str, at: BlockRef) -> int:
        """Shares of one outcome token at the end of a block."""
        data = BALANCE_OF_TOKEN + _word(wallet) + _word(int(token_id))
        return await self._number(ledger, data, at)

    async def token_balances(self, ledger: str, wallet: str, token_ids: Sequence[str], at: BlockRef) -> tuple[int, ...]:
        """Shares of several outcome tokens at the end of a block, in their order, in one call."""
        count = len(token_ids)
        owners = _word(count) + _word(wallet) * count
        tokens = _word(count) + "".join(_word(int(token_id)) for token_id in token_ids)
        data = BALANCE_OF_BATCH + _word(64) + _word(64 + len(owners) // 2) + owners + tokens
        result = await self._call(ledger, data, at)

        def read() -> tuple[int, ...]:
            found = array(hex_bytes(result, "result"), 0)
            if len(found) != count:
                raise WireError(f"result: expected {count} balances, was {len(found)}")
            return found

        return _read("balanceOfBatch", read)

    async def balance(self, coin: str, wallet: str, at: BlockRef) -> int:
        """Base units of an ERC-20 coin at the end of a block."""
        return await self._number(coin, BALANCE_OF + _word(wallet), at)

    async def allowance(self, coin: str, wallet: str, spender: str, at: BlockRef) -> int:
        """Base units of a coin that *spender* may take."""
        return await self._number(coin, ALLOWANCE + _word(wallet) + _word(spender), at)

    async def payouts(self, condition_ids: Sequence[str], at: BlockRef) -> list[tuple[int, int]]:
        """The CTF's payout numerators of conditions of two outcomes, in their order; both 0 while one is not resolved.

        VECTORS_MAX of them are asked about in one request.
        """
        found: list[tuple[int, int]] = []
        for start in range(0, len(condition_ids), VECTORS_MAX):
            asked = condition_ids[start : start + VECTORS_MAX]
            calls = [
                self._call_of(CTF, PAYOUT_NUMERATORS + _word(condition_id) + _word(outcome), at)
                for condition_id in asked
                for outcome in (0, 1)
            ]
            results = await self._rpc.batch(calls)
            numbers = [_number(result) for result in results]
            found += list(zip(numbers[::2], numbers[1::2], strict=True))
        return found

    async def is_approved(self, ledger: str, wallet: str, operator: str, at: BlockRef) -> bool:
        """Whether *operator* may take outcome tokens."""
        return await self._number(ledger, APPROVED_FOR_ALL + _word(wallet) + _word(operator), at) != 0

    async def _call(self, to: str, data: str, at: BlockRef) -> Any:
        return await self._rpc.ask(self._call_of(to, data, at))

    def _call_of(self, to: str, data: str, at: BlockRef) -> RpcCall:
        place = {"blockHash": at} if isinstance(at, str) and len(at) == 66 else _place(at)
        return RpcCall("eth_call", ({"to": to, "data": data}, place))

    async def _number(self, to: str, data: str, at: BlockRef) -> int:
        return _number(await self._call(to, data, at))


def _read(method: str, read: Callable[[], T]) -> T:
    """What *read* gives; a result of another shape is a VenueError."""
    try:
        return read()
    except WireError as error:
        raise VenueError(ErrorKind.TRANSIENT, Meaning.UNREADABLE, method, str(error), status=200) from None


def _number(result: Any) -> int:
    return _read("eth_call", lambda: words(hex_bytes(result, "result"), 1)[0])


def _query(wanted: LogFilter) -> dict[str, Any]:
    query: dict[str, Any] = {"fromBlock": hex(wanted.first), "toBlock": hex(wanted.last)}
    if wanted.addresses:
        query["address"] = list(wanted.addresses)
    if wanted.topics:
        query["topics"] = [None if topic is None else list(topic) for topic in wanted.topics]
    return query


def _place(ref: BlockRef) -> str:
    return hex(ref) if isinstance(ref, int) else ref


def _word(value: int | str) -> str:
    """An argument of 32 bytes: a number or an address."""
    return f"{int(value, 16) if isinstance(value, str) else value:064x}"


def _head(row: dict[str, Any]) -> BlockHead:
    return BlockHead(
        number=quantity(row.get("number"), "number"),
        hash=str(row.get("hash")).lower(),
        parent_hash=str(row.get("parentHash")).lower(),
        at_ms=quantity(row.get("timestamp"), "timestamp") * 1000,
    )


def _succeeded(result: Any) -> bool | None:
    return None if result is None else quantity(as_row(result, "receipt").get("status"), "status") == 1
