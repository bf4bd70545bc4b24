"""The contract to which each kind of transaction goes: `to` of its receipt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tieout.sim.chain import calls
from tieout.sim.chain.adapters import user_adapter
from tieout.sim.chain.places import (
    BINARY_MODULE,
    CTF,
    EXCHANGES,
    NEG_CTF_ADAPTER,
    NEG_RISK_ADAPTER,
    NEG_RISK_MODULE,
    OFFRAMP,
    ONRAMP,
    P_USD,
    REWARDS,
    ROUTER,
)
from tieout.sim.wire.rpc_send import ContractCall
from tieout.venue.addresses import ZERO


def _positions(call: Any) -> str:
    """Splits and merges go through the collateral adapter of the condition, or the Router."""
    return ROUTER if call.version == "v2" else user_adapter(call.condition)


def _redeem(call: Any) -> str:
    return str(call.by) if call.by else _positions(call)


def _module(call: Any) -> str:
    return NEG_RISK_MODULE if call.condition.neg_risk else BINARY_MODULE


def _oracle(call: Any) -> str:
    return NEG_RISK_ADAPTER if call.condition.neg_risk else CTF


_TARGETS: dict[type, Callable[[Any], str]] = {
    calls.Approve: lambda call: call.wallet,
    ContractCall: lambda call: call.to,
    calls.Convert: lambda _: NEG_CTF_ADAPTER,
    calls.Deposit: lambda _: ONRAMP,
    calls.Disapprove: lambda call: call.wallet,
    calls.ForcedRevert: lambda call: target(call.call),
    calls.MatchOrders: lambda call: call.exchange,
    calls.Merge: _positions,
    calls.Migrate: _module,
    calls.MintCash: lambda _: P_USD,
    calls.PauseUser: lambda _: EXCHANGES[0],
    calls.PayReward: lambda call: REWARDS if call.kind == "reward" else P_USD,
    calls.PrepareCondition: _oracle,
    calls.Redeem: _redeem,
    calls.ReportPayouts: _oracle,
    calls.Split: _positions,
    calls.TransferCash: lambda call: call.contract,
    calls.TransferTokens: lambda call: call.ledger,
    calls.Unwrap: lambda _: OFFRAMP,
    calls.Withdraw: lambda _: OFFRAMP,
    calls.Wrap: lambda _: ONRAMP,
}


def target(call: calls.Call) -> str:
    """Lower-case address; a call of a kind not listed goes nowhere anybody knows."""
    find = _TARGETS.get(type(call))
    return find(call) if find else ZERO
