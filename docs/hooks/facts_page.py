"""The kinds of facts, from their classes: what the log of a wallet can hold."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import get_args

import msgspec

from tieout.ledger import facts

_SHARED = (facts.Fact, facts.OrderFact, facts.ChainFact)


def made(_page: str) -> str:
    """What all facts share, then every kind in the order of the module."""
    lines = ["## What several kinds share", ""]
    for kind in _SHARED:
        lines += _kind(kind, f"### {kind.__name__}", _own(kind))
    lines += ["## The kinds", ""]
    for kind in get_args(facts.AnyFact):
        tag = kind.__struct_config__.tag
        lines += _kind(kind, f"### {tag} {{ #{tag} }}", _own(kind))
    lines += ["## Closed sets", ""]
    for closed in (facts.Side, facts.Role, facts.Flow, facts.Act):
        words = ", ".join(f"`{each.value}`" for each in closed)
        lines += [f"**{closed.__name__}**: {inspect.getdoc(closed)} {words}.", ""]
    return "\n".join(lines)


def _own(kind: type[msgspec.Struct]) -> list[msgspec.structs.FieldInfo]:
    """The fields that its base has not."""
    base = kind.__mro__[1]
    known = set(getattr(base, "__struct_fields__", ()))
    return [field for field in msgspec.structs.fields(kind) if field.name not in known]


def _kind(kind: type[msgspec.Struct], head: str, own: list[msgspec.structs.FieldInfo]) -> Iterator[str]:
    yield head
    yield ""
    yield " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())
    yield ""
    for part in (inspect.getdoc(kind) or "").split("\n\n")[1:]:
        yield " ".join(part.split())
        yield ""
    base = kind.__mro__[1]
    if base in _SHARED and base is not facts.Fact:
        yield f"Class `{kind.__name__}`; has the fields of [{base.__name__}](#{base.__name__.lower()}), too."
        yield ""
    if own:
        types = _annotations(kind)
        yield "| field | type | when it is left out |"
        yield "|---|---|---|"
        for field in own:
            yield f"| `{field.name}` | `{types[field.name]}` | {_default(field)} |"
        yield ""


def _annotations(kind: type) -> dict[str, str]:
    """Types as they are written, not as they are resolved."""
    return {
        each.target.id: ast.unparse(each.annotation).replace("|", "\\|")
        for each in ast.walk(ast.parse(inspect.getsource(kind)))
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "it is never"
    value = field.default
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"
