"""Transactions that an account signs and sends itself, by the official client's own code where it has some."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_hash.auto import keccak
from polymarket._internal.actions.relayer import calls as official
from polymarket._internal.eoa.broadcast import broadcast_eoa_call_sync, wait_for_receipt_sync
from polymarket._internal.eoa.rpc import JsonRpcCallError, SyncJsonRpcClient, is_json_rpc_contract_revert
from polymarket.errors import TransactionFailedError

from sim.rpc.node import Node
from sim.sockets.stage import Stage
from tieout.sim.chain.places import CTF_ADAPTER, ROUTER
from tieout.sim.contracts import ledger_of
from tieout.sim.engine.amounts import ONE
from tieout.sim.wire.rlp import RlpError, decode
from tieout.sim.wire.wallets import checksummed
from tieout.venue.addresses import CTF, P_USD, USDC_E

SIGNER = Account.from_key("0x" + "11" * 32)
ME = SIGNER.address.lower()
FRIEND = "0x" + "ab" * 20


class Desk:
    """An account with money and approvals, at a node."""

    def __init__(self, version: str = "v1") -> None:
        self.stage = Stage(version=version)
        self.chain, self.market = self.stage.world.chain, self.stage.market
        self.stage.world.fund(ME, 100 * ONE)
        self.stage.mine()
        self.node = Node(self.stage)
        self.client = SyncJsonRpcClient(self)  # type: ignore[arg-type]

    def post_json(self, path: str, json: object) -> object:
        return self.node.post(json)

    def send(self, call: official.TransactionCall) -> None:
        """By the client's own code: chain id, nonce, price, estimate, signature, receipt."""
        call = replace(call, to=checksummed(str(call.to)))
        handle = broadcast_eoa_call_sync(
            rpc=self.client, signer=SIGNER, call=call, chain_id=137, max_polls=1, poll_delay_s=0
        )
        self.stage.mine()
        outcome = wait_for_receipt_sync(
            self.client, transaction_hash=handle.transaction_hash, max_polls=1, poll_delay_s=0
        )
        assert outcome.transaction_hash == handle.transaction_hash

    def sign(self, **more: Any) -> str:
        fields = {
            "to": checksummed(P_USD),
            "value": 0,
            "data": "0x",
            "gas": 90_000,
            "gasPrice": 1,
            "nonce": 0,
            "chainId": 137,
        }
        kept = {name: value for name, value in (fields | more).items() if value is not None}
        return "0x" + SIGNER.sign_transaction(kept).raw_transaction.hex()

    def tokens(self) -> list[int]:
        return [self.chain.tokens(ledger_of(self.market), ME, token) for token in self.market.tokens]


def transfer(amount: int) -> str:
    return "0x" + (keccak(b"transfer(address,uint256)")[:4] + encode(["address", "uint256"], [FRIEND, amount])).hex()


def test_the_official_client_splits_merges_and_redeems_from_an_account():
    desk = Desk()
    common = {"collateral": USDC_E, "condition_id": desk.market.condition_id}
    desk.send(official.split_position_call(target=CTF_ADAPTER, amount=40 * ONE, **common))
    assert (desk.tokens(), desk.chain.cash(ME)) == ([40 * ONE] * 2, 60 * ONE)
    desk.send(official.merge_positions_call(target=CTF_ADAPTER, amount=10 * ONE, **common))
    assert (desk.tokens(), desk.chain.cash(ME)) == ([30 * ONE] * 2, 70 * ONE)
    desk.stage.world.resolve(desk.market, (ONE, 0))
    desk.stage.mine()
    desk.send(official.ctf_redeem_positions_call(ctf=CTF_ADAPTER, **common))
    assert (desk.tokens(), desk.chain.cash(ME)) == ([0, 0], 100 * ONE)


