"""Every issue type in plain words: what happened, how we know it, what to do."""

from __future__ import annotations

from typing import NamedTuple

from tieout.store.runs import IssueType


class Guidance(NamedTuple):
    """For somebody who is woken up by it."""

    happened: str
    known_by: str
    to_do: str


GUIDANCE: dict[IssueType, Guidance] = {
    IssueType.ORDER_IN_DB_NOT_CLOB: Guidance(
        "The books hold an order as live that the order book does not list.",
        "It was missing from two readings of the open orders, and was then asked for by its id.",
        "Nothing if it says CORRECTED: it was closed on the venue's word. Otherwise run a full sync; its fills are "
        "booked before it is closed.",
    ),
    IssueType.ORDER_IN_CLOB_NOT_DB: Guidance(
        "The order book lists an order of this wallet that the books did not place.",
        "The venue's open orders name it; no intention of ours has its id.",
        "Find out who placed it: another bot or a person with the same key. By policy it is adopted or cancelled; one "
        "worker for one key is the cure.",
    ),
    IssueType.ORDER_MISMATCH: Guidance(
        "An order has another price, size or side at the venue than in the books.",
        "The terms of the venue's record were compared with those that were signed.",
        "Trust neither: look at the order with `tieout explain`, cancel it, and let it be placed again.",
    ),
    IssueType.UNKNOWN_TOKEN: Guidance(
        "The wallet holds a token that the books cannot assign to a market.",
        "The chain or the Data API lists a balance of a token that no known market names.",
        "Look its market up at the venue; import the listing, or leave it if it was sent unasked. It is not quoted.",
    ),
    IssueType.POSITION_DRIFT: Guidance(
        "The shares in the books are not the shares the wallet holds.",
        "The balance was read, where a node is at hand at one block, and compared with the books of that moment.",
        "Look at the cause in the evidence, then `tieout explain TOKEN`. A correction is an event with its cause; "
        "without a cause leave the market paused and import what is missing.",
    ),
    IssueType.COLLATERAL_DRIFT: Guidance(
        "The collateral in the books is not what the wallet holds.",
        "pUSD and USDC.e were read at one block and compared with what all movements up to it add up to.",
        "Run `tieout audit` with a node: it names the transaction in which books and balance part. If the books do not "
        "begin with the wallet's first transaction, name an earlier block.",
    ),
    IssueType.AVG_COST_DRIFT: Guidance(
        "The venue's average price of a position is far from ours.",
        "The Data API's figure was compared with cost basis divided by shares. It is never imported.",
        "Look for a trade from outside that the books have not seen: `tieout fills`, then import the wallet's "
        "activity again.",
    ),
    IssueType.PNL_MISMATCH: Guidance(
        "The profit of a market is not the sum of its movements, or not what the venue says.",
        "The stored figure was compared with one that was made again from the log.",
        "Run `tieout replay --verify`; if it fails, `tieout db rebuild` makes the state again. If it holds, it is the "
        "venue's figure that differs, and a note is enough.",
    ),
    IssueType.ORPHAN_ORDER: Guidance(
        "An order rests at the venue for a market that is not quoted.",
        "Its market is in no configuration of this worker, or is paused or halted.",
        "Nothing if it says CORRECTED: it was cancelled. Otherwise cancel it at the venue.",
    ),
    IssueType.CLOB_UNAVAILABLE: Guidance(
        "The order book's service did not answer, or answered with errors.",
        "Requests failed until the circuit breaker opened; the last answer is in the evidence.",
        "Nothing at first: no new quotes are placed, and quoting goes on after a clean sync. If it lasts, look at the "
        "venue's status page and at the network.",
    ),
    IssueType.DATA_API_UNAVAILABLE: Guidance(
        "The Data API did not answer, or answered with errors.",
        "Requests failed until the circuit breaker opened; the last answer is in the evidence.",
        "Nothing at first: fills come from the order book and the chain. Events from outside are seen late until it "
        "answers again.",
    ),
    IssueType.DATA_API_STALE: Guidance(
        "The Data API answers, but does not get on.",
        "A fill that is known otherwise is absent for longer than its lag was ever seen to be.",
        "Nothing: its balances undo no fill, and nothing expires while it is stale. If it lasts for hours, read the "
        "balances from a node.",
    ),
    IssueType.SYNC_FAILED: Guidance(
        "A sync ended with an error and may have left markets unchecked.",
        "The run is recorded as failed; its error is in the evidence.",
        "See the next run of the job in `tieout runs`. If it fails again, the error says why; whole markets are booked "
        "or not at all, so nothing is half done.",
    ),
    IssueType.FILL_UNVERIFIED: Guidance(
        "A fill that an order message claims has not been confirmed by any trade or chain log.",
        "The gap between claimed and identified shares is older than its time to live, with the feeds fresh.",
        "Look at the order with `tieout explain`. It is rejected by an event when truth, asked once more, does not "
        "know it; it comes back by itself if the trade arrives after all.",
    ),
    IssueType.INVARIANT_VIOLATED: Guidance(
        "The books broke one of their own rules.",
        "A check inside the database or an audit found it; its id and figures are in the evidence.",
        "Run `tieout audit` and `tieout replay --verify`, keep the evidence, and find the cause first. Then lift the "
        "halt: `tieout resume --force`.",
    ),
}
