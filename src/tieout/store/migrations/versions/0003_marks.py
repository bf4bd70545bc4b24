"""The wallet marked to market, one row a run."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from tieout.store.script import run_script

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
