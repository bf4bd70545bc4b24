"""Every issue type in plain words: what happened, how we know it, what to do, how to tell that it is over.

The long answers are in docs/runbook, a page for each type.
"""

from __future__ import annotations

from typing import NamedTuple

from tieout.store.runs import IssueType


class Guidance(NamedTuple):
    """For somebody who is woken up by it."""

    happened: str
    known_by: str
    to_do: str
    clears: str
    """How to tell that it is over. An issue stays open until somebody acknowledges it."""


GUIDANCE: dict[IssueType, Guidance] = {
    IssueType.ORDER_IN_DB_NOT_CLOB: Guidance(
        "The books hold an order as live that the order book does not list.",
        "It was missing in the venue's list of open orders. An order is closed only when two whole lists miss it, the "
        "venue denies it by its id and has nothing to cancel, and its trades were read.",
        "CORRECTED: nothing, it was closed on the venue's word, its fills first, or cancelled. LOGGED: nothing yet, "
        "the next order sync decides; `tieout explain ORDER` shows what is known of it.",
        "`tieout orders` does not list the order any more, or the venue lists it again; the issue's last time stands "
        "still.",
    ),
    IssueType.ORDER_IN_CLOB_NOT_DB: Guidance(
        "The order book lists an order of this wallet that the books did not place, or that they call closed.",
        "The venue's open orders name it; no intention of ours has its id, or ours was over long before.",
        "Find out who placed it: another bot or a person with the same key. By policy (`orders.foreign`) it is "
        "adopted, cancelled or left; one worker for one key is the cure. REQUIRES_MANUAL: it could not be cancelled, "
        "cancel it at the venue.",
        "The order is gone from the venue, or you know whose it is. One that stays is told of once.",
    ),
    IssueType.ORDER_MISMATCH: Guidance(
        "An order has another price, size or side at the venue than in the books.",
        "The terms of the venue's record were compared with those that were signed.",
        "Trust neither: look at the order with `tieout explain ORDER`, and pause its market (`tieout pause --market "
        "CID`), which cancels what rests in it. Resume when it is gone.",
        "The order is closed, and the order syncs after that do not name it.",
    ),
    IssueType.UNKNOWN_TOKEN: Guidance(
        "The wallet holds a token that the books cannot assign to a market.",
        "Two reconciliations in a row found a balance of a token that no listing, trade or position id places, or a "
        "row of the Data API with a token that the books never heard of. Each is told once.",
        "Look its market up at the venue; import the listing, or leave it if it was sent unasked. It is not quoted. "
        "One that the books never heard of came before their first block: `tieout watch WALLET --node URL "
        "--from-block N --once` reads from there.",
        "`tieout explain TOKEN` shows it with its condition.",
    ),
    IssueType.POSITION_DRIFT: Guidance(
        "The shares in the books are not the shares the wallet holds, or were not until what explains it was booked.",
        "The balance was read, where a node is at hand at one block, and compared with the books of that moment. A "
        "movement on chain that no order of ours explains is told by it, too.",
        "CORRECTED: read what it was, it is booked. LOGGED: look at the cause in the evidence, then `tieout explain "
        "TOKEN`, then `tieout audit WALLET --node URL`, which names the transaction. Book what is missing (`tieout "
        "import`, `tieout adjust`); never trade a difference away.",
        "The live view says TIES OUT, and the latest run in `tieout runs --job position_sync` has no differences.",
    ),
    IssueType.COLLATERAL_DRIFT: Guidance(
        "The collateral in the books is not what the wallet holds.",
        "pUSD and USDC.e were read at one block and compared with what all movements up to it add up to.",
        "Run `tieout audit WALLET --node URL`: it names the transaction in which books and balance part. If the books "
        "do not begin with the wallet's first transaction, read them from there: `tieout watch WALLET --node URL "
        "--from-block N --once`.",
        "The live view says TIES OUT, and the latest run in `tieout runs --job position_sync` is ok.",
    ),
    IssueType.AVG_COST_DRIFT: Guidance(
        "The venue's average price of a position is far from ours.",
        "The Data API's figure was compared with cost basis divided by shares. It is never imported.",
        "INFO: nothing, shares came by a split or a transfer, whose cost the venue counts by rules of its own. WARN: "
        "look for a trade from outside that the books have not seen: `tieout fills`, then `tieout audit`.",
        "The latest run in `tieout runs --job reconcile` raised no issue.",
    ),
    IssueType.PNL_MISMATCH: Guidance(
        "The realized profit of a position is not the sum over its movements.",
        "The full sync folded its market again from the log, one movement after the other, and added up (invariant "
        "F3).",
        "Pause the market and report it: only a fault of tieout can do that. `tieout replay --verify` says whether the "
        "stored books are what the log gives. Keep the evidence and change nothing.",
        "A full sync of a version that mends it ends without it, and `tieout audit` says that F3 holds.",
    ),
    IssueType.ORPHAN_ORDER: Guidance(
        "An order of ours rests at the venue, and nobody looks after it.",
        "The venue's open orders name it; its market is in no configuration of this worker, or the books call it "
        "closed.",
        "CORRECTED: nothing, it was cancelled. LOGGED: nothing yet, the full sync that follows cancels it. "
        "REQUIRES_MANUAL: it could not be cancelled, cancel it at the venue.",
        "The order is gone from the venue and from `tieout orders`.",
    ),
    IssueType.CLOB_UNAVAILABLE: Guidance(
        "The order book's service did not answer, or answered with errors.",
        "A job could not be done because its requests failed; the last error is in the evidence. After some failures "
        "in a row a circuit breaker leaves the service alone for a while.",
        "Nothing at first: no new quotes are placed, cancels are still sent, and quoting goes on after a clean sync. "
        "If it lasts, run `tieout doctor`, and look at the venue's status page and at the network.",
        "The job that it names ends well again in `tieout runs`, and quotes are placed again.",
    ),
    IssueType.DATA_API_UNAVAILABLE: Guidance(
        "The Data API did not answer, answered with errors, or not whole.",
        "Requests failed, or rows of the answer could not be read; what was wrong is in the evidence.",
        "With a node: nothing, the Data API is only a witness. Without one nothing is compared until it answers: if it "
        "lasts, name a node (`venue.nodes`), and run `tieout doctor`.",
        "The latest run in `tieout runs --job reconcile` is ok.",
    ),
    IssueType.DATA_API_STALE: Guidance(
        "The Data API answers, but does not get on.",
        "A fill that is known otherwise is absent for longer than its lag was ever seen to be.",
        "Nothing: its balances undo no fill, and nothing expires while it is stale. If it lasts for hours, read the "
        "balances from a node.",
        "The latest run in `tieout runs --job reconcile` says: missing 0.",
    ),
    IssueType.SYNC_FAILED: Guidance(
        "A job did not get to its end, or could not rely on what it read.",
        "The run is recorded with it; the error is in the evidence.",
        "See the next runs of the job in `tieout runs`: most failures are over by then, and whole markets are booked "
        "or not at all, so nothing is half done. If it fails again, the error says why, and `tieout doctor` looks at "
        "the service.",
        "A later run of the same job ended without it.",
    ),
    IssueType.FILL_UNVERIFIED: Guidance(
        "A fill that an order message claims has not been confirmed by any trade or chain log.",
        "The gap between claimed and identified shares was older than its time to live, with the feeds fresh, and the "
        "venue, asked once more, did not know of a trade.",
        "Nothing: the claim was rejected by an entry of the log and counts no longer. Look at the order with `tieout "
        "explain ORDER`; the fill comes back by itself if the trade arrives after all.",
        "It is over when it is told: `tieout orders` shows no gap. Should the wallet hold the shares all the same, a "
        "POSITION_DRIFT says so.",
    ),
    IssueType.INVARIANT_VIOLATED: Guidance(
        "The books broke one of their own rules.",
        "A comparison, a check of every market against its log, or the database itself found it; the rule's id and "
        "figures are in the evidence.",
        "`tieout catalog ID` says which rule. Run `tieout audit` and `tieout replay --verify`, keep the evidence, and "
        "find the cause first: what is missing is booked, stored rows that the log does not give are made again by "
        "`tieout db rebuild`. Then lift the hold: `tieout resume`, for a halt with `--force`.",
        "`tieout audit` and `tieout replay --verify` end with 0, and `tieout control` shows nothing held.",
    ),
}
