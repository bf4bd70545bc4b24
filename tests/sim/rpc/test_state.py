"""`eth_call` and the other reads of state, at any block."""

from __future__ import annotations

import json

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak

from sim.rpc.node import Node
from sim.sockets.stage import Stage
from tieout.sim.chain.calls import Disapprove, TransferCash, TransferTokens
from tieout.sim.contracts import contract, exchange_of, ledger_of
from tieout.sim.engine.amounts import ONE
from tieout.sim.wire.http import Request
from tieout.venue.addresses import CTF, P_USD, POSITION_MANAGER, USDC_E
from tieout.venue.tokens import collection_id

UINT = 2**256 - 1


def calldata(signature: str, *arguments: object) -> str:
    kinds = signature[signature.index("(") + 1 : -1]
    packed = encode(kinds.split(",") if kinds else [], arguments)
    return "0x" + (keccak(signature.encode())[:4] + packed).hex()


def call(node: Node, to: str, signature: str, *arguments: object, block: object = "latest") -> int:
    return int(node.ask("eth_call", {"to": to, "data": calldata(signature, *arguments)}, block), 16)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_token_balances_at_every_block(version: str):
    stage = Stage(version=version)
    node, token, ledger = Node(stage), stage.market.tokens[0], ledger_of(stage.market)
    alice, bob = stage["alice"].wallet, stage["bob"].wallet
    before = stage.world.chain.head
    stage.world.chain.submit(TransferTokens(ledger, alice, bob, (token,), (300 * ONE,)))
    stage.mine()
    signature = "balanceOf(address,uint256)"
    assert call(node, ledger, signature, alice, token) == 700 * ONE
    assert call(node, ledger, signature, bob, token) == 1300 * ONE
    for block in (hex(before.number), {"blockHash": before.hash}, {"blockNumber": hex(before.number)}, before.hash):
        assert call(node, ledger, signature, alice, token, block=block) == 1000 * ONE
    assert call(node, ledger, signature, alice, token, block="earliest") == 0
    other = CTF if ledger == POSITION_MANAGER else POSITION_MANAGER
    assert call(node, other, signature, alice, token) == 0
    assert ledger == (CTF if version == "v1" else POSITION_MANAGER)


def test_a_batch_of_balances_reads_as_the_abi_says():
    stage = Stage()
    node, (yes, no) = Node(stage), stage.market.tokens
    wallets = [stage["alice"].wallet, stage["bob"].wallet, "0x" + "1" * 40]
    stage.world.chain.submit(TransferTokens(CTF, wallets[0], wallets[1], (yes, no), (ONE, 2 * ONE)))
    stage.mine()
    signature = "balanceOfBatch(address[],uint256[])"
    found = node.ask("eth_call", {"to": CTF, "data": calldata(signature, wallets, [yes, no, yes])}, "latest")
    assert found == "0x" + encode(["uint256[]"], [[999 * ONE, 1002 * ONE, 0]]).hex()
    assert node.error("eth_call", {"to": CTF, "data": calldata(signature, wallets, [yes])}, "latest") == (
        3,
        "execution reverted: ERC1155: owners and IDs must have same lengths",
    )


def test_cash_allowances_and_approvals():
    stage = Stage()
    node, alice, exchange = Node(stage), stage["alice"].wallet, exchange_of(stage.market)
    before = hex(stage.world.chain.head.number)
    assert call(node, P_USD, "balanceOf(address)", alice) == 8000 * ONE
    assert call(node, P_USD, "decimals()") == 6
    assert call(node, P_USD, "allowance(address,address)", alice, exchange) == UINT
    assert call(node, CTF, "isApprovedForAll(address,address)", alice, exchange) == 1
    stage.world.chain.submit(TransferCash(alice, stage["bob"].wallet, ONE))
    stage.world.chain.submit(Disapprove(alice))
    stage.mine()
    assert call(node, P_USD, "balanceOf(address)", alice) == 7999 * ONE
    assert call(node, USDC_E, "balanceOf(address)", alice) == 0
    assert call(node, P_USD, "allowance(address,address)", alice, exchange) == 0
    assert call(node, CTF, "isApprovedForAll(address,address)", alice, exchange) == 0
    assert call(node, P_USD, "allowance(address,address)", alice, exchange, block=before) == UINT
    assert call(node, CTF, "isApprovedForAll(address,address)", alice, exchange, block=before) == 1


def test_conditions_ids_and_payouts():
    stage = Stage()
    node, market = Node(stage), stage.market
    condition, question = bytes.fromhex(market.condition_id[2:]), bytes.fromhex(market.question_id[2:])
    zero = bytes(32)
    found = call(node, CTF, "getConditionId(address,bytes32,uint256)", market.oracle, question, 2)
    assert found == int(market.condition_id, 16)
    for index, token in enumerate(market.ctf_tokens):
        collection = call(node, CTF, "getCollectionId(bytes32,bytes32,uint256)", zero, condition, 1 << index)
        assert collection == int.from_bytes(collection_id(condition, 1 << index), "big")
        position = call(node, CTF, "getPositionId(address,bytes32)", USDC_E, collection.to_bytes(32, "big"))
        assert position == token
    assert call(node, CTF, "getOutcomeSlotCount(bytes32)", condition) == 2
    assert call(node, CTF, "getOutcomeSlotCount(bytes32)", zero) == 0
    before = hex(stage.world.chain.head.number)
    stage.world.resolve(market, (250_000, 750_000))
    stage.mine()
    numerators = [call(node, CTF, "payoutNumerators(bytes32,uint256)", condition, index) for index in (0, 1)]
    assert numerators[0] * 3 == numerators[1] > 0
    assert call(node, CTF, "payoutDenominator(bytes32)", condition) == sum(numerators)
    assert call(node, CTF, "payoutDenominator(bytes32)", condition, block=before) == 0


