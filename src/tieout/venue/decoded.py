"""What decoding one message gives: facts, problems, and the names nobody knew."""

from __future__ import annotations

from dataclasses import dataclass, field

from tieout.ledger.facts import AnyFact
from tieout.venue.wire import shown


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that could not be booked from a message.

    `code` is "undecodable", "foreign", "unknown_kind", "no_own_leg" or "unsupported".
    """

    code: str
    message: str


@dataclass(slots=True)
class Decoded:
    """Facts and problems of one message. `unknown` names new fields and statuses: kept, counted, never fatal."""

    kind: str
    facts: list[AnyFact] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def problem(self, code: str, message: str) -> None:
        """Adds one problem."""
        self.problems.append(Problem(code, message))

    def note(self, what: str, name: object) -> None:
        """Adds one unknown name once, as in "status:FOO"."""
        text = f"{what}:{shown(name, quoted=False)}"
        if text not in self.unknown:
            self.unknown.append(text)

    def note_fields(self, row: dict[str, object], known: frozenset[str]) -> None:
        """Adds the names of fields that are not in *known*."""
        if not row.keys() <= known:
            for name in sorted(row.keys() - known):
                self.note("field", name)

    def absorb(self, other: Decoded) -> None:
        """Takes over everything of *other*."""
        self.facts.extend(other.facts)
        self.problems.extend(other.problems)
        for text in other.unknown:
            if text not in self.unknown:
                self.unknown.append(text)
