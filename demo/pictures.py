"""The pictures of the README: what real commands print, as SVG. Run it after `make demo-books`, whose
database it reads.

No fonts are fetched: the picture names fonts that systems have.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from io import StringIO

from demo import BOSONA, JOINED_TX, LARGE, ROOT, SHARED, command, environment
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

PICTURES = ROOT / "docs" / "img"
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
TAKEN = {
    "books": (96, ["books", "--wallet", BOSONA, "--all"], 0),
    "explain": (136, ["explain", JOINED_TX, "--wallet", BOSONA], 0),
    "audit": (92, ["audit", "--wallet", BOSONA], 0),
    "unexplained": (140, ["books", "--wallet", LARGE], 0),
    "violations": (100, ["audit", "--wallet", LARGE], 1),
}
"""Name: (columns of the terminal, the command, its exit code)."""

LIVE_WIDTH, LIVE_ROWS = 116, 36
FRAME = re.compile(r"(?:\r?\x1b\[1A\x1b\[2K|\r\x1b\[2K)+")
"""Between two frames of a live view the lines of the one before are erased."""

GREY, RED, GREEN, YELLOW = (110, 118, 129), (255, 123, 114), (86, 211, 100), (227, 179, 65)
BLUE, PURPLE, CYAN, WHITE = (121, 192, 255), (210, 168, 255), (86, 212, 221), (220, 224, 230)
COLORS = [GREY, RED, GREEN, YELLOW, BLUE, PURPLE, CYAN, WHITE]
GROUND = (22, 27, 34)
THEME = TerminalTheme(GROUND, WHITE, [GROUND, *COLORS[1:]], COLORS)


def screen(width: int, words: list[str], code: int) -> Text:
    """What a terminal of *width* columns shows of the command, with its colors."""
    shown = environment() | {"FORCE_COLOR": "1", "COLUMNS": str(width), "TERM": "xterm-256color"}
    shown.pop("NO_COLOR", None)
    done = subprocess.run(command(*words), env=shown, cwd=SHARED, capture_output=True, text=True, check=False)
    if done.returncode != code:
        sys.exit(f"{' '.join(words)}: expected exit code {code}, was {done.returncode}\n{done.stderr}")
    return Text.from_ansi(done.stdout.rstrip("\n"))


def svg(width: int, title: str, text: Text) -> str:
    """*text* as an SVG picture of a terminal window."""
    console = Console(record=True, width=width, file=StringIO(), force_terminal=True, color_system="truecolor")
    # Blanks become pieces of their own, which are not drawn: some programs drop blanks at the start of a piece.
    text.highlight_regex(" +", "none")
    console.print(text, soft_wrap=True)
    plain_fonts = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    plain_fonts = plain_fonts.replace("Fira Code, monospace", FONTS)
    made = console.export_svg(title=title, theme=THEME, code_format=plain_fonts, unique_id=title.split()[1])
    return re.sub(r"[ \t]+\n", "\n", made)


def simulated() -> Text:
    """What a simulated venue shows of itself after some minutes of its own time."""
    words = ["sim", "serve", "--port", "0", "--seed", "11", "--markets", "8", "--quiet"]
    with subprocess.Popen(command(*words), env=environment(), stdout=subprocess.PIPE, text=True) as server:
        try:
            url = (server.stdout.readline() if server.stdout else "").strip()
            return Text("\n\n").join(
                screen(112, ["sim", *what, "--url", url], 0) for what in (["state"], ["book", "1"])
            )
        finally:
            server.terminate()


def live() -> Text:
    """A frame of the live demo, while a fault is on."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LIVE_ROWS, LIVE_WIDTH, 0, 0))
    shown = environment() | {"TERM": "xterm-256color"}
    shown.pop("COLUMNS", None)
    words = command("demo", "--minutes", "0.5", "--each", "12", "--fault", "ws-duplicate", "--fault", "human-merge")
    with subprocess.Popen(words, env=shown, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        raw = b""
        with suppress(OSError):  # the other end is closed: the demo has ended
            while part := os.read(ours, 65_536):
                raw += part
    os.close(ours)
    frames = FRAME.split(raw.decode().replace("\r\n", "\n"))
    kept = [frame for frame in frames if "human-merge" in frame and "ending:" not in frame]
    frame = kept[len(kept) // 2].replace("\u00a0", " ")
    return Text.from_ansi(frame.rstrip("\n"))


def main() -> None:
    """Write every picture."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / "demo.svg").write_text(svg(LIVE_WIDTH, "tieout demo", live()))
    (PICTURES / "sim.svg").write_text(svg(112, "tieout sim state; tieout sim book 1", simulated()))
    for name, (width, words, code) in TAKEN.items():
        brief = [f"{word[:8]}…" if len(word) > 30 else word for word in words]
        path = PICTURES / f"{name}.svg"
        path.write_text(svg(width, f"tieout {' '.join(brief)}", screen(width, words, code)))
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
