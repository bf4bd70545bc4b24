"""What the interface says of the books: positions, orders, movements, markets, profit, the log."""

from __future__ import annotations

from typing import Literal

from tieout.web.api.models import Control
from tieout.web.api.units import Micro, Model, described

SHARES = "Micro-shares."
MONEY = "Micro-collateral."
PRICE = "Micro-collateral a share."
OUTCOME = "Which outcome of its condition, from 0; -1 while nobody said."
SEQ = "The entry of the log that the books were at."
NEXT = "The `cursor` of the next page; null: these were the last."


class Position(Model):
    """Shares held of one outcome token, and what they cost."""

    token_id: str = described("The outcome token; `CONDITION#INDEX` while no message told its id.")
    condition_id: str = described("Its condition; empty while nobody said.")
    outcome_index: int = described(OUTCOME)
    shares: Micro = described("Shares held. Micro-shares.")
    cost_basis: Micro = described("Collateral tied up in them. Micro-collateral.")
    realized_pnl: Micro = described("Realized, before fees. Micro-collateral.")
    fees: Micro = described("Fees paid. Micro-collateral.")
    bought: Micro = described("Collateral ever paid. Micro-collateral.")
    sold: Micro = described("Collateral ever received. Micro-collateral.")
    unexplained_shares: Micro = described("Shares that left without having arrived in the books. Micro-shares.")
    unexplained_proceeds: Micro = described("Collateral received for those. Micro-collateral.")
    provisional_shares: Micro = described(
        "Claimed by orders and covered by no fill yet, signed; never part of `shares`. Micro-shares."
    )
    unsettled_shares: Micro = described("The part of `shares` that is not on chain yet, signed. Micro-shares.")


class MarkedPosition(Position):
    """A position marked to market."""

    average_price: Micro = described("Cost a share, rounded down; 0 where nothing is held. Micro-collateral a share.")
    price: Micro | None = described("What a share is worth; null: nobody tells. Micro-collateral a share.")
    value: Micro = described("What all are worth; their cost where nobody tells. Micro-collateral.")
    unrealized_pnl: Micro = described("Value less cost. Micro-collateral.")
    marked_by: Literal["payout", "midpoint", "nothing"] = described("Who told the price.")


class Positions(Model):
    """Positions by condition and token."""

    seq: int = described(SEQ)
    items: list[MarkedPosition] = described("Of this page.")
    next: str | None = described(NEXT)


class Order(Model):
    """An order as the books know it."""

    order_id: str = described("Its EIP-712 digest.")
    token_id: str = described("The outcome token.")
    condition_id: str = described("Its condition.")
    outcome_index: int = described(OUTCOME)
    side: Literal["BUY", "SELL", ""] = described("Empty: no message told the terms.")
    price: Micro = described("Its limit. Micro-collateral a share.")
    size: Micro = described("Micro-shares.")
    claimed: Micro = described("What the venue says is matched. Micro-shares.")
    filled: Micro = described("What fills in the books cover. Micro-shares.")
    failed: Micro = described("Covered by fills that never happened. Micro-shares.")
    provisional: Micro = described("The gap: claimed, and covered by nothing. Micro-shares.")
    remaining: Micro = described("Size less filled. Micro-shares.")
    order_type: str = described("As the venue calls it.", examples=["GTC"])
    placed_at_ms: int = described("When it was placed, milliseconds of Unix time; 0: not known.")
    state: str = described("`intended`, `live`, `closing`, `closed`, `rejected` or `unknown`.", examples=["live"])
    reason: str = described("Why it is closed or rejected, in the venue's words.")


class Orders(Model):
    """Orders, those placed last first."""

    seq: int = described(SEQ)
    items: list[Order] = described("Of this page.")
    next: str | None = described(NEXT)


class ShareChange(Model):
    """What a movement does to one token."""

    token_id: str = described("The outcome token.")
    shares: Micro = described("Signed. Micro-shares.")


