"""`tieout db`: the database itself."""

from __future__ import annotations

import typer

from tieout.app.database import database, session
from tieout.app.settings import Settings
from tieout.cli.options import AsJson
from tieout.cli.output import HOLDS, out, print_json, run, short, table
from tieout.store.connect import shown

app = typer.Typer(help="The database: where it is, what it holds.", no_args_is_help=True)


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema (every other command does so too)."""

    async def work() -> int:
        async with database(Settings()) as dsn:
            out.print(f"{shown(dsn)} is at the newest schema")
        return HOLDS

    run(work)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Wallets, and how much is kept of each."""

    async def work() -> int:
        settings = Settings()
        async with session(settings) as connection:
            version = await connection.fetchval("SHOW server_version")
            size = await connection.fetchval("SELECT pg_size_pretty(pg_database_size(current_database()))")
            rows = await connection.fetch(
                "SELECT address, head_seq, epoch, holder, "
                "(SELECT count(*) FROM raw_message r WHERE r.wallet_id = w.wallet_id) AS raw, "
                "(SELECT count(*) FROM positions p WHERE p.wallet_id = w.wallet_id) AS positions, "
                "(SELECT count(*) FROM raw_problem q JOIN raw_message r USING (raw_id) WHERE r.wallet_id = w.wallet_id)"
                " AS problems FROM wallet w ORDER BY address"
            )
        if as_json:
            print_json({"server": version, "size": size, "wallets": [dict(row) for row in rows]})
            return HOLDS
        out.print(f"PostgreSQL {version}, {size}, {'TIEOUT_DB' if settings.db else settings.home}")
        made = table(
            ("wallet", "left"), ("log", "right"), ("messages", "right"), ("positions", "right"), ("problems", "right")
        )
        for row in rows:
            made.add_row(
                short(row["address"], 10, 8),
                f"{row['head_seq']:,}",
                f"{row['raw']:,}",
                f"{row['positions']:,}",
                f"{row['problems']:,}",
            )
        out.print(made)
        return HOLDS

    run(work)
