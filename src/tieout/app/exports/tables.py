"""The tables that can be exported, column by column. `docs/exports.md` says the same for its reader."""

from __future__ import annotations

from tieout.app.exports.table import Column, Kind, Table

_MARKET = (
    Column("market", Kind.NAME, "what the venue calls the market, as last heard; a label, no part of the books"),
    Column("outcome", Kind.NAME, "what the venue calls the outcome"),
    Column("outcome_index", Kind.COUNT, "0 or 1; empty while nothing told it"),
    Column("condition_id", Kind.NAME, "the condition; empty where neither the movement nor a listing names it"),
    Column("token_id", Kind.NAME, "the outcome token, decimal; condition#outcome where its id was never told"),
)
_PLACE = (
    Column("tx_hash", Kind.TEXT, "the transaction"),
    Column("block", Kind.COUNT, "its block; empty where only an index or the CLOB told of it"),
    Column("log_index", Kind.COUNT, "the log's place in the block"),
    Column("movement", Kind.TEXT, "the key of the movement in the books: `tieout explain` takes it"),
)
_STATUS = Column(
    "status",
    Kind.NAME,
    "SETTLED: a log on chain; REPORTED: a row of the Data API; MATCHED to CONFIRMED: the CLOB's word; MANUAL, INFERRED",
)

FILLS = Table(
    "fills",
    "one fill: our side of one trade",
    (
        Column("time_utc", Kind.TIME, "block time, or match time while it is not settled"),
        Column("side", Kind.NAME, "BUY or SELL"),
        Column("shares", Kind.AMOUNT, "shares, always positive"),
        Column("price_usd", Kind.AMOUNT, "collateral a share, rounded down: a view, the two amounts are the truth"),
        Column("collateral_usd", Kind.AMOUNT, "paid or received before the fee, always positive"),
        Column("fee_usd", Kind.AMOUNT, "the fee"),
        Column("cash_usd", Kind.AMOUNT, "signed: received less paid, after the fee"),
        Column("role", Kind.NAME, "MAKER or TAKER; empty where only a Data API row told of the fill"),
        _STATUS,
        *_MARKET,
        Column("trade_id", Kind.TEXT, "the CLOB's trade; empty where only the chain or an index told of it"),
        Column("order_id", Kind.TEXT, "our order; empty where only a Data API row told of the fill"),
        *_PLACE,
    ),
)

MOVEMENTS = Table(
    "movements",
    "one change of the books of any kind, fills among them",
    (
        Column("time_utc", Kind.TIME, "block time, or match time while it is not settled"),
        Column(
            "kind",
            Kind.NAME,
            "buy, sell, split, merge, redemption, exchange (conversion or migration), transfer in, transfer out, "
            "adjustment, cost correction, cash",
        ),
        Column("flow", Kind.NAME, "of a movement of cash: DEPOSIT, WITHDRAWAL, REWARD, MAKER_REBATE ..."),
        Column(
            "shares",
            Kind.AMOUNT,
            "shares of its token, or of each token of a full set; of an adjustment what is held from then on",
        ),
        Column("collateral_usd", Kind.AMOUNT, "before the fee; of tokens that came in their stated cost"),
        Column("fee_usd", Kind.AMOUNT, "the fee"),
        Column("cash_usd", Kind.AMOUNT, "signed: received less paid, after the fee; the sum is the collateral moved"),
        Column("role", Kind.NAME, "of a fill: MAKER or TAKER"),
        _STATUS,
        *_MARKET,
        Column("given", Kind.TEXT, "tokens of a movement of several, token:shares; `all` of a holding redeemed whole"),
        Column("taken", Kind.TEXT, "tokens an exchange gave, token:shares"),
        Column("trade_id", Kind.TEXT, "of a fill: the CLOB's trade"),
        Column("order_id", Kind.TEXT, "of a fill: our order"),
        *_PLACE,
    ),
)

