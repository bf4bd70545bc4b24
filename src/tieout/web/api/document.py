"""The OpenAPI document of the interface; `make openapi` writes it to docs/openapi.json."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from fastapi.openapi.utils import get_openapi

from tieout.web.api import acting, entries, health, reading, reading_log, reading_markets, streaming
from tieout.web.api.problems import MEDIA_TYPE, SORTS, Problem
from tieout.web.pages.visit import COOKIE

VERSION = "1.0"
"""Of the interface: the second number rises with what is added, the first with what is taken away or changed."""

ROUTERS = (
    health.health_router,
    health.metrics_router,
    reading.wallets_router,
    reading.wallet_router,
    reading.books_router,
    reading_markets.router,
    reading_log.incidents_router,
    reading_log.log_router,
    streaming.router,
    acting.router,
    acting.requests_router,
    entries.router,
)

WORDS = """\
The desk's interface for programs: what the pages show, and what people can do there.

**Amounts** of shares and collateral are integers of 10^-6, written as strings: `"2500000"` is 2.5. Prices are
micro-collateral a share. **Times** are milliseconds of Unix time, as numbers. Nothing is a float.

**Pages.** A list has `next`; sent as `cursor` it gives the page below. Rows that come in meanwhile are above the first
page, so a walk meets every row once. `seq` is the entry of the log that an answer is as of.

**Errors** are problem documents (RFC 9457, `application/problem+json`); their `detail` says what, where, and what to
do. A parameter or field that is not described is refused, never ignored.

**Who may.** Reading is open on the desk's own machine, and takes the token where the desk can be reached from others.
Acting always takes it: `Authorization: Bearer TOKEN`.
"""

TAGS = {
    "health": "Whether the desk answers.",
    "wallets": "Wallets, whether they tie out, and what holds them.",
    "books": "What is held, ordered, filled and earned.",
    "markets": "Markets of a wallet.",
    "incidents": "What did not tie out.",
    "log": "What was learned, when, from which message.",
    "events": "What happens, as it happens.",
    "actions": "What can be done. Each is kept with who and why.",
    "entries by hand": "What no source can tell, in two steps.",
}

_SENTENCE = re.compile(r"\.(?:\s|$)")
_ALWAYS = (400, 421, 500)
_BY_ROUTE = {"act": (409,), "book_entry": (409,)}


@cache
def document() -> dict[str, Any]:
    """The document, made once; not to be changed."""
    made = get_openapi(
        title="tieout",
        version=VERSION,
        description=WORDS,
        routes=[route for router in ROUTERS for route in router.routes],
        tags=[{"name": name, "description": words} for name, words in TAGS.items()],
        servers=[
            {"url": "/", "description": "The desk that serves this document."},
            {"url": "http://127.0.0.1:8321", "description": "`tieout desk` as it starts without options."},
        ],
        license_info={"name": "MIT", "identifier": "MIT"},
    )
    schemas = made["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    made["components"]["schemas"] = dict(sorted(schemas.items()))
    made["components"]["responses"] = {str(status): _response(status) for status in SORTS}
    made["components"]["securitySchemes"] = _SECURITY
    told = examples()
    for path, method, operation in operations(made):
        _complete(path, method, operation, told)
    return made


_SECURITY = {
    "token": {"type": "http", "scheme": "bearer", "description": "The desk's token."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "A session of the pages; for reading alone.",
    },
}


def operations(made: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method in capitals, operation) of a document."""
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def parameters() -> dict[tuple[str, str], dict[str, bool]]:
    """(method, path) -> the query parameters of each operation, by name with whether it may come more than once."""
    return {
        (method, path): {
            each["name"]: _is_list(each["schema"]) for each in operation.get("parameters", ()) if each["in"] == "query"
        }
        for path, method, operation in operations(document())
    }


def _is_list(schema: dict[str, Any]) -> bool:
    return any(each.get("type") == "array" for each in (schema, *schema.get("anyOf", ())))


def examples() -> dict[str, Any]:
    """By operationId an answer, as it came from a desk."""
    text = (resources.files("tieout.web.api") / "examples.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def _response(status: int) -> dict[str, Any]:
    sort = SORTS[status]
    return {
        "description": f"{sort.title}. {sort.words}",
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": {
                    "type": f"/api#{sort.name}",
                    "title": sort.title,
                    "status": status,
                    "detail": "what, where, and what to do",
                },
            }
        },
    }


def _complete(path: str, method: str, operation: dict[str, Any], told: dict[str, Any]) -> None:
    """What the framework does not know: a summary in words, an example, the problems, who may."""
    name = operation["operationId"]
    operation["summary"] = _SENTENCE.split(operation["description"])[0]
    responses = operation["responses"]
    responses.pop("422", None)
    answer = next(status for status in responses if status.startswith("2"))
    for media in responses[answer].get("content", {}).values():
        if name in told:
            media["example"] = told[name]
    for status in sorted(
        {*_ALWAYS, *_of_access(name, method), *_BY_ROUTE.get(name, ()), *((404,) if "{" in path else ())}
    ):
        responses[str(status)] = {"$ref": f"#/components/responses/{status}"}
    if name == "get_health":
        operation["security"] = []
    elif method == "GET":
        # Nothing, where the desk is for its own machine alone.
        operation["security"] = [{}, {"token": []}, {"session": []}]
    else:
        operation["security"] = [{"token": []}]


def _of_access(name: str, method: str) -> tuple[int, ...]:
    if name == "get_health":
        return (503,)
    return (401, 429, 503) if method == "GET" else (401, 403, 413, 429, 503)


def text() -> str:
    """The document as it is kept beside the documentation."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
