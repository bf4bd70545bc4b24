"""The folder of recorded payloads that stands beside the project."""

from __future__ import annotations

import os
from pathlib import Path

SHARED = Path(os.environ.get("TIEOUT_SHARED") or Path(__file__).resolve().parents[3] / "shared")