def test_who_has_code():
    stage = Stage()
    wallet = stage["alice"].wallet
    node = Node(stage, deployed=lambda address: address == wallet)
    for place in (CTF, P_USD, exchange_of(stage.market), wallet, contract("NegRiskAdapter")):
        assert len(node.ask("eth_getCode", place, "latest")) > 2
    assert node.ask("eth_getCode", stage["bob"].wallet, "latest") == "0x"
    assert Node(stage).ask("eth_getCode", wallet, "latest") == "0x"


def test_an_address_without_code_returns_nothing_and_a_contract_reverts_on_what_it_does_not_know():
    node = Node(Stage())
    ask = {"data": calldata("balanceOf(address)", "0x" + "1" * 40)}
    assert node.ask("eth_call", ask | {"to": "0x" + "1" * 40}, "latest") == "0x"
    assert node.error("eth_call", ask | {"to": CTF}, "latest") == (-32000, "execution reverted")
    assert node.error("eth_call", {"to": P_USD, "data": "0x70a08231"}, "latest") == (-32000, "execution reverted")
    assert node.error("eth_call", {"to": P_USD}, "latest") == (-32000, "execution reverted")
    broad = "0x70a08231" + "f" * 64
    assert node.error("eth_call", {"to": P_USD, "data": broad}, "latest") == (-32000, "execution reverted")


def test_unknown_blocks_are_refused():
    stage = Stage()
    stage.mine(2)
    node, ask = Node(stage), {"to": P_USD, "data": calldata("decimals()")}
    old = stage.world.chain.head
    ahead, missing = hex(old.number + 1), "0x" + "1" * 64
    assert node.error("eth_call", ask, ahead) == (-32000, "header not found")
    assert node.error("eth_call", ask, {"blockHash": missing}) == (-32000, "header for hash not found")
    assert node.error("eth_getBalance", stage["alice"].wallet, ahead) == (-32000, "header not found")
    assert call(node, P_USD, "decimals()", block={"blockHash": old.hash, "requireCanonical": True}) == 6
    stage.world.chain.reorg(1)
    assert node.error("eth_call", ask, {"blockHash": old.hash}) == (-32000, "header for hash not found")
    assert node.error("eth_call", ask, "old")[0] == -32602
    assert node.error("eth_call", "x", "latest")[0] == -32602


def test_a_full_node_forgets_old_state():
    stage = Stage()
    stage.mine(5)
    node, ask, head = Node(stage), {"to": P_USD, "data": calldata("decimals()")}, stage.world.chain.head.number
    node.rpc.state_depth = 3
    assert node.ask("eth_call", ask, hex(head - 3))
    code, message = node.error("eth_call", ask, hex(head - 4))
    assert (code, message[:18]) == (-32000, "missing trie node ")


def test_the_official_clients_batch_of_approval_checks_finds_nothing_missing():
    from polymarket._internal.actions.relayer import approvals
    from polymarket._internal.environment import PRODUCTION_CONFIG
    from polymarket._internal.eoa.rpc import SyncJsonRpcClient

    stage = Stage()
    node = Node(stage)

    class Transport:
        def post_json(self, path: str, json: object) -> object:
            return node.post(json)

    client = SyncJsonRpcClient(Transport())  # type: ignore[arg-type]
    client.verify_chain_id(137)
    assert client.eth_get_latest_block_timestamp() == stage.world.chain.head.timestamp_s
    ready = approvals.get_trading_approvals_state_sync(client, wallet=stage["alice"].wallet, config=PRODUCTION_CONFIG)
    assert ready.is_fully_approved, ready.missing
    bare = approvals.get_trading_approvals_state_sync(client, wallet="0x" + "1" * 40, config=PRODUCTION_CONFIG)
    assert bare.missing.erc20
    assert bare.missing.erc1155


def test_the_official_client_derives_the_deposit_wallet_from_the_factorys_beacon():
    from polymarket._internal import wallet
    from polymarket._internal.environment import PRODUCTION_CONFIG
    from polymarket._internal.eoa.rpc import SyncJsonRpcClient

    from tieout.sim.wire.wallets import deposit_wallet

    node = Node(Stage())

    class Transport:
        def post_json(self, path: str, json: object) -> object:
            return node.post(json)

    config, signer = PRODUCTION_CONFIG.wallet_derivation, "0x" + "12" * 20
    found = wallet.derive_current_deposit_wallet_address_sync(SyncJsonRpcClient(Transport()), signer, config)  # type: ignore[arg-type]
    assert found.lower() == deposit_wallet(signer)


def test_answers_are_json_of_the_right_kind():
    reply = Node(Stage()).rpc.handle(Request("POST", "/", body=b'{"id":1,"method":"eth_chainId"}'))
    assert reply.headers["content-type"].startswith("application/json")
    assert json.loads(reply.body) == {"jsonrpc": "2.0", "id": 1, "result": "0x89"}