class Movement(Model):
    """One change of the books."""

    key: str = described("Names the event, once in a wallet. Of a fill: `fill/TRADE/ORDER`, or its log on chain.")
    kind: str = described(
        "`buy`, `sell`, `split`, `merge`, `redemption`, `exchange`, `transfer in`, `transfer out`, `adjustment`, "
        "`cost correction` or `cash`.",
        examples=["buy"],
    )
    occurred_at_ms: int = described("When it happened, milliseconds of Unix time; 0: no source said.")
    block: int | None = described("Its block; null: it has no place on chain (yet).")
    log_index: int | None = described("Its place within the block.")
    token_id: str = described("The token, of a movement of one; else empty.")
    condition_id: str = described("The condition; empty where there is none.")
    outcome_index: int = described(OUTCOME)
    shares: Micro = described("Without a sign. Micro-shares.")
    collateral: Micro = described("Paid or received, before fees, without a sign. Micro-collateral.")
    price: Micro = described("Collateral a share, rounded down; 0 without shares. Micro-collateral a share.")
    fee: Micro = described(MONEY)
    cash: Micro = described("What it does to the collateral, after fees, signed. Micro-collateral.")
    changes: list[ShareChange] = described("What it does to the shares of every token.")
    status: str = described("How far it is; `CONFIRMED` and `SETTLED` are final.", examples=["CONFIRMED"])
    role: str = described("`MAKER` or `TAKER`, of a fill; else empty.")
    order_id: str = described("Our order, of a fill; else empty.")
    trade_id: str = described("Of a fill: the venue's trade, or the transaction of its log; else empty.")
    tx_hash: str = described("The transaction; empty: none (yet).")


class Movements(Model):
    """Movements, the newest first."""

    seq: int = described(SEQ)
    items: list[Movement] = described("Of this page.")
    next: str | None = described(NEXT)


class Market(Model):
    """One market: what the books hold of it, and what its worker showed of it last. Pairs are in outcome order."""

    condition_id: str = described("Its condition; empty: tokens whose condition nobody told.")
    question: str = described("What people call it; empty where nobody told. A text of strangers.")
    slug: str = described("Its name at the venue; empty where nobody told.")
    outcomes: list[str] = described("What its outcomes are called; empty where nobody told.")
    token_ids: list[str] = described("Its tokens in these books, in outcome order.")
    shares: tuple[Micro, Micro] = described(SHARES)
    cost_basis: tuple[Micro, Micro] = described(MONEY)
    realized_pnl: Micro = described("Before fees. Micro-collateral.")
    fees: Micro = described(MONEY)
    pnl: Micro = described("Realized after fees, and unrealized where a price is known. Micro-collateral.")
    value: Micro | None = described("At the middle of the book; null: nobody quotes it. Micro-collateral.")
    unexplained_shares: Micro = described("Shares that left without having arrived. Micro-shares.")
    bid: Micro | None = described("The best for the first outcome. Micro-collateral a share.")
    ask: Micro | None = described("The best for the first outcome. Micro-collateral a share.")
    why_not: str = described("Why nothing is placed in it; empty: it is, or no worker quotes it.")
    at_ms: int = described("When a worker showed it last, milliseconds of Unix time; 0: none ever did.")
    control: Control = described("Its own control; the wallet's may be stricter.")


class Markets(Model):
    """Every market that the wallet holds, held or quotes, by condition id."""

    seq: int = described(SEQ)
    items: list[Market] = described("Of this page.")
    next: str | None = described(NEXT)


class Level(Model):
    """One price of a book."""

    price: Micro = described(PRICE)
    size: Micro = described(SHARES)


class BookSide(Model):
    """The book of one outcome as the worker saw it last; the best first."""

    bids: list[Level] = described("Who buys.")
    asks: list[Level] = described("Who sells.")


class Quote(Model):
    """A quote that the worker wants, or an order of its own that rests."""

    outcome_index: int = described("Which outcome, from 0.")
    side: Literal["BUY", "SELL"] = described("Direction.")
    price: Micro = described(PRICE)
    size: Micro = described("Micro-shares; of a resting order what remains.")
    order_id: str = described("Of a resting order; else empty.")
    tier: int | None = described("How far out, from 0; null: not told.")


class MarketStory(Market):
    """A market with its book and quotes."""

    fair: Micro | None = described("What the worker takes its first outcome to be worth. Micro-collateral a share.")
    tick: Micro | None = described("Smallest step of a price; null: not told. Micro-collateral a share.")
    min_size: Micro | None = described("Smallest order; null: not told. Micro-shares.")
    end_at_ms: int | None = described("When it ends, milliseconds of Unix time; null: not told.")
    reasons: list[str] = described("What the worker said to its last decision.")
    book: list[BookSide] = described("By outcome; empty: no worker showed one.")
    quotes: list[Quote] = described("What the worker wants to rest.")
    resting: list[Quote] = described("What rests, as the worker saw it last.")
    positions: list[Position] = described("Every position of it, in outcome order.")
    deciding: Control = described("The control that decides: the stricter of its own and the whole wallet's.")
    open_incidents: int = described("Incidents about it that nobody has acknowledged.")


class Marked(Model):
    """The wallet as it was marked to market last."""

    at_ms: int = described("When, milliseconds of Unix time.")
    cash: Micro | None = described("Collateral of the wallet; null: nobody could tell. Micro-collateral.")
    market_value: Micro = described("Of all positions. Micro-collateral.")
    unrealized_pnl: Micro = described("Market value less cost. Micro-collateral.")
    unpriced: int = described("Positions that nobody prices; they count at their cost.")


