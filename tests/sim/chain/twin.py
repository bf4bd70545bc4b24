"""The same acts on the real ConditionalTokens and on the simulated one, compared after each: logs and balances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eth_hash.auto import keccak

from evm.machine import Evm, RefusedError, call_data
from tieout.sim.chain import ctf, erc20, erc1155
from tieout.sim.chain.condition import Condition
from tieout.sim.chain.log import Emit, Log
from tieout.sim.chain.places import CTF
from tieout.sim.chain.state import Revert, State
from tieout.sim.markets import condition_id
from tieout.sim.model import BYTES32_ZERO
from tieout.venue.tokens import ctf_tokens

Act = Callable[[State, Emit], Any]
MAX = (1 << 256) - 1


class Twin:
    """Both contracts with the same wallets and one collateral."""

    def __init__(self, evm: Evm, real: str, cash: str) -> None:
        self.evm, self.real, self.cash = evm, real, cash
        self.wallets, self.oracle = evm.accounts[:4], evm.accounts[9]
        self.state = State()
        self.conditions: list[Condition] = []
        self.refusals = 0
        self.wrote = 0
        for wallet in self.wallets:
            self._both(
                evm.accounts[0],
                cash,
                call_data("mint(address,uint256)", wallet, 10**12),
                lambda state, emit, wallet=wallet: erc20.mint(state, emit, cash, wallet, 10**12),
            )
            self._both(
                wallet,
                cash,
                call_data("approve(address,uint256)", real, MAX),
                lambda state, emit, wallet=wallet: erc20.approve(state, emit, cash, wallet, CTF, MAX),
            )

    def condition(self, number: int) -> Condition:
        """A condition of the oracle, prepared or not."""
        question = f"0x{keccak(number.to_bytes(8, 'big')).hex()}"
        condition = condition_id(self.oracle, question)
        yes, no = ctf_tokens(condition, self.cash)
        made = Condition(condition, question, self.oracle, False, self.cash, (int(yes), int(no)), (number, number + 1))
        if made not in self.conditions:
            self.conditions.append(made)
        return made

    # the acts; each says whether both contracts did it (True) or both refused (False)

    def prepare(self, condition: Condition) -> bool:
        data = call_data("prepareCondition(address,bytes32,uint256)", self.oracle, condition.question_id, 2)
        return self._both(self.oracle, self.real, data, lambda *at: ctf.prepare_condition(*at, condition))

    def report(self, condition: Condition, numerators: tuple[int, int]) -> bool:
        data = call_data("reportPayouts(bytes32,uint256[])", condition.question_id, numerators)
        return self._both(self.oracle, self.real, data, lambda *at: ctf.report_payouts(*at, condition, numerators))

    def split(self, wallet: str, condition: Condition, amount: int) -> bool:
        data = self._set("splitPosition", condition, amount)
        return self._both(wallet, self.real, data, lambda *at: ctf.split_position(*at, wallet, condition, amount))

    def merge(self, wallet: str, condition: Condition, amount: int) -> bool:
        data = self._set("mergePositions", condition, amount)
        return self._both(wallet, self.real, data, lambda *at: ctf.merge_positions(*at, wallet, condition, amount))

    def redeem(self, wallet: str, condition: Condition) -> bool:
        signature = "redeemPositions(address,bytes32,bytes32,uint256[])"
        data = call_data(signature, self.cash, BYTES32_ZERO, condition.condition_id, (1, 2))
        return self._both(wallet, self.real, data, lambda *at: ctf.redeem_positions(*at, wallet, condition))

    def approve(self, owner: str, operator: str, *, approved: bool) -> bool:
        data = call_data("setApprovalForAll(address,bool)", operator, approved)
        return self._both(
            owner, self.real, data, lambda *at: erc1155.set_approval(*at, CTF, owner, operator, approved=approved)
        )

    def send(self, operator: str, owner: str, to: str, token: int, amount: int) -> bool:
        signature = "safeTransferFrom(address,address,uint256,uint256,bytes)"
        data = call_data(signature, owner, to, token, amount, b"")
        return self._both(
            operator, self.real, data, lambda *at: erc1155.transfer(*at, CTF, operator, owner, to, token, amount)
        )

    def send_batch(self, operator: str, owner: str, to: str, tokens: tuple[int, ...], amounts: tuple[int, ...]) -> bool:
        signature = "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)"
        data = call_data(signature, owner, to, tokens, amounts, b"")
        return self._both(
            operator,
            self.real,
            data,
            lambda *at: erc1155.transfer_batch(*at, CTF, operator, owner, to, tokens, amounts),
        )

    # comparing

    def _set(self, name: str, condition: Condition, amount: int) -> str:
        signature = f"{name}(address,bytes32,bytes32,uint256[],uint256)"
        return call_data(signature, self.cash, BYTES32_ZERO, condition.condition_id, (1, 2), amount)

    def _both(self, sender: str, to: str, data: str, act: Act) -> bool:
        logs: list[Log] = []
        mark = self.state.mark()
        try:
            act(self.state, lambda *parts: logs.append(Log(*parts)))
            ours = [(log.address, list(log.topics), log.data) for log in logs]
        except Revert:
            self.state.undo_to(mark)
            ours = None
        try:
            receipt = self.evm.send(sender, to, data)
            real = [(log["address"], log["topics"], log["data"]) for log in receipt["logs"]]
        except RefusedError:
            real = None
        assert self._as_ours(ours) == real
        self._compare_balances()
        self.refusals += ours is None
        self.wrote += len(ours or ())
        return ours is not None

    def _as_ours(self, logs: list[tuple[str, list[str], str]] | None) -> list[tuple[str, list[str], str]] | None:
        """Our logs with the real contract's address where ours stands."""
        if logs is None:
            return None
        return [
            (
                self.real if address == CTF else address,
                [topic.replace(CTF[2:], self.real[2:]) for topic in topics],
                data,
            )
            for address, topics, data in logs
        ]

    def _compare_balances(self) -> None:
        tokens = [token for condition in self.conditions for token in condition.ctf_tokens]
        pairs = [(wallet, token) for wallet in self.wallets for token in tokens]
        if pairs:
            owners = [wallet for wallet, _ in pairs]
            ids = tuple(token for _, token in pairs)
            _, count, *real = self.evm.words(self.real, call_data("balanceOfBatch(address[],uint256[])", owners, ids))
            assert count == len(pairs)
            assert real == [self.state.tokens(CTF, wallet, token) for wallet, token in pairs]
        for holder, ours in ((self.real, CTF), *((wallet, wallet) for wallet in self.wallets)):
            (real_cash,) = self.evm.words(self.cash, call_data("balanceOf(address)", holder))
            assert real_cash == self.state.cash(self.cash, ours)
