"""The demo: imports recorded wallets into a database of its own and shows that their books tie out.

Every command shown is a command you can type. The last table compares the books with figures that were worked out
without tieout. Exit code 0: all equal; 1: not.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".tieout" / "demo"
SHARED = Path(os.environ.get("TIEOUT_SHARED") or ROOT.parent / "shared")
MADE_UP = Path(__file__).resolve().parent / "recording"
PATIENCE_S = 30.0

BOSONA = "0xc2ad03f79ca3f3c17d8c7de2612ce0c89b7d40ed"
LARGE = "0x09b428f7c2b469786286214aa5c90dd9015f7320"
CAPTURES = "0xa3d82ed56f4c68d2328fb8c29e568ba2caf7d7c8"
CAPTURE_OWNERS = ("3e2c94ca-8124-c4c1-c7ea-be1ea21b71fe", "a93a3d32-74fa-dd2b-4b67-98bfa6fc5cb5")
# The user-channel recording has its addresses zeroed out; its key id tells which orders are ours, so any address that
# is nobody's serves.
ANONYMOUS = "0x00000000000000000000000000000000000000a1"
ANONYMOUS_OWNER = "000000000-0000-0000-0000-000000000000"
MADE_UP_WALLET = "0xdec0de0000000000000000000000000000000001"
MADE_UP_OWNER = "00000000-0000-4000-8000-00000000000a"
JOINED_TX = "0x2102dbbdcda563c858cc419e05530786d3287775c2f8300cbcf6f04a7dd51ec1"


@dataclass(frozen=True)
class Figure:
    """Realized PnL of one recorded market after fees, worked out from its rows by hand (real/INDEX.md)."""

    wallet: str
    recording: str
    expected: int


REAL = (
    Figure(BOSONA, "real/activity/1789456200.json", 65_047_699),
    Figure(BOSONA, "real/activity/1789468500.json", 63_270_100),
    Figure(BOSONA, "real/activity/1789739700.json", -101_340_000),
)
SMALL = (Figure(MADE_UP_WALLET, "real/activity/1789000000.json", 43_300_000),)


def environment() -> dict[str, str]:
    """Ours, with the demo's own database and without a server of yours."""
    kept = {name: value for name, value in os.environ.items() if name != "TIEOUT_DB"}
    return {**kept, "TIEOUT_HOME": str(HOME), "TIEOUT_PG_LINGER_S": "3"}


def command(*words: str) -> list[str]:
    """The command line of `tieout`, run by this Python."""
    return [sys.executable, "-m", "tieout", *words]


def bold(text: str, color: str = "1") -> str:
    """*text* in bold, or in another ANSI style, on a terminal."""
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ
    return text if plain else f"\033[{color}m{text}\033[0m"


def heading(text: str) -> None:
    """What is shown next, and why it matters."""
    print(f"\n{bold('== ' + text, '1;36')}", flush=True)


def show(folder: Path, *words: str, expect: int = 0) -> None:
    """Run one command in *folder* with its output on the screen; stop when it ends otherwise than expected."""
    print(f"\n{bold('$ tieout ' + ' '.join(words), '2')}", flush=True)
    code = subprocess.run(command(*words), env=environment(), cwd=folder, check=False).returncode
    if code != expect:
        sys.exit(f"the demo stops: expected exit code {expect}, was {code}")


def answer(*words: str) -> dict[str, object]:
    """The JSON document of one command."""
    done = subprocess.run(command(*words, "--json"), env=environment(), check=True, capture_output=True)
    return json.loads(done.stdout)


def start_fresh() -> None:
    """Remove the database of an earlier demo, once its server has gone."""
    lock = HOME / "postgres.server.lock"
    deadline = time.monotonic() + PATIENCE_S
    while lock.exists():
        with lock.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    sys.exit(f"the server of an earlier demo still runs on {HOME}; stop it, or remove that folder")
        time.sleep(0.2)
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)


def owners(keys: tuple[str, ...]) -> list[str]:
    """The options that name *keys*."""
    return [word for key in keys for word in ("--owner", key)]


