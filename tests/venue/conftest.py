"""Recorded payloads of the shared folder, as fixtures."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("TIEOUT_SHARED") or ROOT.parent / "shared")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each recorded file that asks for `recorded`."""
    if "recorded" in metafunc.fixturenames:
        files = sorted([*SHARED.glob("samples/*.json"), *SHARED.glob("real/*/*.json")])
        metafunc.parametrize("recorded", files, ids=[str(file.relative_to(SHARED)) for file in files])


@pytest.fixture
def raw() -> Callable[[str], bytes]:
    """Bytes of a file under the shared folder."""
    return lambda name: (SHARED / name).read_bytes()


@pytest.fixture
def load() -> Callable[[str], Any]:
    """Parsed JSON of a file under the shared folder."""
    return lambda name: json.loads((SHARED / name).read_bytes())
