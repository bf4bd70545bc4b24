"""The relayer: which wallets exist, and transactions that it pays for (`polymarket-client` 0.14.0, `actions/relayer`).

A wallet counts as deployed when it holds or held something, when its owner has an API key, or when it was created
here. Only approvals are carried out; anything else a wallet would do is refused, for the simulator acts for wallets
through the chain's calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tieout.sim.chain.calls import Approve
from tieout.sim.rng import drawn_hash, drawn_uuid
from tieout.sim.wire.auth import header
from tieout.sim.wire.errors import bad_request
from tieout.sim.wire.http import Reply, Request, Router, json_reply
from tieout.sim.wire.wallets import deposit_wallet, legacy_deposit_wallet, proxy_wallet, safe_wallet
from tieout.sim.world import World

Names = Mapping[str, str]

_APPROVALS = ("0x095ea7b3", "0xa22cb465")
"""Selectors of ERC-20 approve and ERC-1155 setApprovalForAll."""

# no source was found for these four texts; they are ours
NO_KEY = "invalid authorization"
BAD_TRANSACTION = "invalid transaction request"
NOT_CARRIED_OUT = "only approvals are carried out by this relayer"
NO_TRANSACTION = "transaction not found"


@dataclass(frozen=True, slots=True)
class Relayed:
    """A transaction that was taken in. `on_chain` is False for the creation of a wallet, which leaves no logs."""

    id: str
    tx_hash: str
    on_chain: bool


class Relayer:
    """Answers requests over one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stream = world.chance.stream("relayer")
        self._created: set[str] = set()
        self._nonces: Counter[str] = Counter()
        self._relayed: dict[str, Relayed] = {}
        self._router = Router()
        self._router.add("GET", "/deployed", self.deployed)
        self._router.add("GET", "/v1/account/transactions/params", self.nonce)
        self._router.add("GET", "/relay-payload", self.nonce)
        self._router.add("GET", "/v1/account/transactions/{id}", self.transaction)
        self._router.add("POST", "/submit", self.submit)

    def handle(self, request: Request) -> Reply:
        """The answer to one request."""
        return self._router.handle(request)

    def deployed(self, request: Request, _names: Names) -> Reply:
        """Whether there is a contract at `address`."""
        return json_reply({"deployed": self.is_deployed(request.query.get("address", "").lower())})

    def is_deployed(self, wallet: str) -> bool:
        """The wallet was created, has collateral, or belongs to somebody with an API key; a key itself never is."""
        owners = self._world.keys.signers()
        if wallet in owners:
            return False
        if wallet in self._created or self._world.chain.cash(wallet):
            return True
        return any(wallet in (deposit_wallet(owner), proxy_wallet(owner), safe_wallet(owner)) for owner in owners)

    def nonce(self, request: Request, _names: Names) -> Reply:
        """The next nonce of an owner."""
        address = request.query.get("address", "")
        return json_reply({"address": address, "nonce": str(self._nonces[address.lower()])})

    def submit(self, request: Request, _names: Names) -> Reply:
        """Create a deposit wallet, or give approvals from a wallet."""
        if not (header(request, "poly_builder_api_key") or header(request, "relayer_api_key")):
            raise bad_request(NO_KEY, 401)
        try:
            raw = msgspec.json.decode(request.body)
        except msgspec.DecodeError as error:
            raise bad_request(BAD_TRANSACTION) from error
        owner = raw.get("from") if isinstance(raw, dict) else None
        if not isinstance(owner, str) or len(owner) != 42:
            raise bad_request(BAD_TRANSACTION)
        relayed = self._carry_out(raw, owner.lower())
        self._relayed[relayed.id] = relayed
        return json_reply({"transactionID": relayed.id, "transactionHash": relayed.tx_hash, "state": "STATE_NEW"})

    def _carry_out(self, raw: dict[str, Any], owner: str) -> Relayed:
        new_id = drawn_uuid(self._stream)
        if raw.get("type") == "WALLET-CREATE":
            self._created.add(deposit_wallet(owner))
            return Relayed(new_id, drawn_hash(self._stream), on_chain=False)
        parameters = raw.get("depositWalletParams")
        if raw.get("type") != "WALLET" or not isinstance(parameters, dict):
            raise bad_request(NOT_CARRIED_OUT)
        calls = parameters.get("calls") or []
        if not all(isinstance(call, dict) and str(call.get("data", "")).startswith(_APPROVALS) for call in calls):
            raise bad_request(NOT_CARRIED_OUT)
        wallet = str(parameters.get("depositWallet", "")).lower()
        if wallet not in (deposit_wallet(owner), legacy_deposit_wallet(owner)):
            raise bad_request(BAD_TRANSACTION)
        self._nonces[owner] += 1
        return Relayed(new_id, self._world.chain.submit(Approve(wallet)), on_chain=True)

    def transaction(self, _request: Request, names: Names) -> Reply:
        """How far a transaction is."""
        relayed = self._relayed.get(names["id"])
        if relayed is None:
            raise bad_request(NO_TRANSACTION, 404)
        return json_reply(
            {
                "transaction_id": relayed.id,
                "transaction_hash": relayed.tx_hash,
                "state": self._state(relayed),
                "error_msg": None,
            }
        )

    def _state(self, relayed: Relayed) -> str:
        if not relayed.on_chain:
            return "STATE_CONFIRMED"
        receipt = self._world.chain.receipt(relayed.tx_hash)
        if receipt is None:
            return "STATE_EXECUTED"
        if not receipt.status:
            return "STATE_FAILED"
        final = receipt.block_number <= self._world.chain.finalized
        return "STATE_CONFIRMED" if final else "STATE_MINED"
