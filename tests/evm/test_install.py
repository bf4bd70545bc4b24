"""What is fetched for the local EVM is known by its hash, and from nowhere in particular."""

from __future__ import annotations

import json
from pathlib import Path

LOCK = Path(__file__).parent / "package-lock.json"


def test_the_lock_file_has_hashes_and_no_addresses() -> None:
    text = LOCK.read_text(encoding="utf-8")
    assert "://" not in text
    packages = [entry for name, entry in json.loads(text)["packages"].items() if name]
    assert len(packages) > 80
    assert all(entry["integrity"].startswith("sha512-") for entry in packages)


def test_the_machine_does_not_wait_for_a_newer_node_than_debians() -> None:
    """npm leaves out an optional package whose stated engine is not there, and says nothing."""
    packages = json.loads(LOCK.read_text(encoding="utf-8"))["packages"]
    machines = [entry for name, entry in packages.items() if "@foundry-rs/anvil-" in name]
    assert len(machines) == 5
    assert all("engines" not in entry for entry in machines)