def test_the_same_with_protocol_v2_tokens_through_the_router():
    desk = Desk("v2")
    named = {"router": ROUTER, "condition_id": f"0x{desk.market.position_ids[0]:064x}"}
    desk.send(official.split_v2_call(amount=40 * ONE, **named))
    desk.send(official.merge_v2_call(amount=10 * ONE, **named))
    assert (desk.tokens(), desk.chain.cash(ME)) == ([30 * ONE] * 2, 70 * ONE)
    desk.stage.world.resolve(desk.market, (0, ONE))
    desk.stage.mine()
    desk.send(official.redeem_v2_call(outcome_index=1, amount=30 * ONE, **named))
    assert (desk.tokens(), desk.chain.cash(ME)) == ([30 * ONE, 0], 100 * ONE)


def test_approvals_and_transfers():
    desk = Desk()
    desk.send(official.erc20_approval_call(token_address=P_USD, spender=FRIEND, amount=7))
    desk.send(official.erc1155_set_approval_for_all_call(token_address=CTF, operator=FRIEND, approved=True))
    desk.send(official.erc20_transfer_call(token_address=P_USD, recipient=FRIEND, amount=5))
    assert (desk.chain.cash_allowance(ME, FRIEND), desk.chain.tokens_approved(CTF, ME, FRIEND)) == (7, True)
    assert desk.chain.cash(FRIEND) == 5


def test_tokens_move_singly_and_in_batches():
    desk = Desk()
    (yes, no), alice = desk.market.tokens, desk.stage["alice"].wallet
    one = "safeTransferFrom(address,address,uint256,uint256,bytes)"
    many = "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)"
    desk.send(official.split_position_call(
        target=CTF_ADAPTER, collateral=USDC_E, condition_id=desk.market.condition_id, amount=9
    ))  # fmt: skip
    for signature, what in ((one, (ME, FRIEND, yes, 4, b"")), (many, (ME, FRIEND, [yes, no], [1, 2], b""))):
        kinds = signature[signature.index("(") + 1 : -1].split(",")
        data = "0x" + (keccak(signature.encode())[:4] + encode(kinds, what)).hex()
        desk.send(official.TransactionCall(to=CTF, data=data))  # type: ignore[arg-type]
    assert [desk.chain.tokens(CTF, FRIEND, token) for token in (yes, no)] == [5, 2]
    foreign = "0x" + (keccak(one.encode())[:4] + encode(one[17:-1].split(","), (alice, ME, yes, 1, b""))).hex()
    with pytest.raises(JsonRpcCallError, match="NotOwnerNorApproved"):
        desk.send(official.TransactionCall(to=CTF, data=foreign))  # type: ignore[arg-type]


def test_an_estimate_of_a_call_that_would_revert_says_why_and_leaves_no_trace():
    desk = Desk()
    call = {"from": ME, "to": P_USD, "data": transfer(1000 * ONE)}
    before = dict(desk.chain.state.slots)
    with pytest.raises(JsonRpcCallError) as refused:
        desk.client.eth_estimate_gas(call)
    assert is_json_rpc_contract_revert(refused.value)
    assert refused.value.message == "execution reverted: InsufficientBalance"
    assert desk.client.eth_estimate_gas(call | {"data": transfer(ONE)}) > 0
    assert desk.client.eth_estimate_gas({"to": FRIEND}) > 0
    assert desk.chain.state.slots == before
    with pytest.raises(JsonRpcCallError, match="no such function"):
        desk.client.eth_estimate_gas({"from": ME, "to": CTF, "data": "0x12345678"})


def test_a_transaction_that_fails_is_mined_with_status_0():
    desk = Desk()
    sent = desk.node.ask("eth_sendRawTransaction", desk.sign(data=transfer(1000 * ONE)))
    desk.stage.mine()
    with pytest.raises(TransactionFailedError):
        wait_for_receipt_sync(desk.client, transaction_hash=sent, max_polls=1, poll_delay_s=0)


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_every_type_of_transaction_is_read_and_its_hash_is_the_senders(kind: int):
    desk = Desk()
    fees = {"gasPrice": None, "maxFeePerGas": 9, "maxPriorityFeePerGas": 3} if kind == 2 else {}
    more = {"type": kind, "accessList": []} if kind else {}
    raw = desk.sign(data=transfer(3), **fees, **more)
    sent = desk.node.ask("eth_sendRawTransaction", raw)
    assert sent == "0x" + keccak(bytes.fromhex(raw[2:])).hex()
    desk.stage.mine()
    receipt = desk.node.ask("eth_getTransactionReceipt", sent)
    assert (receipt["from"], receipt["to"], receipt["status"]) == (ME, P_USD, "0x1")
    assert desk.chain.cash(FRIEND) == 3


