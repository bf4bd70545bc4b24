"""Event topics (keccak of the signature) of every contract we read. State of polymarket.md 6.2, 2026-11-24.

`SIGNATURES` is what a test hashes again; `IGNORED` are known events that change no balance of ours.
"""

from __future__ import annotations

SIGNATURES: dict[str, str] = {
    "ORDER_FILLED": "OrderFilled(bytes32,address,address,uint8,uint256,uint256,uint256,uint256,bytes32,bytes32)",
    "ORDERS_MATCHED": "OrdersMatched(bytes32,address,uint8,uint256,uint256,uint256)",
    "FEE_CHARGED": "FeeCharged(address,uint256)",
    "USER_PAUSED": "UserPaused(address,uint256)",
    "ORDER_PREAPPROVED": "OrderPreapproved(bytes32)",
    "ORDER_FILLED_V1": "OrderFilled(bytes32,address,address,uint256,uint256,uint256,uint256,uint256)",
    "ORDERS_MATCHED_V1": "OrdersMatched(bytes32,address,uint256,uint256,uint256,uint256)",
    "FEE_CHARGED_V1": "FeeCharged(address,uint256,uint256)",
    "ORDER_CANCELLED_V1": "OrderCancelled(bytes32)",
    "TRANSFER_SINGLE": "TransferSingle(address,address,address,uint256,uint256)",
    "TRANSFER_BATCH": "TransferBatch(address,address,address,uint256[],uint256[])",
    "TRANSFER": "Transfer(address,address,uint256)",
    "APPROVAL": "Approval(address,address,uint256)",
    "APPROVAL_FOR_ALL": "ApprovalForAll(address,address,bool)",
    "CONDITION_PREPARATION": "ConditionPreparation(bytes32,address,bytes32,uint256)",
    "CONDITION_RESOLUTION": "ConditionResolution(bytes32,address,bytes32,uint256,uint256[])",
    "CTF_SPLIT": "PositionSplit(address,address,bytes32,bytes32,uint256[],uint256)",
    "CTF_MERGE": "PositionsMerge(address,address,bytes32,bytes32,uint256[],uint256)",
    "CTF_REDEMPTION": "PayoutRedemption(address,address,bytes32,bytes32,uint256[],uint256)",
    "NEG_SPLIT": "PositionSplit(address,bytes32,uint256)",
    "NEG_MERGE": "PositionsMerge(address,bytes32,uint256)",
    "NEG_CONVERTED": "PositionsConverted(address,bytes32,uint256,uint256)",
    "NEG_REDEMPTION": "PayoutRedemption(address,bytes32,uint256[],uint256)",
    "OUTCOME_REPORTED": "OutcomeReported(bytes32,bytes32,bool)",
    "PM_SPLIT": "PositionsSplit(address,bytes31,address,address,uint256)",
    "PM_MERGED": "PositionsMerged(address,bytes31,address,uint256)",
    "PM_REDEEMED": "PositionRedeemed(address,uint256,address,uint256,uint256)",
    "PM_RESOLVED": "ConditionResolved(bytes31,uint256[])",
    "PM_MIGRATED": "PositionMigrated(address,bytes31,uint256,uint256,uint256)",
    "WRAPPED": "Wrapped(address,address,address,uint256)",
    "UNWRAPPED": "Unwrapped(address,address,address,uint256)",
    "DISTRIBUTED_REWARDS": "DistributedRewards(address,uint256)",
    "ROUTER_SPLIT": "RouterPositionSplit(address,bytes31,uint256)",
    "ROUTER_MERGED": "RouterPositionsMerged(address,bytes31,uint256)",
    "ROUTER_REDEEMED": "RouterPositionRedeemed(address,uint256,uint256)",
    "AUTO_REDEMPTION": "Redemption(address,uint256,uint256)",
    "AUTO_BINARY_REDEMPTION": "BinaryRedemption(address,bytes32,uint256)",
    "AUTO_NEG_REDEMPTION": "NegRiskRedemption(address,bytes32,uint256)",
    "RESULT_REPORTED": "ResultReported(address,bytes31,uint256[])",
    "LEGACY_SETTLED": "LegacyCollateralSettled(address,address,uint256)",
}

