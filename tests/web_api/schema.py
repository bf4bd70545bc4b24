"""Whether a JSON value is what the OpenAPI document says, for the part of JSON Schema that the document uses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tieout.web.api.document import document

TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
SILENT = {"title", "description", "examples", "default", "type", "$ref", "anyOf", "format"}
KNOWN = SILENT | {
    "properties", "required", "additionalProperties", "items", "prefixItems", "minItems", "maxItems", "enum", "const",
    "pattern", "minimum", "maximum", "minLength", "maxLength",
}  # fmt: skip


def schema_of(name: str) -> dict[str, Any]:
    """A schema of the document by name."""
    found: dict[str, Any] = document()["components"]["schemas"][name]
    return found


def faults(value: Any, schema: Mapping[str, Any], at: str = "$") -> Iterator[str]:
    """Where *value* is not what *schema* says."""
    assert schema.keys() <= KNOWN, f"{at}: these tests do not know {schema.keys() - KNOWN}"
    if "$ref" in schema:
        yield from faults(value, schema_of(schema["$ref"].rpartition("/")[2]), at)
        return
    if "anyOf" in schema:
        tried = [list(faults(value, each, at)) for each in schema["anyOf"]]
        if all(tried):
            yield from min(tried, key=len)
        return
    if "type" in schema:
        kinds = TYPES[schema["type"]]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            yield f"{at}: expected {schema['type']}, was {value!r}"
            return
    yield from _plain(value, schema, at)
    if isinstance(value, dict):
        yield from _of_object(value, schema, at)
    if isinstance(value, list):
        yield from _of_list(value, schema, at)


def _plain(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: {value!r} is not of the form {schema['pattern']}"
    if not schema.get("minimum", value) <= value <= schema.get("maximum", value) if isinstance(value, int) else False:
        yield f"{at}: {value!r} is out of bounds"
    if isinstance(value, str) and not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        yield f"{at}: {value!r} has the wrong length"


def _of_object(value: dict[str, Any], schema: Mapping[str, Any], at: str) -> Iterator[str]:
    known = schema.get("properties", {})
    yield from (f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in value)
    for name, each in value.items():
        if name in known:
            yield from faults(each, known[name], f"{at}.{name}")
        elif schema.get("additionalProperties", True) is False:
            yield f"{at}: {name} is not described"


def _of_list(value: list[Any], schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield f"{at}: {len(value)} items"
    kinds = schema.get("prefixItems") or [schema.get("items", {})] * len(value)
    for number, (each, kind) in enumerate(zip(value, kinds, strict=False)):
        yield from faults(each, kind, f"{at}[{number}]")
