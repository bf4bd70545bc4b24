"""What the contracts store: one table of named slots, every change of which is journaled.

As in the real machine there is nothing but slots: a failed call is undone to where it began, a block as a whole, and
what a slot held at the end of any kept block can be read. A slot that is 0 does not exist, so equal states are equal
tables. Amounts are micro-units.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from operator import itemgetter

Slot = tuple[str | int, ...]
"""(kind, contract, ...) as the functions of this module make them."""

Undo = dict[Slot, int]

MAX_UINT = (1 << 256) - 1

TOKENS, CASH, ALLOWANCE, APPROVAL = "tokens", "cash", "allowance", "approval"
TOKEN_SUPPLY, CASH_SUPPLY = "token supply", "cash supply"


class Revert(Exception):  # noqa: N818 (what the machine calls it)
    """The call fails and nothing of it remains."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class State:
    """The slots, the journal of the running block, and what each block changed."""

    def __init__(self) -> None:
        self.slots: dict[Slot, int] = {}
        self.block_number = 0
        self.known: dict[str | int, Slot] = {}
        """The KNOWN slot of a condition by its ids and tokens: a way to find it, never undone."""
        self._journal: list[tuple[Slot, int]] = []
        self._history: dict[Slot, list[tuple[int, int]]] = {}

    def get(self, slot: Slot) -> int:
        """What the slot holds; 0 when it was never set."""
        return self.slots.get(slot, 0)

    def put(self, slot: Slot, value: int) -> None:
        """Set a slot."""
        slots = self.slots
        self._journal.append((slot, slots.get(slot, 0)))
        if value:
            slots[slot] = value
        else:
            slots.pop(slot, None)

    def add(self, slot: Slot, amount: int) -> None:
        """Change a slot by *amount*."""
        self.put(slot, self.slots.get(slot, 0) + amount)

    def tokens(self, ledger: str, wallet: str, token: int) -> int:
        """ERC-1155 balance."""
        return self.slots.get((TOKENS, ledger, wallet, token), 0)

    def cash(self, contract: str, wallet: str) -> int:
        """ERC-20 balance."""
        return self.slots.get((CASH, contract, wallet), 0)

    def allowance(self, contract: str, owner: str, spender: str) -> int:
        """What *spender* may take of the owner's ERC-20."""
        return self.slots.get((ALLOWANCE, contract, owner, spender), 0)

    def approved(self, ledger: str, owner: str, operator: str) -> bool:
        """Whether *operator* may move the owner's ERC-1155 tokens."""
        return (APPROVAL, ledger, owner, operator) in self.slots

    def know(self, slot: Slot, ids: Slot) -> None:
        """Remember which condition *ids* belong to."""
        if slot not in self.slots:
            self.put(slot, 1)
            self.known.update(dict.fromkeys(ids, slot))

    def mark(self) -> int:
        """The present place in the journal, for `undo_to`."""
        return len(self._journal)

    def undo_to(self, mark: int) -> None:
        """Take back everything since *mark* (of the running block)."""
        while len(self._journal) > mark:
            self._restore(*self._journal.pop())

    def seal(self) -> Undo:
        """End the running block: what it changed, with the values before it."""
        undo: Undo = {}
        for slot, old in self._journal:
            undo.setdefault(slot, old)
        self._journal.clear()
        for slot, old in undo.items():
            self._history.setdefault(slot, []).append((self.block_number, old))
        return undo

    def unseal(self, undo: Undo) -> None:
        """Take back the last sealed block."""
        for slot, old in undo.items():
            self._restore(slot, old)
            past = self._history[slot]
            past.pop()
            if not past:
                del self._history[slot]

    def at(self, slot: Slot, block: int) -> int:
        """What the slot held at the end of *block*: what the first block after it that changed the slot found."""
        past = self._history.get(slot, ())
        place = bisect_right(past, block, key=itemgetter(0))
        return past[place][1] if place < len(past) else self.get(slot)

    def of_kind(self, kind: str) -> Iterator[tuple[Slot, int]]:
        """All slots of one kind."""
        return ((slot, value) for slot, value in self.slots.items() if slot[0] == kind)

    def _restore(self, slot: Slot, old: int) -> None:
        if old:
            self.slots[slot] = old
        else:
            self.slots.pop(slot, None)
