"""Several wallets that act on each other at random, and their purses."""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from evm.ground import ONE, Act, Condition, Ground, allow, approve, merge, mint, pay, redeem, send, send_batch, split
from evm.purse import Purse
from tieout.venue.addresses import P_USD

PAYOUTS = ((1, 0), (0, 1), (1, 2), (1, 1), (333_333, 666_667))


class Company:
    """Two wallets with a key and one that is a contract; what they do is a function of the seed."""

    def __init__(self, ground: Ground, seed: int, conditions: int = 3) -> None:
        self.ground = ground
        self.draw = random.Random(f"company/{seed}")
        self.conditions = [ground.condition(number) for number in range(1, conditions + 1)]
        self.payouts: dict[str, tuple[int, int]] = {}
        self.wallets = [*ground.people[:2], ground.contract_wallet(1)]
        self.purses = {wallet: Purse() for wallet in self.wallets}
        self.p_usd: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        """How often each kind of act was done."""
        self._moved: set[int] = set()
        """Tokens that the transaction being made transfers or redeems."""
        for wallet in self.wallets:
            ground.done(wallet, mint(wallet, 50 * ONE), approve(), *map(allow, self._others(wallet)))
            self.purses[wallet].coins += 50 * ONE

    def block(self) -> int:
        """A block of one to four transactions: of a key one act each, of the contract up to three."""
        hashes = []
        for _ in range(self.draw.randint(1, 4)):
            wallet = self.draw.choice(self.wallets)
            is_contract = wallet == self.wallets[2]
            self._moved = set()
            acts = [act for _ in range(self.draw.randint(1, 3) if is_contract else 1) if (act := self._act(wallet))]
            if acts:
                submit = self.ground.submit_together if is_contract else self.ground.submit
                hashes.append(submit(wallet, *acts))
        if self.draw.random() < 0.08:
            hashes.append(self._resolve())
        return self.ground.block(*hashes)

    def end(self) -> None:
        """Everything is resolved, and redeemed by everybody."""
        while len(self.payouts) < len(self.conditions):
            self.ground.block(self._resolve())
        for wallet in self.wallets:
            for condition in self.conditions:
                self.purses[wallet].redeem(condition, self.payouts[condition.condition_id], (1, 2))
                self.ground.done(wallet, redeem(condition))

    @contextmanager
    def passing(self) -> Iterator[None]:
        """What is done meanwhile is of blocks that a reorganisation takes away."""
        mark = self.ground.evm.rpc("evm_snapshot")
        kept = copy.deepcopy((self.payouts, self.purses, self.p_usd))
        yield
        self.ground.evm.rpc("evm_revert", mark)
        self.payouts, self.purses, self.p_usd = kept

    def _others(self, wallet: str) -> list[str]:
        return [each for each in self.wallets if each != wallet]

    def _resolve(self) -> list[str]:
        for condition in self.conditions:
            if condition.condition_id not in self.payouts:
                self.payouts[condition.condition_id] = payouts = self.draw.choice(PAYOUTS)
                return self.ground.report(condition, *payouts)
        return []

    def _amount(self, most: int) -> int:
        return self.draw.choice((most, 1, self.draw.randint(1, most), self.draw.randint(1, most))) if most else 0

    # the acts; None where nothing can be done

    def _act(self, wallet: str) -> Act | None:
        condition = self.draw.choice(self.conditions)
        ways = (self._split, self._split, self._merge, self._send, self._batch, self._take, self._redeem, self._money)
        way = self.draw.choice(ways)
        act = way(wallet, self.purses[wallet], condition)
        self.done[way.__name__] += act is not None
        return act

    def _split(self, wallet: str, purse: Purse, condition: Condition) -> Act | None:
        amount = self._amount((purse.coins - self.p_usd[wallet]) // 2)
        if not amount or self._redeemed(condition):
            return None
        purse.split(condition, amount)
        return split(condition, amount)

    def _merge(self, wallet: str, purse: Purse, condition: Condition) -> Act | None:
        amount = self._amount(min(purse.shares[token] for token in condition.tokens))
        if not amount or self._redeemed(condition):
            return None
        purse.merge(condition, amount)
        return merge(condition, amount)

    def _send(self, wallet: str, purse: Purse, condition: Condition) -> Act | None:
        token, to = self.draw.choice(condition.tokens), self.draw.choice(self._others(wallet))
        amount = self._amount(purse.shares[token])
        if not self._moves(token) or not amount:
            return None
        self._give(purse, to, token, amount)
        return send(wallet, to, token, amount)

    def _batch(self, wallet: str, purse: Purse, condition: Condition) -> Act | None:
        to = self.draw.choice(self._others(wallet))
        amounts = tuple(self._amount(purse.shares[token]) for token in condition.tokens)
        if not all(amounts) or not self._moves(*condition.tokens):
            return None
        for token, amount in zip(condition.tokens, amounts, strict=True):
            self._give(purse, to, token, amount)
        return send_batch(wallet, to, condition.tokens, amounts)

    def _take(self, wallet: str, purse: Purse, condition: Condition) -> Act | None:
        """As the operator of another wallet."""
        owner, token = self.draw.choice(self._others(wallet)), self.draw.choice(condition.tokens)
        amount = self._amount(self.purses[owner].shares[token])
        if not self._moves(token) or not amount:
            return None
        self._give(self.purses[owner], wallet, token, amount)
        return send(owner, wallet, token, amount)

    def _redeem(self, wallet: str, purse: Purse, condition: Condition) -> Act | None:
        payouts = self.payouts.get(condition.condition_id)
        if payouts is None or not self._moves(*condition.tokens):
            return None
        index_sets = self.draw.choice(((1,), (2,), (1, 2), (2, 1)))
        purse.redeem(condition, payouts, index_sets)
        return redeem(condition, index_sets)

    def _money(self, wallet: str, purse: Purse, condition: Condition) -> Act | None:
        if self.draw.random() < 0.5:
            amount = self.draw.randint(1, 9 * ONE)
            purse.coins += amount
            self.p_usd[wallet] += amount
            return mint(wallet, amount, P_USD)
        to, amount = self.draw.choice(self._others(wallet)), self._amount((purse.coins - self.p_usd[wallet]) // 4)
        purse.coins -= amount
        self.purses[to].coins += amount
        return pay(to, amount)

    def _give(self, purse: Purse, to: str, token: int, amount: int) -> None:
        purse.give(token, amount)
        self.purses[to].shares[token] += amount

    def _moves(self, *tokens: int) -> bool:
        """Whether the transaction has not moved any of them yet: the books see what is left over of all its moves."""
        if self._moved.intersection(tokens):
            return False
        self._moved.update(tokens)
        return True

    def _redeemed(self, condition: Condition) -> bool:
        """Whether the transaction may have redeemed it."""
        return bool(self._moved.issuperset(condition.tokens))
