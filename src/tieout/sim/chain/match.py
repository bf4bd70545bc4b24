"""What settling a match has in common on the exchanges of both generations: its parts, and how they move money."""

from __future__ import annotations

from typing import ClassVar

from tieout.sim.chain import erc20, erc1155
from tieout.sim.chain.condition import Condition
from tieout.sim.chain.fills import Fill, fee_charged
from tieout.sim.chain.log import Emit
from tieout.sim.chain.places import P_USD
from tieout.sim.chain.state import State


class Match:
    """One matchOrders of one exchange. `ledger` is the ERC-1155 contract of its tokens."""

    ledger: ClassVar[str]

    __slots__ = ("condition", "emit", "exchange", "makers", "receiver", "state", "taker")

    def __init__(
        self,
        state: State,
        emit: Emit,
        exchange: str,
        condition: Condition,
        taker: Fill,
        makers: tuple[Fill, ...],
        fee_receiver: str,
    ) -> None:
        self.state = state
        self.emit = emit
        self.exchange = exchange
        self.condition = condition
        self.taker = taker
        self.makers = makers
        self.receiver = fee_receiver

    def _token(self, sender: str, to: str, token: int, amount: int) -> None:
        erc1155.transfer(self.state, self.emit, self.ledger, self.exchange, sender, to, token, amount)

    def _pull(self, owner: str, to: str, amount: int) -> None:
        erc20.transfer_from(self.state, self.emit, P_USD, self.exchange, owner, to, amount)

    def _pay(self, to: str, amount: int) -> None:
        erc20.transfer(self.state, self.emit, P_USD, self.exchange, to, amount)

    def _charged(self, fee: int) -> None:
        fee_charged(self.emit, self.exchange, self.receiver, fee)
