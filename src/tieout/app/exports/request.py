"""What is asked of an export, and whether that can be answered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tieout.app.exports import csv_form, tables
from tieout.app.exports.table import Table
from tieout.app.history import NOW, Moment


class What(StrEnum):
    """What of a wallet's books is exported."""

    FILLS = "fills"
    ORDERS = "orders"
    MOVEMENTS = "movements"
    POSITIONS = "positions"
    TAX = "tax"
    LOTS = "lots"
    YEARS = "years"
    MARKS = "marks"
    BEANCOUNT = "beancount"


class Form(StrEnum):
    """How it is written. A ledger has one form, and it is its own."""

    CSV = "csv"
    PARQUET = "parquet"
    BEANCOUNT = "beancount"


WINDOWED = (What.FILLS, What.ORDERS, What.MOVEMENTS, What.TAX, What.MARKS)
"""What has a time in every row, so that a part of it can be asked for."""

_MEDIA_TYPES = {
    Form.CSV: csv_form.MEDIA_TYPE,
    Form.PARQUET: "application/vnd.apache.parquet",  # registered with IANA
    Form.BEANCOUNT: "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What, how, of which time, and from which point of view.

    `since_ms` is the first millisecond that is in it, `until_ms` the first that is not; a row without a time counts as
    before every time, so that windows that follow each other hold every row once. Raises ValueError for what no
    export can answer.
    """

    what: What
    form: Form = Form.CSV
    since_ms: int | None = None
    until_ms: int | None = None
    moment: Moment = NOW
    commodities: bool = True
    """Of a ledger: with a directive for each commodity. A file that includes several ledgers may have only one each."""

    def __post_init__(self) -> None:
        if (self.form is Form.BEANCOUNT) != (self.what is What.BEANCOUNT):
            raise ValueError(f"{self.what} cannot be written as {self.form}")
        has_window = self.since_ms is not None or self.until_ms is not None
        if has_window and self.what not in WINDOWED:
            raise ValueError(
                f"{self.what} cannot be cut to a part of the time: it is a state, or begins with the books; "
                "ask for it as of another time instead"
            )
        if self.since_ms is not None and self.until_ms is not None and self.since_ms >= self.until_ms:
            raise ValueError("expected the beginning of the time before its end")
        if self.what is What.MARKS and not self.moment.is_now:
            raise ValueError("a mark is made once and never changes: there is none as of another time; cut the time")

    @property
    def table(self) -> Table:
        """Its table; a ledger has none."""
        return next(table for table in tables.TABLES if table.name == self.what)

    @property
    def suffix(self) -> str:
        """What its file's name should end with."""
        return f".{self.form.value}"

    @property
    def media_type(self) -> str:
        """For an answer over HTTP."""
        return _MEDIA_TYPES[self.form]

    def file_name(self, wallet: str) -> str:
        """A name for the file."""
        return f"tieout-{wallet.lower()[:10]}-{self.what.value}{self.suffix}".replace("-beancount.", ".")