def test_nonces_count_what_was_sent_and_what_was_mined():
    desk = Desk()
    desk.node.ask("eth_sendRawTransaction", desk.sign(data=transfer(1)))
    assert desk.node.ask("eth_getTransactionCount", ME, "pending") == "0x1"
    assert desk.node.ask("eth_getTransactionCount", ME, "latest") == "0x0"
    desk.stage.mine()
    assert desk.node.ask("eth_getTransactionCount", ME, "latest") == "0x1"
    assert desk.node.error("eth_sendRawTransaction", desk.sign(data=transfer(1))) == (-32000, "already known")
    low, high = desk.sign(data=transfer(2)), desk.sign(data=transfer(2), nonce=5)
    assert desk.node.error("eth_sendRawTransaction", low) == (-32000, "nonce too low: next nonce 1, tx nonce 0")
    assert desk.node.error("eth_sendRawTransaction", high) == (-32000, "nonce too high: next nonce 1, tx nonce 5")


def test_a_reorganised_transaction_keeps_its_hash():
    desk = Desk()
    sent = desk.node.ask("eth_sendRawTransaction", desk.sign(data=transfer(1)))
    desk.stage.mine()
    first = desk.node.ask("eth_getTransactionReceipt", sent)
    desk.chain.reorg(1)
    assert desk.node.ask("eth_getTransactionReceipt", sent) is None
    desk.stage.mine()
    assert desk.node.ask("eth_getTransactionReceipt", sent)["blockHash"] != first["blockHash"]


def test_what_is_no_transaction_of_this_chain_is_refused():
    desk = Desk()
    ethereum = desk.sign(chainId=1)
    assert desk.node.error("eth_sendRawTransaction", ethereum) == (
        -32000,
        "invalid chain id for signer: have 1 want 137",
    )
    for raw in ("0x", "0xc0", "0x02c0", "0x05", "0xf8", "0xc9" + "80" * 8, desk.sign()[:-2], desk.sign() + "00",
                "0xc9" + "80" * 3 + "c0" + "80" * 5):  # fmt: skip
        code, message = desk.node.error("eth_sendRawTransaction", raw)
        assert code == -32000, raw
        assert message.startswith(("rlp: ", "invalid chain id")), message


def test_a_wrong_condition_or_adapter_reverts():
    desk = Desk()
    for condition, reason in (("0x" + "12" * 32, "no such condition"), (desk.market.condition_id, "not a condition")):
        call = official.split_position_call(
            target="0xada2005600dec949baf300f4c6120000bdb6eaab" if reason.startswith("not") else CTF_ADAPTER,
            collateral=USDC_E, condition_id=condition, amount=1,
        )  # fmt: skip
        with pytest.raises(JsonRpcCallError, match=reason):
            desk.send(call)
    short = official.TransactionCall(to=P_USD, data="0x095ea7b3")  # type: ignore[arg-type]
    with pytest.raises(JsonRpcCallError, match="arguments"):
        desk.send(short)


@pytest.mark.parametrize(
    ("raw", "value"),
    [("80", b""), ("05", b"\x05"), ("c0", []), ("83646f67", b"dog"), ("c88363617483646f67", [b"cat", b"dog"]),
     ("c7c0c1c0c3c0c1c0", [[], [[]], [[], [[]]]]), ("b838" + "61" * 56, b"a" * 56),
     ("f838" + "05" * 56, [b"\x05"] * 56)],
)  # fmt: skip
def test_rlp_reads_the_examples_of_the_specification(raw: str, value: object):
    assert decode(bytes.fromhex(raw)) == value


@pytest.mark.parametrize("raw", ["", "81", "b8", "c1", "c180c0", "0505"])
def test_rlp_refuses_what_is_cut_or_too_long(raw: str):
    with pytest.raises(RlpError):
        decode(bytes.fromhex(raw))
