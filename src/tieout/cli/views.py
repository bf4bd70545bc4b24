"""What `books`, `orders` and `fills` share: the stored state, or the books at another moment, and their first line."""

from __future__ import annotations

import asyncpg
from rich.text import Text

from tieout.app.history import Moment, rebuild
from tieout.app.queries import WalletBooks, books_of, read_books, require_wallet
from tieout.app.wording import short
from tieout.cli.options import moment_words
from tieout.cli.output import entries_bar, out
from tieout.store.wallets import head_of


async def wallet_books(connection: asyncpg.Connection, wallet: str, moment: Moment) -> WalletBooks:
    """The wallet's books: as stored when *moment* is now, otherwise folded again from the log."""
    if moment.is_now:
        return await read_books(connection, wallet)
    wallet_id = await require_wallet(connection, wallet)
    head, _, _ = await head_of(connection, wallet_id)
    with entries_bar() as bar:
        task = bar.add_task("reading the log", total=head.seq)
        folded = await rebuild(connection, wallet_id, moment, lambda n: bar.update(task, completed=n))
    return books_of(wallet, head, folded)


def head_line(view: WalletBooks, moment: Moment) -> None:
    """Whose books, up to which entry: one line, shorter where the terminal is narrow; a second for another moment."""
    width = out.width if out.is_terminal else 1_000
    out.print(next((line for line in _heads(view) if line.cell_len <= width), _heads(view)[-1]), soft_wrap=True)
    if not moment.is_now:
        out.print(Text(moment_words(moment), style="yellow"), soft_wrap=True)


def _heads(view: WalletBooks) -> list[Text]:
    """The line in shorter and shorter forms."""
    digest = view.head.hash.hex()
    brief = short(view.wallet)
    lines = []
    for wallet, shown in ((view.wallet, digest[:16]), (view.wallet, digest[:8]), (brief, digest[:8]), (brief, "")):
        line = Text.assemble(("wallet ", "dim"), (wallet, "bold"), ("  entries ", "dim"), f"{view.head.seq:,}")
        lines.append(line.append_text(Text.assemble(("  head ", "dim"), shown)) if shown else line)
    return lines
