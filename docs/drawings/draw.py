"""A few shapes as SVG.

Colors are names: a page gives them its light or its dark, the style in the file serves whoever opens it alone.
"""

from __future__ import annotations

from html import escape

STYLE = """<style>
svg{--ink:#1d2b29;--soft:#5b6b68;--paper:#fff;--line:#9fb0ac;--wash:#eef4f2;--good:#0f6b5f;--warn:#a2560c;--bad:#a8322a}
@media (prefers-color-scheme:dark){svg{--ink:#e4ecea;--soft:#9fb0ac;--paper:#16201e;--line:#4d605b;--wash:#1f2d2a;
--good:#6fd3c1;--warn:#e6a35c;--bad:#ef8b80}}
text{font-family:system-ui,sans-serif;font-size:14px;fill:var(--ink)}
.soft{fill:var(--soft);font-size:12.5px}.strong{font-weight:650}.mono{font-family:ui-monospace,monospace;font-size:13px}
.good{fill:var(--good)}.warn{fill:var(--warn)}.bad{fill:var(--bad)}
.box{fill:var(--paper);stroke:var(--line);stroke-width:1.2}.wash{fill:var(--wash);stroke:var(--line);stroke-width:1.2}
.hole{fill:none;stroke:var(--warn);stroke-width:1.6;stroke-dasharray:5 4}.solid{fill:var(--good);stroke:none}
.gone{fill:none;stroke:var(--line);stroke-dasharray:3 4}.tint{fill:var(--good);fill-opacity:.16;stroke:var(--good)}
.way{fill:none;stroke:var(--soft);stroke-width:1.4}.head{fill:var(--soft)}.axis{stroke:var(--line);stroke-width:1.2}
.cut{stroke:var(--good);stroke-width:1.8;stroke-dasharray:6 4}.late{stroke:var(--warn)}.solid.late{fill:var(--warn)}
</style>"""


class Drawing:
    """A picture of *width* by *height* units; what is added later lies above."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._parts: list[str] = []

    def text(self, x: float, y: float, words: str, looks: str = "", anchor: str = "start") -> None:
        """One line of text; *y* is its base line."""
        self._parts.append(f'<text x="{x:g}" y="{y:g}"{_looks(looks)} text-anchor="{anchor}">{escape(words)}</text>')

    def box(self, x: float, y: float, width: float, height: float, looks: str = "box", round_: float = 7) -> None:
        """A rectangle with round corners."""
        place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{round_:g}"'
        self._parts.append(f"<rect {place}{_looks(looks)}/>")

    def card(self, x: float, y: float, width: float, height: float, *lines: str, looks: str = "box") -> None:
        """A box with lines of text in its middle, the first one strong."""
        self.box(x, y, width, height, looks)
        first = y + height / 2 - (len(lines) - 1) * 9 + 5
        for number, line in enumerate(lines):
            self.text(x + width / 2, first + 18 * number, line, "soft" if number else "strong", "middle")

    def line(self, x1: float, y1: float, x2: float, y2: float, looks: str = "axis") -> None:
        """A straight line."""
        self._parts.append(f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"{_looks(looks)}/>')

    def dot(self, x: float, y: float, looks: str = "solid", radius: float = 6) -> None:
        """A filled circle."""
        self._parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}"{_looks(looks)}/>')

    def arrow(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """A line with a head at its end, bent gently where it does not run straight."""
        middle = (x1 + x2) / 2
        bent = f"M{x1:g} {y1:g}C{middle:g} {y1:g} {middle:g} {y2:g} {x2 - 7:g} {y2:g}"
        self._parts.append(f'<path d="{bent}" class="way"/>')
        self._parts.append(f'<path d="M{x2:g} {y2:g}l-9 -4.5v9z" class="head"/>')

    def down(self, x: float, y1: float, y2: float) -> None:
        """An arrow straight down."""
        self._parts.append(f'<path d="M{x:g} {y1:g}V{y2 - 7:g}" class="way"/>')
        self._parts.append(f'<path d="M{x:g} {y2:g}l-4.5 -9h9z" class="head"/>')

    def svg(self) -> str:
        """The file."""
        width, height = self._size
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">'
        return "\n".join((head, STYLE, *self._parts, "</svg>")) + "\n"


def _looks(looks: str) -> str:
    return f' class="{looks}"' if looks else ""