ORDERS = Table(
    "orders",
    "one order",
    (
        Column("placed_utc", Kind.TIME, "when it was placed; empty where no message told its terms"),
        Column("state", Kind.NAME, "intended, live, closing, closed, rejected, unknown"),
        Column("side", Kind.NAME, "BUY or SELL"),
        Column("order_type", Kind.NAME, "GTC, GTD, FOK, FAK as told"),
        Column("price_usd", Kind.AMOUNT, "the limit, collateral a share"),
        Column("size_shares", Kind.AMOUNT, "the size"),
        Column("claimed_shares", Kind.AMOUNT, "matched by the venue's word"),
        Column("filled_shares", Kind.AMOUNT, "what the books hold of it"),
        Column("failed_shares", Kind.AMOUNT, "matched in trades that FAILED"),
        Column("provisional_shares", Kind.AMOUNT, "claimed, and no fill seen for it yet"),
        Column("rejected_shares", Kind.AMOUNT, "claimed, and found never to have been matched"),
        Column("reason", Kind.TEXT, "why it was closed or rejected, in the venue's words"),
        *_MARKET,
        Column("order_id", Kind.TEXT, "the digest that was signed"),
    ),
)

POSITIONS = Table(
    "positions",
    "one outcome token that was ever held",
    (
        *_MARKET,
        Column("shares", Kind.AMOUNT, "shares held"),
        Column("cost_basis_usd", Kind.AMOUNT, "collateral still tied up in them, before fees"),
        Column("average_cost_usd", Kind.AMOUNT, "cost basis a share, rounded down: a view"),
        Column("realized_pnl_usd", Kind.AMOUNT, "proceeds less cost removed, before fees"),
        Column("fees_usd", Kind.AMOUNT, "fees of its fills"),
        Column("realized_after_fees_usd", Kind.AMOUNT, "the two before, one less the other"),
        Column("bought_usd", Kind.AMOUNT, "value taken in: collateral paid, cost carried in"),
        Column("sold_usd", Kind.AMOUNT, "value given out: collateral received, cost carried out"),
        Column("unexplained_shares", Kind.AMOUNT, "shares that left without having arrived in the books"),
        Column("unexplained_proceeds_usd", Kind.AMOUNT, "collateral received for those: neither profit nor loss"),
        Column("provisional_shares", Kind.AMOUNT, "signed: claimed by orders, no fill seen; not part of shares"),
        Column("unsettled_shares", Kind.AMOUNT, "signed: the part of shares that is only the venue's word"),
    ),
)

TAX = Table(
    "tax",
    "shares of one lot that left in one movement",
    (
        Column("disposed_utc", Kind.TIME, "when they left"),
        Column("acquired_utc", Kind.TIME, "when the lot came in; empty: the books never saw it arrive"),
        Column(
            "kind",
            Kind.NAME,
            "sale, merge, redemption; and without proceeds, the cost going along: transfer out, adjustment, "
            "conversion, migration",
        ),
        Column("acquired_by", Kind.NAME, "the kind of movement that brought the lot"),
        *_MARKET,
        Column("shares", Kind.AMOUNT, "shares; empty where something was paid and nobody knows for how many"),
        Column("proceeds_gross_usd", Kind.AMOUNT, "received for them before the fee; empty where the cost goes along"),
        Column("fee_usd", Kind.AMOUNT, "their part of the fee of leaving"),
        Column("proceeds_net_usd", Kind.AMOUNT, "received after that fee"),
        Column("cost_fifo_usd", Kind.AMOUNT, "what they cost by first in, first out, before fees"),
        Column("fee_acquired_usd", Kind.AMOUNT, "their part of the fee that was paid for the lot"),
        Column("gain_fifo_usd", Kind.AMOUNT, "gross proceeds less that cost; 0 where the cost goes along"),
        Column("gain_fifo_net_usd", Kind.AMOUNT, "the same less both fees"),
        Column("cost_average_usd", Kind.AMOUNT, "what they cost by the average cost of the books"),
        Column("gain_average_usd", Kind.AMOUNT, "by it; over all rows of a token its realized PnL"),
        Column("holding_days", Kind.COUNT, "from the day acquired to the day disposed, in UTC"),
        Column("term", Kind.NAME, "long: disposed later than on the same day a year on; else short"),
        _STATUS,
        Column("tx_hash", Kind.TEXT, "the transaction they left in"),
        Column("acquired_tx_hash", Kind.TEXT, "the transaction the lot came in"),
        Column("movement", Kind.TEXT, "the movement they left in"),
        Column("acquired_movement", Kind.TEXT, "the movement the lot came in"),
    ),
)

