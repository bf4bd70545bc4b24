"""A certificate: what a wallet held at a block, by the chain and by its books, as a file that cannot be changed unseen.

JSON with one way to write it: keys sorted, two blanks a level, ASCII, a newline at the end; amounts are whole
micro-units as text. `digest` is the SHA-256 of those bytes of everything else. A file holds when it is, byte for byte,
what its own content is written as, and its digest is the content's. `docs/certificate.md` says what each check proves.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from tieout.venue.tokens import is_structured

FORMAT: Final = "tieout certificate"
VERSION: Final = 1
SUM = "sha256:"

Amount = Annotated[str, Meta(pattern=r"^(0|-?[1-9][0-9]{0,40})\Z")]
Hash = Annotated[str, Meta(pattern=r"^0x[0-9a-f]{64}\Z")]
Moment = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")]
Count = Annotated[int, Meta(ge=0, lt=1 << 53)]
Name = Annotated[str, Meta(pattern=r"^[!-~]{1,80}\Z")]

HELD: Final = "holds"
NOT_TOLD: Final = "not told"


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a certificate: nothing else may stand in it."""


class Block(Part, frozen=True):
    """The block everything is as of."""

    hash: Hash
    number: Count
    time: Moment


class Position(Part, frozen=True):
    """One outcome token. `ledger` and `outcome` are None where no message told them; the rest is as in the books."""

    bought: Amount
    condition_id: Annotated[str, Meta(pattern=r"^(0x[0-9a-f]{1,64})?\Z")]
    cost_basis: Amount
    fees: Amount
    ledger: Literal["ctf", "pm"] | None
    outcome: Annotated[int, Meta(ge=0, lt=1 << 16)] | None
    realized_pnl: Amount
    shares: Amount
    sold: Amount
    token_id: Name

    @property
    def is_on_chain(self) -> bool:
        """Whether the chain can be asked for its balance."""
        return self.token_id.isdecimal()


class Collateral(Part, frozen=True):
    """Balances of the coins on chain, their sum, and the movements of the books that add up to it."""

    coins: dict[Name, Amount]
    flows: dict[Name, Amount]
    total: Amount


class Totals(Part, frozen=True):
    """Sums over all positions."""

    cost_basis: Amount
    fees: Amount
    positions: Count
    realized_pnl: Amount


class LogHead(Part, frozen=True):
    """Where the log ended that these books are folded from."""

    hash: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    seq: Count


class Movements(Part, frozen=True):
    """How many movements the block has, and how many of the log it does not have yet."""

    counted: Count
    left_out: Count


class Invariant(Part, frozen=True):
    """One invariant; the ones that neither books nor balances can tell are "not told"."""

    checked: Count
    id: Annotated[str, Meta(pattern=r"^[A-Z][0-9]{1,2}\Z")]
    result: Literal["holds", "not told"]


class Certificate(Part, frozen=True):
    """What is certified. `made_at` and `tieout`, the version, are vouched for by the digest alone."""

    block: Block
    chain_id: Count
    collateral: Collateral
    format: Literal["tieout certificate"]
    invariants: tuple[Invariant, ...]
    log: LogHead
    made_at: Moment
    movements: Movements
    positions: tuple[Position, ...]
    tieout: Name
    totals: Totals
    version: Literal[1]
    wallet: Annotated[str, Meta(pattern=r"^0x[0-9a-f]{40}\Z")]


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that does not hold: where in the file, what it is, and what to do about it."""

    where: str
    what: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says by itself. `certificate` is None when it cannot be read as one; `newer`: of a later version.

    `form`: it is not written the one way; `digest`: it is not what was certified; `figures` contradict each other.
    """

    certificate: Certificate | None
    form: tuple[Flaw, ...] = ()
    digest: tuple[Flaw, ...] = ()
    figures: tuple[Flaw, ...] = ()
    newer: str = ""

    @property
    def flaws(self) -> tuple[Flaw, ...]:
        """All of them."""
        return self.form + self.digest + self.figures


ORIGINAL = "ask whoever gave it to you for the file as it was written"


def content_of(certificate: Certificate) -> dict[str, Any]:
    """What the file holds, but for the digest."""
    content: dict[str, Any] = msgspec.to_builtins(certificate)
    return content


def written(certificate: Certificate) -> bytes:
    """The bytes of the file."""
    content = content_of(certificate)
    return canonical({**content, "digest": digest_of(content)})


def canonical(content: Mapping[str, Any]) -> bytes:
    """The one way *content* is written."""
    return (json.dumps(content, sort_keys=True, indent=2, ensure_ascii=True) + "\n").encode("ascii")


def digest_of(content: Mapping[str, Any]) -> str:
    """The digest of *content*, in which no digest counts."""
    rest = {name: value for name, value in content.items() if name != "digest"}
    return SUM + hashlib.sha256(canonical(rest)).hexdigest()


def read(data: bytes) -> Reading:
    """What the bytes of a file say. Never raises: whatever is wrong with them is a flaw."""
    try:
        content = _parsed(data)
    except ValueError as error:
        return Reading(None, form=(Flaw("the file", f"is no certificate any more: {error}", ORIGINAL),))
    form, digest = _form(data, content), _digest(content)
    version = content.get("version")
    if content.get("format") == FORMAT and type(version) is int and version > VERSION and not form + digest:
        return Reading(None, newer=f"version {version}; this tieout knows version {VERSION}: update tieout")
    rest = {name: value for name, value in content.items() if name != "digest"}
    try:
        certificate = msgspec.convert(rest, Certificate, strict=True)
    except msgspec.ValidationError as error:
        return Reading(None, (*form, Flaw("the file", f"is no certificate any more: {error}", ORIGINAL)), digest)
    return Reading(certificate, form, digest, tuple(_figures(certificate)))


