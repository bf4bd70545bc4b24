"""Fills on their way: those with a status that nobody knows, too."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from tieout.store.script import run_script

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql"))