LOTS = Table(
    "lots",
    "what is left of one lot",
    (
        Column("acquired_utc", Kind.TIME, "when it came in; of a migrated lot when it first did"),
        Column("acquired_by", Kind.NAME, "the kind of movement that brought it"),
        *_MARKET,
        Column("shares", Kind.AMOUNT, "shares left"),
        Column("cost_fifo_usd", Kind.AMOUNT, "what these cost, before fees"),
        Column("fee_acquired_usd", Kind.AMOUNT, "their part of the fee that was paid for the lot"),
        Column("tx_hash", Kind.TEXT, "the transaction it came in"),
        Column("movement", Kind.TEXT, "the movement it came in"),
    ),
)

YEARS = Table(
    "years",
    "the sums of one kind of disposal, or of one kind of income, in one year of UTC",
    (
        Column("year", Kind.COUNT, "of the disposal, in UTC"),
        Column("kind", Kind.NAME, "as in the tax table; `unexplained` rows apart; or an income: REWARD ..."),
        Column("rows", Kind.COUNT, "how many rows of the tax table, or payments"),
        Column("shares", Kind.AMOUNT, "shares that left"),
        Column("proceeds_gross_usd", Kind.AMOUNT, "received before fees"),
        Column("fee_usd", Kind.AMOUNT, "fees of leaving"),
        Column("proceeds_net_usd", Kind.AMOUNT, "received after those fees"),
        Column("cost_fifo_usd", Kind.AMOUNT, "what they cost by first in, first out"),
        Column("fee_acquired_usd", Kind.AMOUNT, "their part of the fees paid for the lots"),
        Column("gain_fifo_usd", Kind.AMOUNT, "the gain before fees"),
        Column("gain_fifo_short_usd", Kind.AMOUNT, "the part of it held short"),
        Column("gain_fifo_long_usd", Kind.AMOUNT, "the part of it held long"),
        Column("gain_fifo_net_usd", Kind.AMOUNT, "the gain after both fees"),
        Column("cost_average_usd", Kind.AMOUNT, "the cost by the average cost of the books"),
        Column("gain_average_usd", Kind.AMOUNT, "the gain by it, before fees"),
        Column("income_usd", Kind.AMOUNT, "of an income: what the venue paid"),
    ),
)

MARKS = Table(
    "marks",
    "the whole wallet marked to market at one time",
    (
        Column("time_utc", Kind.TIME, "when it was marked"),
        Column("cash_usd", Kind.AMOUNT, "collateral; empty where nobody could tell"),
        Column("market_value_usd", Kind.AMOUNT, "of all positions; the unpriced ones at their cost"),
        Column("cost_basis_usd", Kind.AMOUNT, "of all positions"),
        Column("unrealized_pnl_usd", Kind.AMOUNT, "market value less cost basis"),
        Column("realized_pnl_usd", Kind.AMOUNT, "since the books began, before fees"),
        Column("fees_usd", Kind.AMOUNT, "since the books began"),
        Column("rewards_usd", Kind.AMOUNT, "rewards and rebates since the books began"),
        Column("pnl_usd", Kind.AMOUNT, "realized, unrealized and rewards, less fees"),
        Column("positions", Kind.COUNT, "positions held"),
        Column("unpriced", Kind.COUNT, "those among them that nobody could price"),
    ),
)

TABLES = (FILLS, ORDERS, MOVEMENTS, POSITIONS, TAX, LOTS, YEARS, MARKS)