ORDER_FILLED = "0xd543adfd945773f1a62f74f0ee55a5e3b9b1a28262980ba90b1a89f2ea84d8ee"
ORDERS_MATCHED = "0x174b3811690657c217184f89418266767c87e4805d09680c39fc9c031c0cab7c"
FEE_CHARGED = "0x55bb3cade9d43b798a4fe5ffdd05024b2d7870df53920673bfc7e68047cd0ab1"
USER_PAUSED = "0xa3e76126f19eb25001b29726d2a9502b6377938633d2d6a955107dd442e7a14a"
ORDER_PREAPPROVED = "0xe92c22722d9c284034b6c9f5aaec018edb3e593c0e084900b6b9d390a1182a0b"
ORDER_FILLED_V1 = "0xd0a08e8c493f9c94f29311604c9de1b4e8c8d4c06bd0c789af57f2d65bfec0f6"
ORDERS_MATCHED_V1 = "0x63bf4d16b7fa898ef4c4b2b6d90fd201e9c56313b65638af6088d149d2ce956c"
FEE_CHARGED_V1 = "0xacffcc86834d0f1a64b0d5a675798deed6ff0bcfc2231edd3480e7288dba7ff4"
ORDER_CANCELLED_V1 = "0x5152abf959f6564662358c2e52b702259b78bac5ee7842a0f01937e670efcc7d"
TRANSFER_SINGLE = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
TRANSFER_BATCH = "0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb"
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
APPROVAL = "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"
APPROVAL_FOR_ALL = "0x17307eab39ab6107e8899845ad3d59bd9653f200f220920489ca2b5937696c31"
CONDITION_PREPARATION = "0xab3760c3bd2bb38b5bcf54dc79802ed67338b4cf29f3054ded67ed24661e4177"
CONDITION_RESOLUTION = "0xb44d84d3289691f71497564b85d4233648d9dbae8cbdbb4329f301c3a0185894"
CTF_SPLIT = "0x2e6bb91f8cbcda0c93623c54d0403a43514fabc40084ec96b6d5379a74786298"
CTF_MERGE = "0x6f13ca62553fcc2bcd2372180a43949c1e4cebba603901ede2f4e14f36b282ca"
CTF_REDEMPTION = "0x2682012a4a4f1973119f1c9b90745d1bd91fa2bab387344f044cb3586864d18d"
NEG_SPLIT = "0xbbed930dbfb7907ae2d60ddf78345610214f26419a0128df39b6cc3d9e5df9b0"
NEG_MERGE = "0xba33ac50d8894676597e6e35dc09cff59854708b642cd069d21eb9c7ca072a04"
NEG_CONVERTED = "0xb03d19dddbc72a87e735ff0ea3b57bef133ebe44e1894284916a84044deb367e"
NEG_REDEMPTION = "0x9140a6a270ef945260c03894b3c6b3b2695e9d5101feef0ff24fec960cfd3224"
OUTCOME_REPORTED = "0x9e9fa7fd355160bd4cd3f22d4333519354beff1f5689bde87f2c5e63d8d484b2"
PM_SPLIT = "0xb6a6b8b17a43b07b9359dd12d304e42077eede9e672f8646144842c8604582a4"
PM_MERGED = "0xf233f7be4ce81130a78e8eb2fa626497586c56094d27bfec2e196471e9c60301"
PM_REDEEMED = "0x4fd474b703f46b453536518b4cbc159dfbea6fd663233763d321a9bc8ccdf97f"
PM_RESOLVED = "0xe560c1a2847d4cf2e66de11fe592605556989449f38cc3ab96e2e287daa68caa"
PM_MIGRATED = "0xe8d329e97d555e1e9d0da49d3b12d41a966458eee02ff4c869e54c6711d7c80b"
WRAPPED = "0xc00a5c84859ae82a7f5e6a2773283fb525335d5b3195f61174aa1ecc7e15dd84"
UNWRAPPED = "0x18b42b684d0b621cc609f4d888916e5ed9e934a476259ec1c11ec116f2b9aa7f"
DISTRIBUTED_REWARDS = "0x0be934154273ab5bf3a024f88561955bee89ea6d9aac33477620b101ca5704d9"
ROUTER_SPLIT = "0x04373eecd7397b9318ae470769098aaab46f432620d95b0d84fc2297a415704c"
ROUTER_MERGED = "0x8eb905ea8eb4589289705df45fe31e6d4a35385a223b60c259691cc86dbfb982"
ROUTER_REDEEMED = "0x81b466b1b365aea7f5664f9a2d8b3a8591d3244acffb5134355ad4da7fe2366a"
AUTO_REDEMPTION = "0xeebddeddf4ae1ee54a48517af27958e7666d69c7ba2e3e7c2b0ff87ef5f4491e"
AUTO_BINARY_REDEMPTION = "0xb434294b5904213c83a167af0068ab82637c6fd4fac945e2abc74ed8d3f4d52a"
AUTO_NEG_REDEMPTION = "0x74a51ebefec30281ec6849b727ec7916f9b1a3e5e148d6771d98315215b38b96"
RESULT_REPORTED = "0x669c053fe14f2493990c0c90d8d2870cd45e2630b34b8a2b4f02869301987713"
LEGACY_SETTLED = "0x7a07cc3efaf017520e4ad55e66052f0398632c810a3fab73e58e4c7050746825"
POLYGON_FEE_TRANSFER = "0x4dfe1bbbcf077ddc3e01291eea2d5c70c2b422b415d95645b9adcfd678cb1d63"

IGNORED: frozenset[str] = frozenset(
    (
        ORDERS_MATCHED,
        FEE_CHARGED,
        USER_PAUSED,
        ORDER_PREAPPROVED,
        ORDERS_MATCHED_V1,
        FEE_CHARGED_V1,
        ORDER_CANCELLED_V1,
        APPROVAL,
        APPROVAL_FOR_ALL,
        CONDITION_PREPARATION,
        OUTCOME_REPORTED,
        POLYGON_FEE_TRANSFER,
        ROUTER_SPLIT,
        ROUTER_MERGED,
        ROUTER_REDEEMED,
        RESULT_REPORTED,
        LEGACY_SETTLED,
    )
)
"""Known events of others or without effect on a balance, or that tell again what another one of the transaction tells;
Polygon's own gas log (LogFeeTransfer) among them. Those of the router and the redeemer are from their sources.
"""
