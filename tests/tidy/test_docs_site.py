"""The documentation builds strictly, without a network; it needs no other host, and no link in it leads nowhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args
from urllib.parse import unquote, urldefrag

import pytest

from tieout.app.catalog_rows import ROWS
from tieout.app.issue_words import GUIDANCE
from tieout.cli.main import COMMANDS
from tieout.ledger.facts import AnyFact
from tieout.store.runs import IssueType

ROOT = Path(__file__).parents[2]
DESK_PICTURES = ("overview-light", "overview-dark", "market", "incident", "log", "orders", "fills", "portfolio")
# A build that asks a name server or another host ends.
BUILD = """
import sys

def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request"):
        raise SystemExit(f"the build asked the network: {event} {args}")

sys.addaudithook(refuse)
from mkdocs.__main__ import cli

cli()
"""
FETCHED = {
    "script": ("src",),
    "link": ("href",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "video": ("src",),
    "object": ("data",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
}
"""What a browser fetches by itself; a link that somebody follows is none of it."""


@dataclass
class Page(HTMLParser):
    """What a page fetches, links to and can be linked at."""

    fetched: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    styles: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.fetched += [found[name] for name in FETCHED.get(tag, ()) if found.get(name)]
        self.styles += found.get("style", "")
        self.ids.update(found[name] for name in ("id", "name") if found.get(name))
        if tag == "a" and "href" in found:
            self.links.append(found["href"])

    def handle_data(self, data: str) -> None:
        self.styles += data if self.lasttag == "style" else ""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-c", BUILD, "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[Path, Page]:
    """Every page of it."""
    found = {}
    for path in sorted(site.rglob("*.html")):
        found[path] = Page()
        found[path].feed(path.read_text(encoding="utf-8"))
    assert len(found) > 50
    return found


def test_nothing_that_a_page_fetches_is_of_another_host(site: Path, pages: dict[Path, Page]) -> None:
    fetched = [(path.name, url) for path, page in pages.items() for url in page.fetched]
    assert len(fetched) > 200
    styles = [(path.name, page.styles) for path, page in pages.items()]
    styles += [(path.name, path.read_text(encoding="utf-8")) for path in site.rglob("*.css")]
    fetched += [(name, url) for name, text in styles for url in _urls_of_style(text)]
    assert [(name, url) for name, url in fetched if re.match(r"(?!data:)(\w+:)?//|(?!data:)[a-z]+:", url)] == []


def _urls_of_style(text: str) -> Iterator[str]:
    yield from (found.strip(" '\"") for found in re.findall(r"url\(([^)]*)\)", text))
    yield from re.findall(r"@import\s+['\"]([^'\"]+)", text)


def test_every_link_leads_to_a_page_and_a_place_in_it(site: Path, pages: dict[Path, Page]) -> None:
    broken, seen = [], 0
    for path, page in pages.items():
        for link in (*page.links, *page.fetched):
            if re.match(r"[a-z]+:", link):
                continue
            seen += 1
            name, anchor = urldefrag(unquote(link))
            # Only the page of what was not found does not know where it is.
            target = (site / name.lstrip("/") if name.startswith("/") else path.parent / name) if name else path
            target = (target / "index.html" if target.is_dir() else target).resolve()
            if name.startswith("/") and path.name != "404.html":
                broken.append(f"{path.name}: {link} begins at the root of a server")
            elif not target.is_file():
                broken.append(f"{path.name}: {link} is not there")
            elif anchor and target in pages and anchor not in pages[target].ids:
                broken.append(f"{path.name}: {link} has no such place")
    assert broken == []
    assert seen > 1_000


def test_the_reference_tells_of_every_command_row_and_fact(pages: dict[Path, Page]) -> None:
    ids = {path.name: page.ids for path, page in pages.items() if path.parent.name == "reference"}
    assert set(COMMANDS) - ids["cli.html"] == set()
    assert {name.lower() for name in ROWS} - ids["catalog.html"] == set()
    assert {kind.__struct_config__.tag for kind in get_args(AnyFact)} - ids["facts.html"] == set()
    assert {"tieout.ledger.position.Position.dispose", "tieout.app.history.rebuild"} - ids["python.html"] == set()


def test_the_runbook_says_what_the_command_line_says(site: Path) -> None:
    for kind in IssueType:
        text = re.sub(r"<[^>]+>", "", (site / "runbook" / f"{kind}.html").read_text(encoding="utf-8"))
        for sentence in GUIDANCE[kind]:
            plain = sentence.replace("`", "").replace("'", "&#39;")
            assert plain in text or plain.replace("&#39;", "'") in text, sentence


def test_our_drawings_stand_in_the_pages_with_words_for_who_cannot_see_them(site: Path) -> None:
    drawn = {path.stem for path in (ROOT / "docs/img/drawn").glob("*.svg")}
    text = "".join(path.read_text(encoding="utf-8") for path in (site / "books").glob("*.html"))
    told = re.findall(r'<svg class="drawn" role="img" aria-label="([^"]{40,})"', text)
    assert len(told) == len(drawn) == 7
    assert "<style>" not in text
    classes = {
        name
        for found in re.findall(r'<(?:text|rect|line|circle|path)[^>]* class="([^"]+)"', text)
        for name in found.split()
    }
    rules = (ROOT / "docs/stylesheets/site.css").read_text(encoding="utf-8")
    assert [name for name in sorted(classes) if f".{name} " not in rules] == []


def test_every_picture_has_words_and_the_desk_has_its_places(site: Path) -> None:
    for path in site.rglob("*.html"):
        for image in re.findall(r"<img [^>]*>", path.read_text(encoding="utf-8")):
            assert re.search(r'alt="[^"]{10,}"', image) or 'alt="logo"' in image, (path.name, image)
    text = (ROOT / "docs/desk.md").read_text(encoding="utf-8")
    named = re.findall(r"^<!-- picture: desk/([\w-]+)\.png \| .{10,} -->$", text, re.MULTILINE)
    assert sorted(named) == sorted((*DESK_PICTURES, "overview-phone"))