def show_real() -> None:
    """The recorded wallets."""
    print(f"in {SHARED}:")
    heading("Three markets of one wallet, from the Data API and from the chain: two witnesses, one set of books")
    show(SHARED, "import", "--wallet", BOSONA, "real/activity", "real/receipts")
    show(SHARED, "books", "--wallet", BOSONA, "--all")
    heading("The same again: what is known changes nothing, so a feed may repeat itself and a crash may be resumed")
    show(SHARED, "import", "--wallet", BOSONA, "real/receipts", "real/activity")
    heading("One trade, told by a Data API row and by a receipt: one fill, with the chain's exact amounts and fee")
    show(SHARED, "explain", JOINED_TX, "--wallet", BOSONA)
    heading("A large wallet whose history starts in the middle: what cannot be explained is said, not invented")
    show(SHARED, "import", "--wallet", LARGE, "real/wallet")
    show(SHARED, "books", "--wallet", LARGE)
    heading("The user socket: one order placed, updated, matched and confirmed; MATCHED then CONFIRMED is one fill")
    show(SHARED, "import", "--wallet", ANONYMOUS, "--owner", ANONYMOUS_OWNER, "real/user-channel")
    show(SHARED, "orders", "--wallet", ANONYMOUS, "--all")
    show(SHARED, "fills", "--wallet", ANONYMOUS)
    heading("One payload of nearly every kind the venue sends: every one is read, or kept with the reason")
    show(SHARED, "import", "--wallet", CAPTURES, *owners(CAPTURE_OWNERS), "samples")
    show(SHARED, "books", "--wallet", CAPTURES)


def show_made_up() -> None:
    """The small recording, where the real ones are missing."""
    print(f"{SHARED} holds no recordings (TIEOUT_SHARED names their folder): here is a small one made up for the demo")
    print(f"in {MADE_UP}:")
    heading("One market from its first trade to its redemption")
    show(MADE_UP, "import", "--wallet", MADE_UP_WALLET, "real/activity")
    show(MADE_UP, "books", "--wallet", MADE_UP_WALLET, "--all")
    heading("An order of the user socket, matched and confirmed: MATCHED then CONFIRMED is one fill")
    show(MADE_UP, "import", "--wallet", ANONYMOUS, "--owner", MADE_UP_OWNER, "real/user-channel")
    show(MADE_UP, "fills", "--wallet", ANONYMOUS)
    heading("Why the books hold what they hold")
    show(MADE_UP, "explain", "0x" + "ab" * 32, "--wallet", ANONYMOUS)


def realized_after_fees(wallet: str, recording: Path) -> int:
    """What the books say of the recording's market, in micro-units."""
    condition = json.loads(recording.read_bytes())["rows"][0]["conditionId"]
    positions = answer("books", "--wallet", wallet)["positions"]
    rows = [row for row in positions if row["condition_id"] == condition]
    return sum(int(row["realized_pnl"]) - int(row["fees"]) for row in rows)


def compare(figures: tuple[Figure, ...], root: Path) -> bool:
    """The table of expected figures and the books; whether all are equal."""
    heading("Realized PnL after fees: figures worked out from the rows by hand, and the books")
    print(f"\n{'market':>12}  {'expected':>14}  {'books':>14}  equal")
    all_equal = True
    for figure in figures:
        path = root / figure.recording
        found = realized_after_fees(figure.wallet, path)
        equal = found == figure.expected
        all_equal &= equal
        mark = bold("yes", "32") if equal else bold("NO", "1;31")
        print(f"{path.stem:>12}  {amount(figure.expected):>14}  {amount(found):>14}  {mark}")
    return all_equal


def amount(micro: int) -> str:
    """A micro-unit amount with six places and its sign."""
    whole, fraction = divmod(abs(micro), 1_000_000)
    return f"{'-' if micro < 0 else '+'}{whole:,}.{fraction:06d}"


def main() -> int:
    """Run the demo."""
    began = time.monotonic()
    start_fresh()
    is_real = (SHARED / "real" / "activity").is_dir()
    if is_real:
        show_real()
    else:
        show_made_up()
    figures, root = (REAL, SHARED) if is_real else (SMALL, MADE_UP)
    heading("Every invariant, checked over every movement")
    show(root, "audit", "--wallet", figures[0].wallet)
    heading("The log alone gives the books: folded again from its first entry, every hash verified")
    show(root, "replay", "--wallet", figures[0].wallet, "--verify")
    if not compare(figures, root):
        print(bold("\nThe books do NOT agree with the recordings.", "1;31"))
        return 1
    proven = f"{len(figures)} of {len(figures)} markets to the micro-unit, every invariant, and the log gives the books"
    print(bold(f"\nProven: {proven} ({time.monotonic() - began:.0f} s).", "1;32"))
    print(bold(f'Go on: TIEOUT_HOME="{HOME}" {sys.executable} -m tieout db status', "2"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
