"""How a life ended: PASSED with its figures, or FAILED with what must not be, when, and how to see it again."""

from __future__ import annotations

import msgspec


class ViolationError(Exception):
    """Something is not as it must be. `id` is a row of the catalog, or one of OTHER."""

    def __init__(self, id_: str, sentence: str) -> None:
        super().__init__(sentence)
        self.id = id_
        self.sentence = sentence


OTHER = {
    "END": "the worker ended by itself, and nothing was done to it",
    "LIVE": "quoting resumes within a bounded time once nothing goes wrong any more",
    "LEAK": "an order rests at the venue after the worker has stopped",
    "TASK": "no task of the worker ends with an error that nobody asks for",
    "RUN": "the run itself broke off",
}
"""What the catalog has no row for."""


class Happening(msgspec.Struct, frozen=True):
    """Something worth telling; milliseconds since the life began."""

    at_ms: int
    what: str


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What a life came to."""

    virtual_ms: int = 0
    requests: int = 0
    steps: int = 0
    statements: int = 0
    orders: int = 0
    fills: int = 0
    entries: int = 0
    issues: int = 0
    workers: int = 0
    head: str = ""
    """Hash of the last entry of the log."""
    cpu_ms: int = 0
    """Of this process; the database's is not in it."""
    struck: dict[str, int] = {}
    blows: dict[str, int] = {}
    facts: dict[str, int] = {}
    """Entries of the log by kind of fact."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The end of one life. `id` is empty when it passed."""

    seed: int
    id: str = ""
    sentence: str = ""
    at_ms: int = 0
    figures: Figures = Figures()
    last: tuple[Happening, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything held."""
        return not self.id


def clock_text(ms: int) -> str:
    """Milliseconds since the beginning as h:mm:ss.mmm."""
    seconds, rest = divmod(ms, 1_000)
    return f"{seconds // 3_600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"
