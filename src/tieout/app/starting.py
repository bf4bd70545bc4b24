"""What `tieout init` asks the venue and the chain, so that nobody has to look it up: each answer says why.

Nothing here changes anything, and nothing is recorded. A question without an answer is no error: it says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from tieout.app.config import SIGNATURE_KINDS, Selection
from tieout.app.market_choice import chosen
from tieout.client.chain import Chain
from tieout.client.data_api import DataApi
from tieout.client.errors import VenueError
from tieout.client.gamma import Gamma
from tieout.client.keys import PrivateKey
from tieout.client.markets import MarketInfo
from tieout.client.rpc import CallFailedError
from tieout.client.signing import signature_type_of
from tieout.quoting.grid import TICKS

MARGIN_BLOCKS = 43_200
"""About a day of Polygon's blocks: what came before the first activity row, such as tokens that were sent."""

HORIZON_MS = 86_400_000
"""A market that ends sooner is not suggested."""

_CODES: tuple[tuple[bytes, int], ...] = (
    (bytes.fromhex("363d3d373d3d3d363d73"), 1),
    (bytes.fromhex("608060405273ffffffffffffffffffffffffffffffffffffffff600054167fa619486e"), 2),
    (bytes.fromhex("363d3d373d3d363d602036600436635c60da"), 3),
    (bytes.fromhex("363d3d373d3d363d7f360894a13ba1a3210667c828492db98dca3e2076"), 3),
)
"""How the code of each kind of wallet begins: ERC-1167 clone, Safe 1.3 proxy, beacon and ERC-1967 proxy.

The last two are in the creation code of `polymarket-client` 0.14.0, `_internal/wallet.py`.
"""
_DELEGATED = bytes.fromhex("ef0100")
"""An account of a key that runs the code of a contract (EIP-7702)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What holds the tokens; `signature_type` None: it could not be told. `why` is a sentence without its end."""

    signature_type: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Start:
    """Where the wallet's history begins; `block` None: it could not be told."""

    block: int | None
    why: str


async def kind_of(chain: Chain | None, wallet: str, key: PrivateKey | None) -> Kind:
    """By the key that owns it, else by the code at its address."""
    if key is not None:
        try:
            kind = signature_type_of(key.address, wallet)
        except ValueError:
            return Kind(None, f"the private key at hand is that of {key.address}, which owns no such wallet")
        return Kind(kind, f"computed from the key of {key.address}")
    if chain is None:
        return Kind(None, "there is no node to ask")
    try:
        code = await chain.code(wallet)
    except (VenueError, CallFailedError) as error:
        return Kind(None, f"no node could tell: {error}")
    if not code or code.startswith(_DELEGATED):
        return Kind(0, "there is no contract at its address (one that was never used would look the same)")
    kind = next((kind for head, kind in _CODES if code.startswith(head)), -1)
    if kind < 0:
        return Kind(None, "the contract at its address is of no kind that is known here")
    return Kind(kind, f"the code at its address is that of a {SIGNATURE_KINDS[kind]}")


async def start_of(chain: Chain | None, data_api: DataApi, wallet: str) -> Start:
    """A block safely before the first activity that the Data API knows of; before now when it knows none."""
    how = "set it to a block before its first transaction (a block explorer shows it)"
    try:
        first = await data_api.earliest(wallet)
        if chain is None:
            return Start(None, f"there is no node to ask; {how}")
        if first is None:
            newest = await chain.block("latest")
            number = max(newest.number - MARGIN_BLOCKS, 0) if newest else 0
            return Start(number, "the Data API knows of no activity, so about a day before now")
        block = await block_at(chain, first.at_ms)
    except (VenueError, CallFailedError) as error:
        return Start(None, f"it could not be found out ({error}); {how}")
    day = datetime.fromtimestamp(first.at_ms / 1000, UTC).strftime("%Y-%m-%d")
    return Start(max(block - MARGIN_BLOCKS, 0), f"about a day before the first activity, of {day}")


async def block_at(chain: Chain, at_ms: int) -> int:
    """The last block that is not later than *at_ms*, by halving; 0 when all are. Raises VenueError, CallFailedError."""
    newest = await chain.block("latest")
    low, high = 0, newest.number if newest else 0
    while low < high:
        middle = (low + high + 1) // 2
        head = await chain.block(middle)
        if head is not None and head.at_ms > at_ms:
            high = middle - 1
        else:  # a node that does not have the block does not have it because it is old
            low = middle
    return low


async def suggested(gamma: Gamma, count: int, now_ms: int) -> list[MarketInfo]:
    """The *count* open markets with the largest volume that can be quoted for a day and more. Raises VenueError."""
    found = await chosen(gamma, Selection(count=count * 5 + 20))
    kept = [m for m in found if m.tick in TICKS and (not m.end_at_ms or m.end_at_ms - now_ms > HORIZON_MS)]
    return kept[:count]
