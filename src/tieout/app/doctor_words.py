"""Every check of the doctor in plain words: what it means, how we know, what to do. `tieout doctor --explain NAME`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

CONFIGURATION = "configuration"
NODE = "node"


class Explained(NamedTuple):
    """For somebody who reads of the check for the first time."""

    means: str
    known_by: str
    to_do: str


def explained(check: str) -> Explained:
    """What is to be said of *check*; all nodes share theirs. Raises KeyError when there is no such check."""
    return EXPLAINED[NODE if check.partition(" ")[0] == NODE else check]


EXPLAINED: Mapping[str, Explained] = {
    CONFIGURATION: Explained(
        "The file says everything a worker is told. While it has a problem nothing else can be looked at, and no "
        "worker starts: a value that was guessed could cost money.",
        "Every key of the file is read: unknown ones are refused, amounts are exact to six places, and all problems "
        "are told at once.",
        "Correct what is named; `tieout init` writes a file with every key and its default. docs/configuration.md "
        "says what each means.",
    ),
    "database": Explained(
        "The books live in PostgreSQL: an embedded server under TIEOUT_HOME, or any server by TIEOUT_DB. One process "
        "writes a wallet at a time, so the books can never be made by two.",
        "It is connected to, and asked who holds the lease of the wallet: an advisory lock that ends with its "
        "connection, so nothing is left of a process that died.",
        "If it cannot be reached, start it or correct TIEOUT_DB; without TIEOUT_DB the embedded one is used. A holder "
        "that is your worker is as it should be. Another one: stop it, or take over with `tieout run --take-over`, "
        "after which its writes are refused.",
    ),
    "schema": Explained(
        "The tables have a version. A newer tieout brings them up to date at its first start, and an older one cannot "
        "use them any more then.",
        "The revision in the database is compared with the newest that this version has a migration for.",
        "Older: make a backup (`tieout db backup FILE`), then start. Newer: update tieout; `tieout db restore` of a "
        "backup from before brings the old version back.",
    ),
    "disk space": Explained(
        "The log and the journal only grow, some hundred megabytes for each million facts. On a full disk PostgreSQL "
        "stops: nothing can be booked, so the worker takes its orders off and ends.",
        "The free bytes of the disk under TIEOUT_HOME, and what the database takes. The disk of another server cannot "
        "be seen from here: watch it there, and tieout_database_size_bytes in the metrics.",
        "Make room, or move the data while nothing runs: `tieout db backup FILE`, then `tieout db restore FILE` with "
        "another TIEOUT_HOME. Nothing in the log or the journal may be deleted by hand.",
    ),
    "last comparison": Explained(
        "The one thing that counts: whether every balance and the collateral in the books equalled the chain when "
        "they were compared last. A worker compares every few seconds, at a final block.",
        "The record of the last run that compared all balances. While a worker holds the wallet it must not be older "
        "than a minute, or three times jobs.position_sync.",
        "Differences: `tieout issues` names each with its likely cause, `tieout audit WALLET --node URL` the block and "
        "transaction in which books and chain part. Too old: `tieout runs --job position_sync` tells why, most often a "
        "node that does not answer.",
    ),
    "open issues": Explained(
        "Issues are what the worker found not to tie out, or could not tell. They stay open until a person has seen "
        "them, also when the worker corrected the cause.",
        "The issues of the wallet that nobody has acknowledged, the gravest first.",
        "`tieout issues` tells each with its evidence and what to do; the runbook has a page for each type. "
        "Acknowledge it once it is understood: `tieout issues --ack ID --who NAME`.",
    ),
    "controls": Explained(
        "A wallet or a market can be paused or halted, by a person, by the worker, or by a rule of the books that was "
        "broken. While it is, nothing is quoted there; the books go on.",
        "The controls that are stored, each with who set it, why, and what it takes to lift it.",
        "`tieout control` shows them. `tieout resume` lifts what a person set; a halt by an invariant needs --force, "
        "and the cause found first: `tieout audit`, `tieout replay --verify`.",
    ),
    "backup": Explained(
        "The log cannot be made again where the venue no longer tells what it told: a backup keeps it off this "
        "machine. The check is made when a directory of backups is named (--backups, TIEOUT_BACKUPS).",
        "The newest backup there is opened and its manifest read: when it was made, and of which wallets. Its content "
        "is checked by `tieout db verify-backup FILE` alone.",
        "`tieout db backup FILE` from a timer, once a day; docs/operations.md has one. Restore one now and then: a "
        "backup that was never restored is a hope.",
    ),
    "private key": Explained(
        "Orders are signed with it. It is read from a file or the environment, never from the configuration, and "
        "never written or shown.",
        "It is read, its account computed, and the wallets that the venue makes for that account (proxy, safe, deposit "
        "wallet) are compared with account.wallet.",
        "Missing: put it into a file that only you can read (chmod 600) and name it. Another wallet's: account.wallet "
        "or account.signature_type is not what the venue trades this key with. A session key may be right and not "
        "look like it.",
    ),
    "clock": Explained(
        "Requests are signed with the time, and orders end at one. A clock that is off gets them refused, or lets an "
        "order rest longer than meant.",
        "The venue tells its time in whole seconds; half of the way there and back is ours to know.",
        "Let the system keep its time by NTP: `timedatectl set-ntp true`. A machine that sleeps or a virtual one that "
        "is paused wakes up with a wrong clock.",
    ),
    "CLOB": Explained(
        "The central limit order book: where orders go and trades come from. Without it nothing can be quoted, and "
        "what rests cannot be cancelled.",
        "It is asked for its version, which is also that of the orders it takes; this version of tieout signs one.",
        "Unreachable: look at the network, at [venue] proxy and the addresses. In trouble: status.polymarket.com, "
        "then again. Another version: update tieout before it trades.",
    ),
    "API key": Explained(
        "Requests about the account need a key of the CLOB. It follows from the private key, so losing it loses "
        "nothing.",
        "The one of the environment is taken, or the one that exists for the private key derived; the venue is then "
        "asked for the account's keys with it. None is made here.",
        "None yet: the first `tieout run` makes it. Refused: correct the clock if it is off, and take TIEOUT_API_KEY "
        "and its two out of the environment, so that it is derived.",
    ),
    "restrictions": Explained(
        "The venue can ban an account, or let it only close positions; and it serves nobody in some places.",
        "The account is asked whether it is in closed-only mode. A refusal of the place or a ban answers the same "
        "question.",
        "Nothing here can lift it: write to the venue's support. Do not work around a refusal of the place; the funds "
        "can be held.",
    ),
    "open orders": Explained(
        "What rests at the venue. The worker compares the list with the books both ways, so it has to be whole.",
        "All pages of the account's open orders are read, to the end the venue says.",
        "Not whole: look again, since the list may change while it is read. If it stays, rows have a form this "
        "version cannot read: update tieout.",
    ),
    "collateral, venue": Explained(
        "What the CLOB believes the wallet has and what the exchanges may take of it. It accepts orders by this "
        "belief, which can be older than the chain.",
        "The venue's balance and allowances are read, and compared with the chain where a node is at hand.",
        "Different for longer than some minutes: account.signature_type or account.wallet is not what the venue "
        "trades this key with. Nothing may be taken: approve the exchange, by one small trade on the site.",
    ),
    "collateral, chain": Explained(
        "What the wallet really holds, and what the exchanges of the configured markets may really take. Buys need "
        "both.",
        "The balance and the allowances are read from the node's newest block.",
        "Nothing held: deposit collateral. Nothing may be taken: make one small trade on the site with this wallet, or "
        "approve the exchange by a transaction of your own.",
    ),
    "approvals": Explained(
        "Sells need the exchanges to be allowed to take outcome tokens.",
        "The node is asked for the approval of every exchange of the configured markets, on the ledger its tokens are "
        "on.",
        "Make one small trade on the site with this wallet, or approve by a transaction of your own. Without it only "
        "buys are possible.",
    ),
    NODE: Explained(
        "A Polygon node proves the books: balances are read at a final block and compared with the books of that "
        "block. Without one only the Data API vouches for them, with its delay.",
        "It is asked for its chain, its newest and its final block, and for a balance of long ago, which only an "
        "archive knows.",
        "Behind or silent: use another, or wait; name two of different providers under venue.nodes, the best first. "
        "No archive is fine for the worker; `tieout audit --from-chain` needs one.",
    ),
    "Data API": Explained(
        "The venue's index of activity and positions: a witness with a lag. Where a node is at hand it is compared "
        "and never booked.",
        "It is asked for the wallet's first activity.",
        "Nothing at first: the worker goes on without it. If it lasts, look at status.polymarket.com; rows that cannot "
        "be read ask for an update of tieout.",
    ),
    "Gamma": Explained(
        "The venue's list of markets: names, tokens, tick sizes, ends. The worker reads it at its start, and cannot "
        "choose markets without it.",
        "One page of open markets is read.",
        "Unreachable: the network or venue.gamma. Rows that cannot be read: a field has changed, update tieout.",
    ),
    "user socket": Explained(
        "Fills and order changes are heard here first, in milliseconds. While it is away nothing is quoted, and what "
        "was missed is read again afterwards.",
        "It is opened and subscribed to with the API key, and has to answer PING; a key that it refuses ends the "
        "connection instead.",
        "Not opened: what stands between breaks WebSockets (proxies, firewalls). Ended after the subscription: the "
        "API key is not the right one, see there.",
    ),
    "market socket": Explained(
        "Order books are heard here. A market whose book is not known now is not quoted.",
        "A configured market is subscribed to, and its book has to come.",
        "Not opened: what stands between breaks WebSockets. Without a market to subscribe to: see markets.",
    ),
    "markets": Explained(
        "The markets to be quoted have to exist, to take orders, and not to end before min_time_to_resolution_ms.",
        "They are chosen as the worker would choose them, and each is looked at.",
        "Take closed ones out of markets.use; correct names (a slug, an address of the site, a condition id). "
        "Overrides must name a market that is quoted.",
    ),
    "rate-limit tier": Explained(
        "The venue limits how many orders and cancels a signer may send. The worker keeps to it by itself, and waits "
        "rather than be refused.",
        "It is what the configuration says. The venue names the account's own tier in its answer to the first order, "
        "and the worker follows that.",
        "Nothing. If the first answers say 429, name the right tier under [signer_limits].",
    ),
    "alerts": Explained(
        "Somebody has to hear when something does not tie out, when quoting stops, and when the worker ends: nobody "
        "looks at a terminal at night.",
        "The destinations of the configuration; a program has to be there and to be one that can be run. Nothing is "
        "sent by the doctor.",
        "Add [[alerts.to]] (docs/configuration.md), then `tieout alerts test`, which sends a marked message to each.",
    ),
}
"""By the name a check is shown by."""
