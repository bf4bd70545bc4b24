"""What the documentation takes from the code when it is built, so that it cannot say anything else than the code.

A page asks for a part by a comment on a line of its own:

    <!-- made: NAME -->              a part made by one of the modules beside this one
    <!-- picture: PATH | ALT -->     a picture below docs/img, once it is there

Nothing here asks the network.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import api_page
import catalog_page
import cli_page
import facts_page
import http_page
import inline_pictures
import runbook_pages

DOCS = Path(__file__).resolve().parents[1]

_MADE = re.compile(r"^<!-- made: (\w+) -->$", re.MULTILINE)
_PICTURE = re.compile(r"^<!-- picture: (\S+) \| ([^|\n]+?) -->$", re.MULTILINE)

Maker = Callable[[str], str]
"""Takes the name of the page (its path below docs, without `.md`) and returns Markdown."""


def architecture(_page: str) -> str:
    """ARCHITECTURE.md without its title, its links as they are seen from docs/."""
    text = (DOCS.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return text.partition("\n")[2].replace("](docs/decisions)", "](decisions/index.md)").replace("](docs/", "](")


def decisions(_page: str) -> str:
    """Every decision record, by its title."""
    files = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    titles = [(path.name, path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")) for path in files]
    return "\n".join(f"- [{title}]({name})" for name, title in titles)


MAKERS: dict[str, Maker] = {
    "api": api_page.made,
    "architecture": architecture,
    "catalog": catalog_page.made,
    "cli": cli_page.made,
    "decisions": decisions,
    "facts": facts_page.made,
    "guidance": runbook_pages.guidance,
    "http": http_page.made,
    "issues": runbook_pages.table,
}


def on_page_markdown(markdown: str, *, page: Any, **_: object) -> str:
    """Fill in what the page asks for."""
    name = page.file.src_uri.removesuffix(".md")
    shown = _PICTURE.sub(lambda found: _picture(name, found[1], found[2]), markdown)
    return _MADE.sub(lambda found: MAKERS[found[1]](name), shown)


def on_page_content(html: str, *, page: Any, **_: object) -> str:
    """Put our own pictures into the page itself, where they take its colors."""
    return inline_pictures.inlined(html, (DOCS / page.file.src_uri).parent)


def _picture(page: str, path: str, alt: str) -> str:
    """The picture as Markdown; nothing while it is not there. A light and a dark one show by the palette."""
    if not (DOCS / "img" / path).exists():
        return ""
    only = next((f"#only-{scheme}" for scheme in ("light", "dark") if path.endswith(f"-{scheme}.png")), "")
    return f"![{alt}]({'../' * page.count('/')}img/{path}{only})"
