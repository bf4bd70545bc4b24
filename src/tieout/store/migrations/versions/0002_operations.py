"""What the live worker keeps beside the books: runs, issues, quote history, controls, watermarks."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from tieout.store.script import run_script

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
