"""The facts: everything that can ever change, or explain, the books of one wallet.

A fact is one immutable observation. Facts carry what the source said and nothing of how or when we heard it (that is
the log's envelope), so the same observation from two sources is the same fact. Several facts may speak of one event
(a fill seen as MATCHED, then CONFIRMED, then as a chain log); `book` merges them by the identities named below.

Units: every amount is an integer of 10^-6; prices are integers of 10^-6 collateral a share; times are milliseconds of
Unix time, 0 when the source gives none. `side` is "BUY" or "SELL", from the wallet's view.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Side(StrEnum):
    """Direction of an order or fill, from the wallet's view."""

    BUY = "BUY"
    SELL = "SELL"


class Role(StrEnum):
    """Which side of the match the wallet was on."""

    MAKER = "MAKER"
    TAKER = "TAKER"


class Flow(StrEnum):
    """Why collateral came or went without a token moving."""

    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    REWARD = "REWARD"
    MAKER_REBATE = "MAKER_REBATE"
    TAKER_REBATE = "TAKER_REBATE"
    REFERRAL_REWARD = "REFERRAL_REWARD"
    YIELD = "YIELD"
    TIP = "TIP"
    WRAP = "WRAP"
    UNWRAP = "UNWRAP"
    OPENING = "OPENING"
    """What was held before the books begin."""
    OTHER = "OTHER"


INCOME = (Flow.REWARD, Flow.MAKER_REBATE, Flow.TAKER_REBATE, Flow.REFERRAL_REWARD, Flow.YIELD, Flow.TIP)
"""Flows that the venue pays; the others are the owner's own money."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag_field="kind"):
    """One observation. `occurred_at_ms` is the venue's or the block's time."""

    occurred_at_ms: int = 0


class ChainFact(Fact, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """An observation that can have a place on chain.

    Identity: (tx_hash, log_index) when `log_index` is 0 or more; -1 means the row of an index without log positions
    (Data API). A reorg is told by the same identity with a higher `version` and `removed` set.
    """

    tx_hash: str = ""
    log_index: int = -1
    block: int = 0
    block_hash: str = ""
    version: int = 0
    removed: bool = False


# --- orders ---------------------------------------------------------------------------------------------------------


class OrderFact(Fact, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Something about one order; identity: `order_id` (the EIP-712 digest, known before sending)."""

    order_id: str
    token_id: str = ""
    condition_id: str = ""


class OrderIntended(OrderFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="order_intended"):
    """We mean to send this order; stored before it is sent."""

    side: Side
    price: int
    size: int
    order_type: str = ""


class OrderPlaced(OrderFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="order_placed"):
    """The venue has the order and named its terms. `price` is the limit, never the price of a fill."""

    side: Side
    price: int
    size: int
    order_type: str = ""
    expiration_s: int = 0


class OrderRejected(OrderFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="order_rejected"):
    """The venue refused the order; it never rested."""

    reason: str


class MatchClaimed(OrderFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="match_claimed"):
    """The venue says so much of the order is matched, cumulatively.

    `observed_at_ms` is the message's own time where it has one: a later message that claims less is an alarm (O2).
    `trade_ids` are the trades the venue associates with the order.
    """

    size_matched: int
    observed_at_ms: int = 0
    trade_ids: tuple[str, ...] = ()


class OrderClosed(OrderFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="order_closed"):
    """The venue says the order rests no more. `reason` is the venue's own status or text."""

    reason: str


class CancelRefused(OrderFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="cancel_refused"):
    """A cancel was answered with a reason instead; the text does not say whether it was filled or canceled before."""

    reason: str


class ClaimRejected(OrderFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="claim_rejected"):
    """So many claimed shares (cumulatively) turned out never to have been matched; closes that part of the gap."""

    shares: int
    reason: str


# --- fills ----------------------------------------------------------------------------------------------------------


class FillObserved(Fact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="fill"):
    """Our side of one trade as the CLOB tells it. Identity: (trade_id, order_id).

    `collateral` is price x shares rounded down, an estimate that the chain's amount replaces. `fee` is None where the
    source does not say (taker fills); makers pay none. `occurred_at_ms` is the match time.
    """

    trade_id: str
    order_id: str
    token_id: str
    condition_id: str = ""
    side: Side
    shares: int
    collateral: int
    fee: int | None = None
    role: Role
    status: str
    tx_hash: str = ""
    bucket_index: int = 0


