"""`eth_call`: the read functions of the contracts that clients ask, at any block.

A contract answers a selector it does not have with a revert, an address without code with nothing, as the machine does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from eth_hash.auto import keccak

from tieout.sim.chain.chain import Chain
from tieout.sim.chain.ctf import NUMERATOR, PREPARED
from tieout.sim.chain.places import NEG_RISK_ADAPTER
from tieout.sim.wire.rpc_filters import SERVER_ERROR, RpcError
from tieout.sim.wire.rpc_views import word
from tieout.sim.wire.wallets import DEPOSIT_BEACON, DEPOSIT_FACTORY
from tieout.venue.abi import address, array
from tieout.venue.abi import word as word_at
from tieout.venue.addresses import CTF, P_USD, POSITION_MANAGER, ROLE, USDC_E, WRAPPED_COLLATERAL
from tieout.venue.tokens import collection_id, position_id
from tieout.venue.wire import WireError

DECIMALS = 6
CODE = "0x60806040526004361015610011575f80fd5b5f80fd"
"""What stands at every contract: no client reads it, they only ask whether there is any."""

FACTORIES = frozenset(
    (
        "0x" + DEPOSIT_FACTORY.hex(),
        "0xab45c5a4b0c941a2f231c04c3f49182e1a254052",
        "0xaacfeea03eb1561c4e67d661e40682bd20e3541b",
    )
)
"""Deposit wallet, proxy and safe factories (`polymarket.md` 6.1)."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the contract, the arguments behind the selector, and the block whose end it reads."""

    chain: Chain
    to: str
    arguments: bytes
    block: int

    def number(self, place: int) -> int:
        """Argument *place* as a number."""
        return word_at(self.arguments, place)

    def address(self, place: int) -> str:
        """Argument *place* as an address."""
        return address(self.number(place))

    def bytes32(self, place: int) -> str:
        """Argument *place* as 32 bytes."""
        return f"0x{self.number(place):064x}"

    def at(self, *slot: str | int) -> int:
        """A slot of the contracts' storage."""
        return self.chain.state.at(slot, self.block)


Function = Callable[[Call], str]


def revert(reason: str = "") -> RpcError:
    """The contract refused; a client may read the reason (`Error(string)`)."""
    if not reason:
        return RpcError(SERVER_ERROR, "execution reverted")
    text = reason.encode()
    padded = text.hex().ljust((len(text) + 31) // 32 * 64, "0")
    return RpcError(3, f"execution reverted: {reason}", f"0x08c379a0{word(32)}{word(len(text))}{padded}")


def encoded(*values: int | str) -> str:
    """Static return values."""
    return "0x" + "".join(map(word, values))


def _cash(call: Call) -> str:
    return encoded(call.chain.cash(call.address(0), call.to, call.block))


def _allowance(call: Call) -> str:
    return encoded(call.at("allowance", call.to, call.address(0), call.address(1)))


def _tokens(call: Call) -> str:
    return encoded(call.chain.tokens(call.to, call.address(0), call.number(1), call.block))


def _tokens_batch(call: Call) -> str:
    owners, tokens = array(call.arguments, 0), array(call.arguments, 1)
    if len(owners) != len(tokens):
        raise revert("ERC1155: owners and IDs must have same lengths")
    balances = [
        call.chain.tokens(call.to, address(owner), token, call.block)
        for owner, token in zip(owners, tokens, strict=True)
    ]
    return encoded(32, len(balances), *balances)


def _approved(call: Call) -> str:
    return encoded(int(bool(call.at("approval", call.to, call.address(0), call.address(1)))))


def _numerator(call: Call) -> str:
    return encoded(call.at(NUMERATOR, call.bytes32(0), call.number(1)))


def _denominator(call: Call) -> str:
    return encoded(sum(call.at(NUMERATOR, call.bytes32(0), index) for index in (0, 1)))


def _slots(call: Call) -> str:
    return encoded(2 if call.at(PREPARED, call.bytes32(0)) else 0)


def _collection(call: Call) -> str:
    if call.number(0):
        raise revert()
    return "0x" + collection_id(call.number(1).to_bytes(32, "big"), call.number(2)).hex()


def _position(call: Call) -> str:
    return encoded(int(position_id(call.address(0), call.number(1).to_bytes(32, "big"))))


def _condition(call: Call) -> str:
    packed = bytes.fromhex(call.address(0)[2:]) + call.arguments[32:96]
    return "0x" + keccak(packed).hex()


def _selectors(functions: dict[str, Function]) -> dict[str, Function]:
    return {keccak(signature.encode())[:4].hex(): function for signature, function in functions.items()}


_ERC20 = _selectors(
    {
        "balanceOf(address)": _cash,
        "allowance(address,address)": _allowance,
        "decimals()": lambda _: encoded(DECIMALS),
    }
)
_ERC1155 = _selectors(
    {
        "balanceOf(address,uint256)": _tokens,
        "balanceOfBatch(address[],uint256[])": _tokens_batch,
        "isApprovedForAll(address,address)": _approved,
    }
)
_CTF = _selectors(
    {
        "getCollectionId(bytes32,bytes32,uint256)": _collection,
        "getConditionId(address,bytes32,uint256)": _condition,
        "getOutcomeSlotCount(bytes32)": _slots,
        "getPositionId(address,bytes32)": _position,
        "payoutDenominator(bytes32)": _denominator,
        "payoutNumerators(bytes32,uint256)": _numerator,
    }
)
_OF_CTF = _selectors(
    {
        "balanceOf(address,uint256)": lambda call: _tokens(replace(call, to=CTF)),
        "balanceOfBatch(address[],uint256[])": lambda call: _tokens_batch(replace(call, to=CTF)),
    }
)
"""The NegRiskAdapter passes these on to the CTF (its own source); the official client asks there before it merges."""

_FACTORY = _selectors({"BEACON()": lambda _: encoded("0x" + DEPOSIT_BEACON.hex())})

CONTRACTS: dict[str, dict[str, Function]] = {
    CTF: _ERC1155 | _CTF,
    NEG_RISK_ADAPTER: _OF_CTF,
    POSITION_MANAGER: _ERC1155,
    P_USD: _ERC20,
    USDC_E: _ERC20,
    WRAPPED_COLLATERAL: _ERC20,
    "0x" + DEPOSIT_FACTORY.hex(): _FACTORY,
}


def has_code(to: str) -> bool:
    """There is a contract at the address."""
    return to in ROLE or to in FACTORIES


def run(chain: Chain, to: str, data: bytes, block: int) -> str:
    """What the call returns. Raises RpcError when it reverts."""
    if not has_code(to):
        return "0x"
    function = CONTRACTS.get(to, {}).get(data[:4].hex())
    if function is None:
        raise revert()
    try:
        return function(Call(chain, to, data[4:], block))
    except WireError:
        raise revert() from None
