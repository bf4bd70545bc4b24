"""What is asked every few seconds of tables that grow for ever: tallies of runs, the last comparison, counts."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from tieout.store.script import run_script

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