class OrderFilledOnChain(ChainFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="order_filled"):
    """An OrderFilled log whose maker is the wallet: exact amounts and fee, from the wallet's view.

    `refund` is what the exchange gave back in the transaction of what the order offered, collateral of a BUY and shares
    of a SELL; the amounts are without it.
    """

    order_id: str
    token_id: str
    condition_id: str = ""
    side: Side
    shares: int
    collateral: int
    fee: int
    role: Role
    exchange: str = ""
    refund: int = 0


class TradeReported(ChainFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="trade_reported"):
    """A Data API TRADE row: the sum of the wallet's fills of one token and side in one transaction.

    Identity: (tx_hash, token_id, side, shares, collateral). It books only what fills and chain logs leave unexplained.
    """

    token_id: str
    condition_id: str = ""
    side: Side
    shares: int
    collateral: int
    fee: int = 0


# --- tokens and collateral --------------------------------------------------------------------------------------------


class TokenMoved(ChainFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="token_moved"):
    """An ERC-1155 transfer of the wallet: positive in, negative out. What its transaction's other facts leave
    unexplained is booked as a transfer. `sub_index` is the place within a TransferBatch.
    """

    token_id: str
    shares: int
    sub_index: int = 0
    counterparty: str = ""
    contract: str = ""


class CollateralMoved(ChainFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="collateral_moved"):
    """An ERC-20 transfer of the collateral: positive in, negative out."""

    amount: int
    counterparty: str = ""
    contract: str = ""


class PositionSplit(ChainFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="split"):
    """Collateral turned into a full set: `amount` of every outcome token."""

    condition_id: str
    amount: int
    ledger: str = ""


class PositionsMerged(ChainFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="merge"):
    """A full set turned into collateral: `amount` of every outcome token leaves."""

    condition_id: str
    amount: int
    ledger: str = ""


class PayoutRedeemed(ChainFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="redemption"):
    """Resolved tokens exchanged for their payout.

    One of: `token_id` with `shares` (one outcome); `amounts` by outcome index; neither, when the source tells only
    the total (CTF log, Data API rows before 2026-08-10): the whole balance of the condition leaves.
    """

    condition_id: str
    token_id: str = ""
    shares: int | None = None
    amounts: tuple[int, ...] = ()
    payout: int
    ledger: str = ""


class PositionsConverted(ChainFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="conversion"):
    """Neg-risk: NO tokens of some questions turned into YES tokens of the others, plus collateral.

    `burned` and `minted` are (token_id, shares). The cost basis of what is burned, less the collateral received, is
    carried to what is minted.
    """

    market_id: str
    burned: tuple[tuple[str, int], ...] = ()
    minted: tuple[tuple[str, int], ...] = ()
    collateral: int = 0


class PositionMigrated(ChainFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="migration"):
    """Shares moved from the CTF to the PositionManager ledger; the cost basis goes with them.

    `from_token_id` may be empty when the log does not name it: the condition's CTF token of the same outcome.
    """

    condition_id: str
    from_token_id: str = ""
    to_token_id: str
    outcome_index: int
    amount: int


class TokensTransferred(ChainFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="transfer"):
    """Tokens came from (positive) or went to (negative) somebody else.

    Incoming tokens carry `cost` by the stated `cost_policy`: "zero", "mark" or "given".
    """

    token_id: str
    condition_id: str = ""
    shares: int
    cost: int = 0
    cost_policy: str = "zero"
    counterparty: str = ""


class TransferCostStated(Fact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="transfer_cost"):
    """The cost of an incoming transfer found on chain, stated afterwards by an operator or a price source."""

    tx_hash: str
    token_id: str
    cost: int
    cost_policy: str
    who: str = ""


class CashFlowed(ChainFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="cash_flow"):
    """Collateral in (positive) or out (negative) for a reason of its own: deposit, reward, rebate...

    pUSD and USDC.e count together. A wrap or unwrap changes nothing: its `amount` is 0, and `turned` are the
    micro-units of one coin that became the other.
    """

    flow: Flow
    amount: int
    condition_id: str = ""
    turned: int = 0
    counterparty: str = ""


