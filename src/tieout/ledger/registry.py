"""Which outcome tokens belong to which condition, and what they pay once it is resolved."""

from __future__ import annotations

from tieout.ledger.facts import ConditionResolved, OutcomeTokenListed


class Registry:
    """The tokens and resolutions of the conditions of one book.

    A condition whose tokens are not known yet gets placeholder tokens ("<condition>#<outcome>"), so that no share is
    lost; they vanish when the real tokens are listed, because the book is folded again.
    """

    __slots__ = ("condition_of", "listed", "outcome_of", "resolutions")

    def __init__(self) -> None:
        self.listed: dict[str, dict[str, dict[int, str]]] = {}
        """condition -> ledger -> outcome index -> token."""
        self.outcome_of: dict[str, tuple[str, int]] = {}
        """token -> (ledger, outcome index)."""
        self.condition_of: dict[str, str] = {}
        """token -> condition, from listings and from the facts that name both."""
        self.resolutions: dict[str, dict[tuple[str, int], ConditionResolved]] = {}
        """condition -> (transaction, log index) -> the highest version of that log."""

    def merge(self, fact: OutcomeTokenListed) -> bool:
        """Take in a listing; returns whether it is new. On contradiction the greater token id stays."""
        outcomes = self.listed.setdefault(fact.condition_id, {}).setdefault(fact.ledger, {})
        known = outcomes.get(fact.outcome_index, "")
        if fact.token_id <= known:
            return False
        outcomes[fact.outcome_index] = fact.token_id
        self.outcome_of[fact.token_id] = (fact.ledger, fact.outcome_index)
        self.place(fact.token_id, fact.condition_id)
        return True

    def place(self, token_id: str, condition_id: str) -> None:
        """Note that the token belongs to the condition."""
        if condition_id and condition_id > self.condition_of.get(token_id, ""):
            self.condition_of[token_id] = condition_id

    def resolve(self, fact: ConditionResolved) -> bool:
        """Take in a payout vector; returns whether it is new."""
        logs = self.resolutions.setdefault(fact.condition_id, {})
        place = (fact.tx_hash, fact.log_index)
        known = logs.get(place)
        if known is not None and _version(fact) <= _version(known):
            return False
        logs[place] = fact
        return True

    def tokens(self, condition_id: str, ledger: str) -> list[str]:
        """The outcome tokens of the condition in outcome order, on *ledger* ("" where the source does not say)."""
        ledgers = self.listed.get(condition_id, {})
        outcomes = ledgers.get(ledger or ("ctf" if "ctf" in ledgers else "pm"), {})
        count = max(2, *(i + 1 for i in outcomes), len(self.numerators(condition_id)))
        return [outcomes.get(i) or f"{condition_id}#{i}" for i in range(count)]

    def numerators(self, condition_id: str) -> tuple[int, ...]:
        """The payout numerators, empty while the condition is not resolved."""
        standing = [log for log in self.resolutions.get(condition_id, {}).values() if not log.removed]
        if not standing:
            return ()
        return max(standing, key=lambda log: (log.log_index >= 0, log.block, log.numerators)).numerators

    def payouts(self) -> dict[str, tuple[int, int]]:
        """Token -> (numerator, sum of numerators) for every token of a resolved condition."""
        table: dict[str, tuple[int, int]] = {}
        for condition_id in self.resolutions:
            numerators = self.numerators(condition_id)
            total = sum(numerators)
            if total <= 0:
                continue
            for ledger in (*self.listed.get(condition_id, {}), ""):
                for token_id, numerator in zip(self.tokens(condition_id, ledger), numerators, strict=False):
                    table[token_id] = (numerator, total)
        return table


def _version(fact: ConditionResolved) -> tuple[int, bool, tuple[int, ...]]:
    return (fact.version, fact.removed, fact.numerators)