def _parsed(data: bytes) -> dict[str, Any]:
    """The JSON object in *data*. Raises ValueError with the place."""
    try:
        content = json.loads(data.decode("utf-8"))
        canonical({"": content})
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start + 1:,} is no text") from None
    except RecursionError:
        raise ValueError("it is nested without end") from None
    if type(content) is not dict:
        raise ValueError("expected a JSON object")
    return content


def _form(data: bytes, content: Mapping[str, Any]) -> tuple[Flaw, ...]:
    expected = canonical(content)
    if data == expected:
        return ()
    at = next((at for at, (was, right) in enumerate(zip(data, expected, strict=False)) if was != right), None)
    at = min(len(data), len(expected)) if at is None else at
    line = data.count(b"\n", 0, at) + 1
    wanted, was = (_piece(each, at) for each in (expected, data))
    what = f"expected {wanted}, was {was}: not how a certificate with this content is written"
    return (Flaw(f"byte {at + 1:,}, line {line:,}", what, ORIGINAL),)


def _piece(data: bytes, at: int) -> str:
    return repr(data[at : at + 12].decode("ascii", "replace")) if at < len(data) else "the end"


def _digest(content: Mapping[str, Any]) -> tuple[Flaw, ...]:
    stated, right = content.get("digest"), digest_of(content)
    if stated == right:
        return ()
    what = f"the content is not what was certified: it gives {right}, the file says {json.dumps(stated)[:90]}"
    return (Flaw("digest", what, ORIGINAL + "; the node and the log may show which figure it is"),)


def _figures(made: Certificate) -> list[Flaw]:
    """What contradicts itself."""
    flaws = [_flaw(f"{name}", "expected a time", was) for name, was in _times(made) if not is_time(was)]
    flaws += _sum("collateral.total", "the coins", made.collateral.coins.values(), made.collateral.total)
    flaws += _sum("collateral.flows", "the flows", made.collateral.flows.values(), made.collateral.total)
    for name in ("cost_basis", "fees", "realized_pnl"):
        each = [getattr(position, name) for position in made.positions]
        flaws += _sum(f"totals.{name}", "the positions", each, getattr(made.totals, name))
    if made.totals.positions != len(made.positions):
        flaws.append(_flaw("totals.positions", f"expected {len(made.positions)}", made.totals.positions))
    for at, position in enumerate(made.positions):
        flaws += _position(f"positions[{at}]", position)
    tokens = [position.token_id for position in made.positions]
    if any(one >= other for one, other in pairwise(tokens)):
        flaws.append(Flaw("positions", "expected each token once, in order", ORIGINAL))
    return flaws + _invariants(made)


def _position(where: str, position: Position) -> list[Flaw]:
    flaws = []
    cost, realized, shares = int(position.cost_basis), int(position.realized_pnl), int(position.shares)
    if int(position.bought) - int(position.sold) != cost - realized:
        what = "does not balance: bought less sold is not cost basis less realized PnL"
        flaws.append(Flaw(f"{where} {position.token_id}", what, ORIGINAL))
    if shares < 0 or cost < 0 or (cost and not shares):
        flaws.append(Flaw(f"{where} {position.token_id}", "shares or cost basis that no wallet has", ORIGINAL))
    if position.ledger != ledger_of(position.token_id):
        flaws.append(_flaw(f"{where}.ledger", f"expected {ledger_of(position.token_id)}", position.ledger))
    if shares and not position.is_on_chain:
        flaws.append(_flaw(f"{where}.token_id", "expected the id of a token that the chain knows", position.token_id))
    return flaws


def _invariants(made: Certificate) -> list[Flaw]:
    flaws = [
        Flaw(f"invariants {name}", f"stands there {count} times", ORIGINAL)
        for name, count in Counter(each.id for each in made.invariants).items()
        if count > 1
    ]
    on_chain = sum(position.is_on_chain for position in made.positions)
    if Invariant(on_chain, "I1", HELD) not in made.invariants:
        flaws.append(Flaw("invariants I1", f"expected to hold, with {on_chain} balances compared", ORIGINAL))
    return flaws


def _sum(where: str, of: str, parts: Any, stated: str) -> list[Flaw]:
    total = sum(int(part) for part in parts)
    return [] if total == int(stated) else [_flaw(where, f"{of} add up to {total}", stated)]


def _flaw(where: str, expected: str, was: object) -> Flaw:
    return Flaw(where, f"{expected}, was {was}", ORIGINAL)


def _times(made: Certificate) -> tuple[tuple[str, str], ...]:
    return ("block.time", made.block.time), ("made_at", made.made_at)


def ledger_of(token_id: str) -> Literal["ctf", "pm"] | None:
    """The ledger that keeps the token; None where its id is not known."""
    if not token_id.isdecimal():
        return None
    return "pm" if is_structured(token_id) else "ctf"


def moment(at_ms: int) -> str:
    """A time as certificates write it: UTC, whole seconds, rounded down."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def milliseconds(time: str) -> int:
    """The other way round. Raises ValueError when it is no time."""
    return int(datetime.fromisoformat(time).timestamp()) * 1000


def is_time(time: str) -> bool:
    """Whether it is one: there is no 30th of February."""
    try:
        return moment(milliseconds(time)) == time
    except ValueError:
        return False
