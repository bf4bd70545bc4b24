"""Settings from the environment."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read from TIEOUT_* variables."""

    model_config = SettingsConfigDict(env_prefix="TIEOUT_")

    db: str = ""
    """postgresql://... of any server; empty: the embedded one."""
    home: Path = Field(default_factory=lambda: Path.home() / ".tieout")
    """Where the embedded server keeps its data."""
    backups: Path | None = None
    """A directory that `tieout db backup` writes to: the doctor looks how old the newest one is."""
