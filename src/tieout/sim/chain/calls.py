"""The transactions: one dataclass each. `execute` changes the state and emits logs, or raises Revert.

Amounts are micro-units. `version` "v1" means CTF tokens, "v2" the PositionManager's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tieout.sim.chain import adapters, collateral, ctf, erc20, erc1155, modules, neg_risk, redeemer, wallet_setup
from tieout.sim.chain.condition import Condition, NegRiskEvent
from tieout.sim.chain.exchange_v2 import Settlement
from tieout.sim.chain.exchange_v3 import SettlementV3
from tieout.sim.chain.fills import PAUSED, Fill
from tieout.sim.chain.log import Emit
from tieout.sim.chain.places import (
    EXCHANGE_V3,
    EXCHANGES,
    FEE_RECEIVER,
    P_USD,
    POSITION_MANAGER,
    REBATE_PAYER,
    REWARDS,
    V2_EXCHANGES,
    VAULT,
)
from tieout.sim.chain.state import Revert, State
from tieout.venue.topics import DISTRIBUTED_REWARDS, USER_PAUSED

__all__ = ["FEE_RECEIVER", "Condition", "Fill", "NegRiskEvent", "Revert"]

PAUSE_INTERVAL = 100
"""Blocks until a pause takes effect (Exchange.sol, userPauseBlockInterval)."""


class Call(Protocol):
    """What a transaction does."""

    def execute(self, state: State, emit: Emit) -> None:
        """Do it, or raise Revert."""
        ...


@dataclass(frozen=True, slots=True)
class MatchOrders:
    """Settle a taker with its makers on one exchange. `taker.making` is the most, `taker.taking` the least."""

    exchange: str
    condition: Condition
    taker: Fill
    makers: tuple[Fill, ...]
    fee_receiver: str = FEE_RECEIVER

    def execute(self, state: State, emit: Emit) -> None:
        """Settle; reverts on anything missing and on paused users."""
        if self.exchange == EXCHANGE_V3:
            kind: type[Settlement | SettlementV3] = SettlementV3
        elif self.exchange in V2_EXCHANGES:
            kind = Settlement
        else:
            raise Revert("no such exchange")
        kind(state, emit, self.exchange, self.condition, self.taker, self.makers, self.fee_receiver).run()


@dataclass(frozen=True, slots=True)
class Split:
    """Collateral into a full set."""

    wallet: str
    condition: Condition
    amount: int
    version: str = "v1"

    def execute(self, state: State, emit: Emit) -> None:
        """Through the collateral adapter, or the Router."""
        if self.version == "v2":
            modules.router_split(state, emit, self.wallet, self.condition, self.amount)
        else:
            adapter = adapters.user_adapter(self.condition)
            adapters.split(state, emit, adapter, self.wallet, self.condition, self.amount)


@dataclass(frozen=True, slots=True)
class Merge:
    """A full set into collateral."""

    wallet: str
    condition: Condition
    amount: int
    version: str = "v1"

    def execute(self, state: State, emit: Emit) -> None:
        """Through the collateral adapter, or the Router."""
        if self.version == "v2":
            modules.router_merge(state, emit, self.wallet, self.condition, self.amount)
        else:
            adapter = adapters.user_adapter(self.condition)
            adapters.merge(state, emit, adapter, self.wallet, self.condition, self.amount)


@dataclass(frozen=True, slots=True)
class Redeem:
    """The whole balance of both outcomes into its payout. `by` is the AutoRedeemer, or None for the wallet itself."""

    wallet: str
    condition: Condition
    by: str | None = None
    version: str = "v1"

    def execute(self, state: State, emit: Emit) -> None:
        """Reverts while the condition is open; losing tokens are burned for nothing."""
        wallet, condition = self.wallet, self.condition
        if self.by is not None and self.version == "v2":
            redeemer.redeem(state, emit, wallet, condition)
        elif self.by is not None:
            redeemer.redeem_legacy(state, emit, wallet, condition)
        elif self.version == "v2":
            for outcome, token in enumerate(condition.position_ids):
                amount = state.tokens(POSITION_MANAGER, wallet, token)
                if amount:
                    modules.router_redeem(state, emit, wallet, condition, outcome, amount)
        else:
            adapters.redeem(state, emit, adapters.user_adapter(condition), wallet, condition)


@dataclass(frozen=True, slots=True)
class Convert:
    """Neg-risk conversion: NO of the questions in `index_set` into YES of the others and collateral."""

    wallet: str
    event: NegRiskEvent
    index_set: int
    amount: int

    def execute(self, state: State, emit: Emit) -> None:
        """Through the neg-risk collateral adapter."""
        adapters.convert(state, emit, self.wallet, self.event, self.index_set, self.amount)


@dataclass(frozen=True, slots=True)
class Migrate:
    """All CTF tokens of the condition become PositionManager tokens.

    `operator` is who does it for the wallet; the logs name the module either way.
    """

    wallet: str
    condition: Condition
    operator: str | None = None

    def execute(self, state: State, emit: Emit) -> None:
        """Reverts without approval of the module, and when there is nothing."""
        modules.migrate(state, emit, self.wallet, self.condition)


@dataclass(frozen=True, slots=True)
class TransferTokens:
    """Tokens from wallet to wallet: TransferSingle for one id, else TransferBatch."""

    ledger: str
    sender: str
    to: str
    ids: tuple[int, ...]
    amounts: tuple[int, ...]

    def execute(self, state: State, emit: Emit) -> None:
        """Reverts on a short balance."""
        if len(self.ids) == len(self.amounts) == 1:
            token, amount = self.ids[0], self.amounts[0]
            erc1155.transfer(state, emit, self.ledger, self.sender, self.sender, self.to, token, amount)
        else:
            erc1155.transfer_batch(state, emit, self.ledger, self.sender, self.sender, self.to, self.ids, self.amounts)


@dataclass(frozen=True, slots=True)
class TransferCash:
    """Cash from wallet to wallet."""

    sender: str
    to: str
    amount: int
    contract: str = P_USD

    def execute(self, state: State, emit: Emit) -> None:
        """Reverts on a short balance."""
        erc20.transfer(state, emit, self.contract, self.sender, self.to, self.amount)


@dataclass(frozen=True, slots=True)
class Wrap:
    """USDC.e of the wallet into pUSD."""

    wallet: str
    amount: int

    def execute(self, state: State, emit: Emit) -> None:
        """Through the onramp."""
        collateral.onramp(state, emit, self.wallet, self.wallet, self.amount)


@dataclass(frozen=True, slots=True)
class Unwrap:
    """PUSD of the wallet into USDC.e."""

    wallet: str
    amount: int

    def execute(self, state: State, emit: Emit) -> None:
        """Through the offramp."""
        collateral.offramp(state, emit, self.wallet, self.wallet, self.amount)


@dataclass(frozen=True, slots=True)
class Deposit:
    """Money from outside, as pUSD."""

    wallet: str
    amount: int

    def execute(self, state: State, emit: Emit) -> None:
        """A bridge gets USDC.e and wraps it for the wallet."""
        collateral.deposit(state, emit, self.wallet, self.amount)


@dataclass(frozen=True, slots=True)
class Withdraw:
    """PUSD of the wallet to an outside address, as USDC.e."""

    wallet: str
    to: str
    amount: int

    def execute(self, state: State, emit: Emit) -> None:
        """Through the offramp."""
        collateral.offramp(state, emit, self.wallet, self.to, self.amount)


@dataclass(frozen=True, slots=True)
class PayReward:
    """Income from the venue: `kind` "reward" from the Rewards contract with its event, "rebate" as a plain transfer.

    The payer brings the money in from outside first.
    """

    wallet: str
    amount: int
    kind: str = "reward"

    def execute(self, state: State, emit: Emit) -> None:
        """Reverts on any other kind."""
        if self.kind not in ("reward", "rebate"):
            raise Revert("no such reward")
        payer = REWARDS if self.kind == "reward" else REBATE_PAYER
        collateral.deposit(state, emit, payer, self.amount)
        erc20.transfer(state, emit, P_USD, payer, self.wallet, self.amount)
        if self.kind == "reward":
            emit(REWARDS, DISTRIBUTED_REWARDS, (self.wallet,), (self.amount,))


@dataclass(frozen=True, slots=True)
class Approve:
    """Every allowance and approval that trading takes, as when a wallet is set up."""

    wallet: str

    def execute(self, state: State, emit: Emit) -> None:
        """Unlimited, for all exchanges, adapters, ramps, the Router, the modules and the AutoRedeemer."""
        wallet_setup.approve_all(state, emit, self.wallet)


@dataclass(frozen=True, slots=True)
class Disapprove:
    """Take all of it back."""

    wallet: str

    def execute(self, state: State, emit: Emit) -> None:
        """Set every allowance and approval to nothing."""
        wallet_setup.disapprove_all(state, emit, self.wallet)


@dataclass(frozen=True, slots=True)
class PauseUser:
    """The wallet stops its own trading on every exchange, `interval` blocks from now."""

    wallet: str
    interval: int = PAUSE_INTERVAL

    def execute(self, state: State, emit: Emit) -> None:
        """Reverts when it is paused already."""
        at_block = state.block_number + self.interval
        for exchange in EXCHANGES:
            if state.get((PAUSED, exchange, self.wallet)):
                raise Revert("UserAlreadyPaused")
            state.put((PAUSED, exchange, self.wallet), at_block)
            emit(exchange, USER_PAUSED, (self.wallet,), (at_block,))


@dataclass(frozen=True, slots=True)
class PrepareCondition:
    """Make a condition known to the CTF."""

    condition: Condition

    def execute(self, state: State, emit: Emit) -> None:
        """Reverts when it is known."""
        ctf.prepare_condition(state, emit, self.condition)


@dataclass(frozen=True, slots=True)
class ReportPayouts:
    """The oracle's word: outcome i pays numerator i / their sum. A module that knows the condition takes it over."""

    condition: Condition
    numerators: tuple[int, int]

    def execute(self, state: State, emit: Emit) -> None:
        """Reverts when payouts were reported before."""
        if self.condition.neg_risk:
            neg_risk.report(state, emit, self.condition, self.numerators)
        else:
            ctf.report_payouts(state, emit, self.condition, self.numerators)
        modules.resolve(state, emit, self.condition)


@dataclass(frozen=True, slots=True)
class MintCash:
    """PUSD out of nothing, for set-up only: its USDC.e lies in the vault and counts as an inflow."""

    wallet: str
    amount: int

    def execute(self, state: State, emit: Emit) -> None:
        """Mint both."""
        collateral.bring_in(state, emit, VAULT, self.amount)
        erc20.mint(state, emit, P_USD, self.wallet, self.amount)


@dataclass(frozen=True, slots=True)
class ForcedRevert:
    """Fails, whatever the call would have done (running out of gas, say)."""

    call: Call
    reason: str = "out of gas"

    def execute(self, state: State, emit: Emit) -> None:
        """Do it, then revert: nothing remains."""
        self.call.execute(state, emit)
        raise Revert(self.reason)
