"""Running a file of several SQL statements inside a migration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection


def run_script(bind: Connection, path: Path) -> None:
    """Run every statement of *path* in the migration's transaction.

    SQLAlchemy prepares statements, and a prepared statement holds one command only; the driver's own `execute`
    takes a whole script.
    """
    script = path.read_text(encoding="utf-8")

    async def run(connection: Any) -> None:
        await connection.execute(script)

    adapted: Any = bind.connection.dbapi_connection
    adapted.run_async(run)
