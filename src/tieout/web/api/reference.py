"""The interface for people: a page made of the OpenAPI document, and the document itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse
from markupsafe import Markup, escape

from tieout.web.api.document import document, operations
from tieout.web.api.problems import PREFIX, SORTS
from tieout.web.api.routes import Reading
from tieout.web.pages.visit import page, reader

page_router = APIRouter(include_in_schema=False)
document_router = APIRouter(prefix=PREFIX, include_in_schema=False, route_class=Reading)


@document_router.get("/openapi.json")
async def openapi() -> JSONResponse:
    """The OpenAPI document."""
    return JSONResponse(document())


@page_router.get("/api")
async def reference(request: Request) -> HTMLResponse:
    """Every operation, every field, every problem."""
    session = reader(request)
    made = document()
    return page(
        request,
        "api.html",
        session,
        words=made["info"]["description"].strip().split("\n\n"),
        version=made["info"]["version"],
        marked=marked,
        groups=_groups(made),
        schemas=[_schema(name, each) for name, each in made["components"]["schemas"].items()],
        problems=SORTS,
    )


_CODE, _BOLD = re.compile(r"`([^`]+)`"), re.compile(r"\*\*([^*]+)\*\*")


def marked(words: str) -> Markup:
    """A paragraph or a list as the document writes them (Markdown), with its names and what is bold set apart."""
    safe = _BOLD.sub(r"<b>\1</b>", _CODE.sub(r"<code>\1</code>", str(escape(words))))
    if not safe.startswith("- "):
        return Markup(f"<p>{safe}</p>" if safe else "")  # noqa: S704 - escaped above
    items = "".join(f"<li>{' '.join(each.split())}</li>" for each in safe.removeprefix("- ").split("\n- "))
    return Markup(f"<ul>{items}</ul>")  # noqa: S704 - escaped above


class Field(NamedTuple):
    """A parameter or a field. `link`: the schema that it is made of, "" none."""

    name: str
    where: str
    type: str
    link: str
    words: str
    is_needed: bool


class Operation(NamedTuple):
    """One operation as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    words: list[str]
    parameters: list[Field]
    body: str
    asked: Any
    answer: str
    example: Any
    statuses: list[str]


class Schema(NamedTuple):
    """One object of the interface."""

    name: str
    words: str
    fields: list[Field]
    choices: list[str]


def _groups(made: Mapping[str, Any]) -> list[tuple[str, str, list[Operation]]]:
    """(tag, its words, its operations)."""
    every = [
        (operation["tags"][0], _operation(path, method, operation)) for path, method, operation in operations(made)
    ]
    return [
        (tag["name"], tag["description"], [one for name, one in every if name == tag["name"]]) for tag in made["tags"]
    ]


def _operation(path: str, method: str, operation: dict[str, Any]) -> Operation:
    answer = next(each for status, each in operation["responses"].items() if status.startswith("2"))
    media_type, media = next(iter(answer["content"].items()))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return Operation(
        operation["operationId"],
        method,
        path,
        operation["summary"],
        operation["description"].removeprefix(operation["summary"]).lstrip(". \n").split("\n\n"),
        [_parameter(each) for each in operation.get("parameters", ())],
        _type(body.get("schema", {}))[1],
        next((each["value"] for each in body.get("examples", {}).values()), None),
        _type(media["schema"])[1] or media_type,
        media.get("example"),
        list(operation["responses"]),
    )


def _parameter(given: Mapping[str, Any]) -> Field:
    words, link = _type(given["schema"])
    return Field(
        given["name"], given["in"], words, link, given.get("description", ""), bool(given.get("required", False))
    )


def _schema(name: str, schema: Mapping[str, Any]) -> Schema:
    needed = schema.get("required", ())
    fields = [
        Field(field, "", *_type(each), each.get("description", ""), field in needed)
        for field, each in schema.get("properties", {}).items()
    ]
    return Schema(name, schema.get("description", ""), fields, [str(each) for each in schema.get("enum", ())])


def _type(schema: Mapping[str, Any]) -> tuple[str, str]:
    """A type in words, and the schema that it names, "" none."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return name, name
    if "anyOf" in schema:
        parts = [_type(each) for each in schema["anyOf"]]
        return " or ".join(words for words, _ in parts), next((link for _, link in parts if link), "")
    if "enum" in schema:
        return " | ".join(f'"{each}"' for each in schema["enum"]), ""
    if "const" in schema:
        return f'"{schema["const"]}"', ""
    if schema.get("type") == "array":
        words, link = _type(schema.get("items") or next(iter(schema.get("prefixItems", ())), {}))
        return f"list of {words}", link
    return str(schema.get("type", "anything")), ""
