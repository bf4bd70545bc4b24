"""What a running worker shows of itself to the desk, what the desk asks of it, and how fills are found by time."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from tieout.store.script import run_script

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