# --- outside words and our own -----------------------------------------------------------------


class PositionStated(Fact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="position_stated"):
    """What an outside source says the wallet holds. A third witness: never changes the books (S1)."""

    token_id: str
    condition_id: str = ""
    shares: int
    average_price: str = ""
    source: str = ""


class AdjustmentInferred(Fact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="adjustment"):
    """From this moment the holding is `shares`, on the word of a statement. Identity: (token_id, statement_id).

    It books only the difference that no other fact explains, so a real fact that arrives later supersedes it.
    """

    token_id: str
    condition_id: str = ""
    statement_id: str
    shares: int
    cause: str


class Act(StrEnum):
    """What an operator's entry says happened. PLAIN: a buy or sell outside the venue, cash, or a cost correction."""

    PLAIN = "PLAIN"
    SPLIT = "SPLIT"
    MERGE = "MERGE"
    TRANSFER = "TRANSFER"


class ManualEntry(Fact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="manual"):
    """An operator's entry. Identity: `entry_id`. Signed: shares and collateral in positive, out negative.

    A PLAIN entry with shares is an external buy or sell; `cost_correction` changes the cost basis alone; `reverses`
    names an entry whose effect is taken away. A SPLIT or MERGE moves `shares` of every token in `legs`, the whole set
    in outcome order, for as much collateral. A TRANSFER moves tokens without collateral: those that come in carry
    `cost` by the stated `cost_policy` ("zero", "mark" or "given"), those that go take their cost with them.
    `tx_hash` is the transaction that is the evidence: what the entry says of it, its token transfers do not say again.
    """

    entry_id: str
    who: str
    why: str
    token_id: str = ""
    condition_id: str = ""
    shares: int = 0
    collateral: int = 0
    fee: int = 0
    cost_correction: int = 0
    reverses: str = ""
    act: Act = Act.PLAIN
    legs: tuple[str, ...] = ()
    cost: int = 0
    cost_policy: str = ""
    tx_hash: str = ""


class ConditionResolved(ChainFact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="resolution"):
    """The oracle's payout vector: outcome i pays numerators[i] / sum(numerators) a share."""

    condition_id: str
    numerators: tuple[int, ...]


class OutcomeTokenListed(Fact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="token_listed"):
    """Token `token_id` is outcome `outcome_index` of the condition, on ledger "ctf" or "pm" (PositionManager)."""

    token_id: str
    condition_id: str
    outcome_index: int
    ledger: str = "ctf"
    outcome: str = ""


class MarketNoted(Fact, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="market_noted"):
    """Something about a market that changes no balance: tick size changed, paused, halted..."""

    condition_id: str = ""
    token_id: str = ""
    note: str
    detail: str = ""


AnyFact = (
    OrderIntended
    | OrderPlaced
    | OrderRejected
    | MatchClaimed
    | OrderClosed
    | CancelRefused
    | ClaimRejected
    | FillObserved
    | OrderFilledOnChain
    | TradeReported
    | TokenMoved
    | CollateralMoved
    | PositionSplit
    | PositionsMerged
    | PayoutRedeemed
    | PositionsConverted
    | PositionMigrated
    | TokensTransferred
    | TransferCostStated
    | CashFlowed
    | PositionStated
    | AdjustmentInferred
    | ManualEntry
    | ConditionResolved
    | OutcomeTokenListed
    | MarketNoted
)

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder: msgspec.json.Decoder[AnyFact] = msgspec.json.Decoder(AnyFact)


def encode(fact: AnyFact) -> bytes:
    """The fact as canonical JSON: fields in declared order, defaults left out. Equal facts give equal bytes."""
    return _encoder.encode(fact)


def decode(body: bytes | str) -> AnyFact:
    """The fact that `encode` wrote. Raises msgspec.ValidationError on anything else."""
    return _decoder.decode(body)


def kind_of(fact: AnyFact) -> str:
    """The fact's kind as the log names it."""
    return str(fact.__struct_config__.tag)
