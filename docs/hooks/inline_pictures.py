"""Our drawings, put into the page: there they follow its light and dark, which a picture in a file cannot.

The style in the file serves whoever opens it alone; the page has its own (`stylesheets/site.css`).
"""

from __future__ import annotations

import html as markup
import re
from pathlib import Path

_IMAGE = re.compile(r'<img alt="([^"]*)" src="([^":]+/drawn/[\w-]+\.svg)"\s*/?>')
_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)


def inlined(page: str, folder: Path) -> str:
    """*page* (HTML) with every drawing of img/drawn in it; *folder* is where its links begin."""
    return _IMAGE.sub(lambda found: _drawing(folder / found[2], found[1]), page)


def _drawing(path: Path, alt: str) -> str:
    text = _STYLE.sub("", path.read_text(encoding="utf-8")).strip()
    words = markup.escape(markup.unescape(alt))
    return text.replace("<svg ", f'<svg class="drawn" role="img" aria-label="{words}" ', 1)
