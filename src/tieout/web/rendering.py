"""How figures, times and names look on a page. Everything of strangers is escaped; figures keep all six places."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context
from markupsafe import Markup, escape

from tieout.app import wording
from tieout.app.wording import age
from tieout.ledger.movement import OP_NAMES
from tieout.ledger.units import MICRO, decimal_text
from tieout.store.runs import Action, Issue, Severity


def money(amount: int | None, *, signed: bool = False) -> Markup:
    """Micro-units with six places, the last four dim; None is a dash. *signed*: with its sign and its colour."""
    if amount is None:
        return Markup('<span class="none">–</span>')
    whole, _, places = decimal_text(abs(amount)).partition(".")
    places = places.ljust(6, "0")
    sign = "−" if amount < 0 else "+" if signed and amount > 0 else ""
    tone = ("up" if amount > 0 else "down" if amount < 0 else "zero") if signed else "zero" if amount == 0 else ""
    grouped = f"{int(whole.replace(',', '')):,}"
    return Markup('<span class="num {}">{}{}.{}<i>{}</i></span>').format(tone, sign, grouped, places[:2], places[2:])


def signed(amount: int | None) -> Markup:
    """`money` with sign and colour."""
    return money(amount, signed=True)


def plus(amount: int | None) -> Markup:
    """`money` with its sign and without a colour: more is neither good nor bad."""
    return Markup("+{}").format(money(amount)) if amount and amount > 0 else money(amount)


def price(amount: int | None) -> Markup:
    """A price in micro-collateral as cents with as many places as it has."""
    if amount is None:
        return Markup('<span class="none">–</span>')
    cents = f"{amount / 10_000:.4f}".rstrip("0").rstrip(".")
    return Markup('<span class="num">{}¢</span>').format(cents)


def shares(amount: int | None) -> Markup:
    """Micro-shares: whole ones plainly, others with their places."""
    return money(amount)


DAY_MS = 86_400_000


@pass_context
def when(context: Context, at_ms: int | None) -> Markup:
    """A time in UTC to the second; the exact one on hovering. 0 and None are a dash.

    The date of today is marked, so that a narrow screen can do without it, and never without another.
    """
    if not at_ms:
        return Markup('<span class="none">–</span>')
    moment = datetime.fromtimestamp(at_ms / 1_000, UTC)
    exact = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    day, clock = moment.strftime("%Y-%m-%d"), moment.strftime("%H:%M:%S")
    is_today = at_ms // DAY_MS == int(context.get("now_ms", 0)) // DAY_MS
    made = Markup('<time datetime="{}" title="{}"><span class="date{}">{} </span>{}</time>')
    return made.format(exact, exact, " today" if is_today else "", day, clock)


def short(name: str, head: int = 8, tail: int = 4) -> str:
    """Narrower than on a terminal: the whole id is in the title."""
    return wording.short(name, head, tail)


_PROSE = re.compile(r"`(?P<code>[^`]+)`|(?P<id>0x[0-9a-fA-F]{16,}|[0-9]{30,})")


def prose(text: str, base: str = "") -> Markup:
    """A sentence for people: what stands in `backticks` as code, long ids shortened, with *base* as links."""
    said, end = Markup(), 0
    for found in _PROSE.finditer(text):
        said += escape(text[end : found.start()])
        end = found.end()
        if found["code"]:
            said += Markup("<code>{}</code>").format(found["code"])
        elif base:
            said += id_link(base, found["id"])
        else:
            said += Markup('<span class="id" title="{}">{}</span>').format(found["id"], short(found["id"]))
    return said + escape(text[end:])


_MARKS = "|".join((*Action, *Severity))
_MARKED = re.compile(rf"\b({_MARKS}): ")


def advice(text: str, issue: Issue) -> str:
    """Of what the guidance of a type tells to do, what is for *issue*: parts for other outcomes are left out.

    Such parts begin with an action or a severity, as in "CORRECTED: nothing. LOGGED: look at its market."
    """
    always, *parts = _MARKED.split(text)
    told = [part for mark, part in zip(parts[::2], parts[1::2], strict=True) if mark in (issue.action, issue.severity)]
    said = [each.strip() for each in (always, *told) if each.strip()]
    return " ".join(each[:1].upper() + each[1:] for each in said) or text


def pretty(value: Any) -> str:
    """JSON to be read: text or bytes that are JSON, or a value."""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return str(value)
    return json.dumps(value, indent=2, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Said:
    """A fact for people: what kind it is, and the most of what it says."""

    kind: str
    words: str


PLAIN = frozenset(("outcome_index", "log_index", "sub_index", "bucket_index", "block", "version", "expiration_s"))
"""Numbers of facts that are no amounts."""

BESIDE = ("occurred_at_ms", "condition_id", "block_hash")
"""Fields that stand beside or are told by others."""

WORD_MAX = 30
"""Characters: what is longer is an id."""

LISTED_MAX = 3
"""Ids of a list that are shown on one line."""

SAID_MAX = 9
"""Fields of a fact that are shown on one line; the entry itself has all of them."""


def fact(text: str) -> Said:
    """A fact of the log; amounts as decimals, ids shortened, times in UTC."""
    fields = json.loads(text)
    kind = str(fields.pop("kind", "?"))
    said = [
        f"{name.removesuffix('_ms').replace('_', ' ')} {_said(name, value)}"
        for name, value in fields.items()
        if value not in ("", None, [], {}) and name not in BESIDE
    ]
    return Said(kind, " · ".join(said[:SAID_MAX]) + (" · …" if len(said) > SAID_MAX else ""))


def _said(name: str, value: Any) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(short(each) for each in value[:LISTED_MAX]) + (", …" if len(value) > LISTED_MAX else "")
    if isinstance(value, bool) or not isinstance(value, int | str):
        return short(json.dumps(value), 60, 10)
    if isinstance(value, str):
        return short(value) if len(value) > WORD_MAX else value
    if name.endswith("_ms"):
        return datetime.fromtimestamp(value / 1_000, UTC).strftime("%H:%M:%S")
    return str(value) if name in PLAIN else decimal_text(value).rstrip("0").rstrip(".")


def id_link(base: str, name: str) -> Markup:
    """A shortened id that leads to its story."""
    if not name:
        return Markup('<span class="none">–</span>')
    return Markup('<a class="id" href="{}/explain/{}" title="{}">{}</a>').format(
        base, quote(name, safe=""), name, short(name)
    )


def environment() -> Environment:
    """The templates with all of this. What is not given to a template is an error, never a blank."""
    made = Environment(
        loader=PackageLoader("tieout.web"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        money=money,
        signed=signed,
        plus=plus,
        price=price,
        shares=shares,
        when=when,
        age=age,
        short=short,
        prose=prose,
        advice=advice,
        pretty=pretty,
        count=lambda number: f"{number:,}",
        fact=fact,
        op=lambda movement: OP_NAMES[movement.op],
        component=lambda text: quote(str(text), safe=""),
    )
    made.globals.update(id_link=id_link, MICRO=MICRO)
    return made


def static_folder() -> str:
    """Where the style, the scripts and what is vendored lie."""
    return str(resources.files("tieout.web") / "static")