class Pnl(Model):
    """What the wallet earned and what it risks, now."""

    seq: int = described(SEQ)
    realized_pnl: Micro = described("Before fees. Micro-collateral.")
    fees: Micro = described("Paid. Micro-collateral.")
    rewards: Micro = described("Rewards and rebates received. Micro-collateral.")
    pnl: Micro = described("Realized and rewards after fees, with unrealized as of the last mark. Micro-collateral.")
    pnl_before_fees: Micro = described("The same without fees. Micro-collateral.")
    pnl_today: Micro | None = described("Since the UTC day began; null: no mark tells. Micro-collateral.")
    cost_basis: Micro = described("Tied up in what is held. Micro-collateral.")
    buying: Micro = described("What open buys may take. Micro-collateral.")
    exposure: Micro = described("What may be lost: `cost_basis` and `buying`. Micro-collateral.")
    unexplained_shares: Micro = described("Shares that left without having arrived. Micro-shares.")
    positions_held: int = described("Positions with shares.")
    provisional_positions: int = described("Positions with claims that no fill covers yet.")
    open_orders: int = described("Orders that may rest or fill.")
    mark: Marked | None = described("Null: it was never marked.")


class PnlPoint(Model):
    """The wallet at one time."""

    at_ms: int = described("When, milliseconds of Unix time.")
    pnl: Micro = described("After fees, with rewards and unrealized. Micro-collateral.")
    pnl_before_fees: Micro = described("The same without fees. Micro-collateral.")
    cost_basis: Micro = described("Tied up in what was held. Micro-collateral.")
    rewards: Micro = described("Received by then. Micro-collateral.")


class PnlHistory(Model):
    """Profit over time: the last mark of each of some thousand equal parts of the time, the oldest first."""

    since_ms: int = described("Milliseconds of Unix time.")
    until_ms: int = described("Milliseconds of Unix time.")
    items: list[PnlPoint] = described("Points.")


class Entry(Model):
    """One entry of the log: a fact, when it was heard, from which message. Never changed."""

    seq: int = described("Its number, from 1 without gaps.")
    book: int = described("The part of the books that it belongs to.")
    occurred_at_ms: int = described("When it happened by its source, milliseconds of Unix time; 0: it did not say.")
    received_at_ms: int = described("When it was heard, milliseconds of Unix time.")
    raw_id: int = described("The message that it was read from.")
    source: str = described("Where that came from.", examples=["import"])
    kind: str = described("What sort of fact it is.", examples=["order_filled"])
    fact: str = described("The fact, a JSON object as text, byte for byte as hashed; its amounts are micro-units.")
    digest: str = described("BLAKE2b of the fact, 32 hex digits: a fact is logged once.")
    hash: str = described(
        "SHA-256, 64 hex digits, over the hash before it (32 bytes) and the text "
        "`\\nSEQ\\nBOOK\\nOCCURRED_AT_MS\\nRECEIVED_AT_MS\\nRAW_ID\\nSOURCE\\nDIGEST\\nFACT`."
    )


class Log(Model):
    """Entries of a log."""

    head: int = described("Number of the last entry that there is.")
    items: list[Entry] = described("The newest first; with `after` the oldest first.")
    next_below: int | None = described("The `below` of the next page; null: these were the last, or `after` was given.")
    next_after: int | None = described(
        "The `after` of the next page; null: these were the last, or `after` was not given."
    )


class ChainedEntry(Entry):
    """An entry with its place in the chain of hashes."""

    previous_hash: str = described("The hash before it; zeros before the first.")
    is_whole: bool = described("Whether its hash is the one that it should be.")
    ids: list[str] = described("What it speaks of: order, tokens, condition, transaction.")


class ReadProblem(Model):
    """What could not be read of a message."""

    code: str = described("Which sort.", examples=["undecodable"])
    message: str = described("Why.")


class RawMessage(Model):
    """A message as it came, before it was read; only the values of secret fields are replaced."""

    raw_id: int = described("Its number in the journal.")
    received_at_ms: int = described("When it came, milliseconds of Unix time.")
    source: str = described("Where from.", examples=["import"])
    origin: str = described("A file and line, an address of the venue, or a part of tieout.")
    encoding: Literal["utf-8", "base64"] = described("How `body` is written.")
    body: str = described("Its bytes.")
    problems: list[ReadProblem] = described("What could not be read of it.")
    entries: list[int] = described("Entries of the log that were read from it, 500 at most.")
