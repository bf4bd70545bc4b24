"""Transactions that a key sends itself: `eth_sendRawTransaction`, and the contract functions it may call.

The functions are those the official client calls from an ordinary account (polymarket-client 0.14.0,
`actions/relayer/calls.py`), and plain token transfers. Anything else is mined and reverts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eth_account import Account
from eth_hash.auto import keccak

from tieout.sim.chain import erc20, erc1155, modules
from tieout.sim.chain.adapters import user_adapter
from tieout.sim.chain.calls import Merge, Redeem, Split
from tieout.sim.chain.chain import Condition
from tieout.sim.chain.log import Emit
from tieout.sim.chain.places import CTF, P_USD, POSITION_MANAGER, ROUTER, USDC_E, USER_ADAPTERS
from tieout.sim.chain.state import Revert, State
from tieout.sim.contracts import CHAIN_ID
from tieout.sim.wire.rlp import RlpError, decode
from tieout.sim.wire.rpc_filters import SERVER_ERROR, RpcError
from tieout.sim.world import World
from tieout.venue.abi import address, array, word
from tieout.venue.wire import WireError


@dataclass(frozen=True, slots=True)
class ContractCall:
    """*sender* calls *to* with *data*; `world` says which conditions there are."""

    sender: str
    to: str
    data: bytes
    world: World

    def execute(self, state: State, emit: Emit) -> None:
        """Run the function; reverts on one that is not there and on arguments that do not decode."""
        function = _FUNCTIONS.get((self.to, self.data[:4].hex()))
        if function is None:
            raise Revert("no such function")
        try:
            function(self, state, emit)
        except WireError:
            raise Revert("arguments") from None

    def number(self, place: int) -> int:
        """Argument *place* as a number."""
        return word(self.data[4:], place)

    def address(self, place: int) -> str:
        """Argument *place* as an address."""
        return address(self.number(place))

    def array(self, place: int) -> tuple[int, ...]:
        """Argument *place* as a list of numbers."""
        return array(self.data[4:], place)

    def condition(self, place: int) -> Condition:
        """The condition that argument *place* names, by its CTF id or its Protocol V2 id."""
        exchange, named = self.world.exchange, self.number(place)
        market = exchange.markets.get(f"0x{named:064x}") or exchange.by_token.get(named)
        if market is None:
            raise Revert("no such condition")
        return Condition.of(market)


Function = Callable[[ContractCall, State, Emit], None]


def _approve(call: ContractCall, state: State, emit: Emit) -> None:
    erc20.approve(state, emit, call.to, call.sender, call.address(0), call.number(1))


def _transfer(call: ContractCall, state: State, emit: Emit) -> None:
    erc20.transfer(state, emit, call.to, call.sender, call.address(0), call.number(1))


def _set_approval(call: ContractCall, state: State, emit: Emit) -> None:
    erc1155.set_approval(state, emit, call.to, call.sender, call.address(0), approved=bool(call.number(1)))


def _transfer_one(call: ContractCall, state: State, emit: Emit) -> None:
    sides = (call.sender, call.address(0), call.address(1))
    erc1155.transfer(state, emit, call.to, *sides, call.number(2), call.number(3))


def _transfer_batch(call: ContractCall, state: State, emit: Emit) -> None:
    sides = (call.sender, call.address(0), call.address(1))
    erc1155.transfer_batch(state, emit, call.to, *sides, call.array(2), call.array(3))


def _adapted(call: ContractCall) -> Condition:
    """The condition of a call to a collateral adapter, which must be the one for it."""
    condition = call.condition(2)
    if user_adapter(condition) != call.to:
        raise Revert("not a condition of this adapter")
    return condition


def _split(call: ContractCall, state: State, emit: Emit) -> None:
    Split(call.sender, _adapted(call), call.number(4)).execute(state, emit)


def _merge(call: ContractCall, state: State, emit: Emit) -> None:
    Merge(call.sender, _adapted(call), call.number(4)).execute(state, emit)


def _redeem(call: ContractCall, state: State, emit: Emit) -> None:
    Redeem(call.sender, _adapted(call)).execute(state, emit)


def _router_split(call: ContractCall, state: State, emit: Emit) -> None:
    modules.router_split(state, emit, call.sender, call.condition(0), call.number(1))


def _router_merge(call: ContractCall, state: State, emit: Emit) -> None:
    modules.router_merge(state, emit, call.sender, call.condition(0), call.number(1))


def _router_redeem(call: ContractCall, state: State, emit: Emit) -> None:
    outcome = call.number(1)
    if outcome > 1:
        raise Revert("no such outcome")
    modules.router_redeem(state, emit, call.sender, call.condition(0), outcome, call.number(2))


_SIGNATURES: tuple[tuple[tuple[str, ...], str, Function], ...] = (
    ((P_USD, USDC_E), "approve(address,uint256)", _approve),
    ((P_USD, USDC_E), "transfer(address,uint256)", _transfer),
    ((CTF, POSITION_MANAGER), "setApprovalForAll(address,bool)", _set_approval),
    ((CTF, POSITION_MANAGER), "safeTransferFrom(address,address,uint256,uint256,bytes)", _transfer_one),
    ((CTF, POSITION_MANAGER), "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)", _transfer_batch),
    (USER_ADAPTERS, "splitPosition(address,bytes32,bytes32,uint256[],uint256)", _split),
    (USER_ADAPTERS, "mergePositions(address,bytes32,bytes32,uint256[],uint256)", _merge),
    (USER_ADAPTERS, "redeemPositions(address,bytes32,bytes32,uint256[])", _redeem),
    ((ROUTER,), "split(bytes31,uint256)", _router_split),
    ((ROUTER,), "merge(bytes31,uint256)", _router_merge),
    ((ROUTER,), "redeem(bytes31,uint256,uint256)", _router_redeem),
)
_FUNCTIONS: dict[tuple[str, str], Function] = {
    (to, keccak(signature.encode())[:4].hex()): function
    for contracts, signature, function in _SIGNATURES
    for to in contracts
}


@dataclass(frozen=True, slots=True)
class Signed:
    """What matters of a signed transaction."""

    chain_id: int
    nonce: int
    to: str
    data: bytes


def read_signed(raw: bytes) -> Signed:
    """The fields of a transaction of type 0 (with a chain id), 1 or 2. Raises RpcError."""
    typed = raw[:1] in (b"\x01", b"\x02")
    try:
        rows = decode(raw[1:] if typed else raw)
    except RlpError as error:
        raise RpcError(SERVER_ERROR, f"rlp: {error}") from None
    places = (0, 1, 4 + raw[0] - 1, 6 + raw[0] - 1) if typed else (6, 0, 3, 5)
    if not isinstance(rows, list) or len(rows) < 9:
        raise RpcError(SERVER_ERROR, "rlp: too few elements")
    picked = [row for place in places if isinstance(row := rows[place], bytes)]
    if len(picked) != len(places):
        raise RpcError(SERVER_ERROR, "rlp: expected input string or byte")
    chain, nonce, to, calldata = picked
    chain_id = _whole(chain) if typed else (_whole(chain) - 35) // 2
    return Signed(chain_id, _whole(nonce), "0x" + to.hex(), calldata)


def _whole(value: bytes) -> int:
    return int.from_bytes(value, "big")


class Mailbox:
    """Takes signed transactions in, in the order of each sender's nonces."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sent: dict[str, list[str]] = {}

    def count(self, sender: str, *, mined: bool) -> int:
        """The sender's next nonce; with *mined* only transactions in blocks count."""
        sent = self._sent.get(sender, [])
        return sum(self._world.chain.receipt(each) is not None for each in sent) if mined else len(sent)

    def send(self, raw: bytes) -> str:
        """Take a transaction in: its hash. Raises RpcError in go-ethereum's words."""
        signed = read_signed(raw)
        if signed.chain_id != CHAIN_ID:
            raise RpcError(SERVER_ERROR, f"invalid chain id for signer: have {signed.chain_id} want {CHAIN_ID}")
        try:
            sender = str(Account.recover_transaction(raw)).lower()
        except Exception:  # noqa: BLE001 (the library raises whatever its parts raise)
            raise RpcError(SERVER_ERROR, "invalid sender") from None
        tx_hash, sent = "0x" + keccak(raw).hex(), self._sent.setdefault(sender, [])
        if tx_hash in sent:
            raise RpcError(SERVER_ERROR, "already known")
        if signed.nonce != len(sent):
            side = "low" if signed.nonce < len(sent) else "high"
            raise RpcError(SERVER_ERROR, f"nonce too {side}: next nonce {len(sent)}, tx nonce {signed.nonce}")
        call = ContractCall(sender, signed.to, signed.data, self._world)
        sent.append(self._world.chain.submit(call, sender=sender, tx_hash=tx_hash))
        return tx_hash

    def dry_run(self, sender: str, to: str, data: bytes) -> str | None:
        """The reason why a call would revert now; None when it would not."""
        state = self._world.chain.state
        mark = state.mark()
        try:
            ContractCall(sender, to, data, self._world).execute(state, _nowhere)
        except Revert as revert:
            return revert.reason
        finally:
            state.undo_to(mark)
        return None


def _nowhere(*_log: Any) -> None:
    """Logs of a dry run go nowhere."""
