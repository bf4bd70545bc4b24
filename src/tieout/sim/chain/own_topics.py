"""Topics of events that the contracts emit and that `venue.topics` does not list: signatures from their sources."""

from __future__ import annotations

from eth_hash.auto import keccak


def _topic(signature: str) -> str:
    return "0x" + keccak(signature.encode()).hex()


ROUTER_SPLIT = _topic("RouterPositionSplit(address,bytes31,uint256)")
ROUTER_MERGED = _topic("RouterPositionsMerged(address,bytes31,uint256)")
ROUTER_REDEEMED = _topic("RouterPositionRedeemed(address,uint256,uint256)")
REDEMPTION = _topic("Redemption(address,uint256,uint256)")
BINARY_REDEMPTION = _topic("BinaryRedemption(address,bytes32,uint256)")
NEG_RISK_REDEMPTION = _topic("NegRiskRedemption(address,bytes32,uint256)")
RESULT_REPORTED = _topic("ResultReported(address,bytes31,uint256[])")
LEGACY_SETTLED = _topic("LegacyCollateralSettled(address,address,uint256)")
