"""What can go wrong, told to programs: every error is a problem document (RFC 9457) with words for people.

A `type` is the place on the page /api where it is explained. Nothing that is told holds an address of the database.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from tieout.app.adjusting import BooksMovedError
from tieout.store.errors import BrokenInvariantError, LeaseHeldError, LeaseLostError, StaleHeadError, StoreError

PREFIX = "/api/v1"
"""What every address of the interface begins with."""

MEDIA_TYPE = "application/problem+json"

PROBLEMS_MAX = 20
"""Of one request are told."""

CONFLICTS = (BooksMovedError, BrokenInvariantError, LeaseHeldError, LeaseLostError, StaleHeadError)
"""Errors of the store whose words are for whoever asked."""


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of problem. `name` is its `type` on the page /api, `words` say when it comes and what to do."""

    name: str
    title: str
    words: str


SORTS: Mapping[int, Sort] = {
    400: Sort(
        "bad-request",
        "That cannot be read",
        "A parameter or a field is unknown, missing or not of its form; `problems` names each. Correct the request.",
    ),
    401: Sort(
        "token-needed",
        "The token is needed",
        "Send the desk's token as `Authorization: Bearer TOKEN`. Acting always needs it; reading needs it, or a "
        "session of the pages, where the desk can be reached from other machines.",
    ),
    403: Sort(
        "forbidden",
        "Not allowed",
        "The desk was started without a token, so nobody can act; or the request comes from a page of another site.",
    ),
    404: Sort("not-found", "Not here", "There is no such wallet, row or address. The detail says where to look."),
    405: Sort("wrong-method", "Wrong method", "The header `Allow` names the methods that this address takes."),
    409: Sort(
        "refused",
        "Refused",
        "It was understood and not done: something else holds it, or the books changed meanwhile. Look again.",
    ),
    413: Sort("too-large", "Too large", "A body comes with its length, and is no larger than the detail says."),
    421: Sort("wrong-host", "Wrong host", "The desk does not answer to the name in the header `Host`."),
    429: Sort(
        "too-many-tries",
        "Too many wrong tokens",
        "Nobody is listened to for as many seconds as the header `Retry-After` says.",
    ),
    500: Sort("fault", "A fault of tieout", "Please report it, with the time; the desk's own log has the rest."),
    503: Sort(
        "database-away",
        "The database is out of reach",
        "Nothing was done. Ask again after as many seconds as the header `Retry-After` says.",
    ),
}
"""By HTTP status."""


class Misread(BaseModel):
    """One part of a request that cannot be read."""

    model_config = ConfigDict(extra="forbid")

    where: str = Field(description="Where it stands: `query`, `path`, `body` or `header`.", examples=["query"])
    name: str = Field(description="The parameter or field; empty where it is the whole.", examples=["limit"])
    what: str = Field(description="What was expected.", examples=["Input should be less than or equal to 1000"])


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="The sort of problem, stable; an address on this desk.", examples=["/api#not-found"])
    title: str = Field(description="The sort in words.", examples=["Not here"])
    status: int = Field(description="The HTTP status.", examples=[404])
    detail: str = Field(
        description="What, where, and what to do; for people.", examples=["this wallet has no incident 7"]
    )
    problems: list[Misread] | None = Field(
        default=None, description="Of a bad request: every part of it that cannot be read."
    )


class ApiError(Exception):
    """The request is answered by a problem; the message is its detail."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = dict(headers or {})


def is_api(path: str) -> bool:
    """Whether what is asked for speaks JSON, also when it goes wrong."""
    return path.startswith("/api/") or path == "/metrics"


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, misread: Sequence[Misread] = ()
) -> Response:
    """The answer that tells of a problem. A status without a sort of its own is told as the nearest one."""
    sort = SORTS.get(status) or SORTS[400 if status < 500 else 500]
    body: dict[str, Any] = {
        "type": f"/api#{sort.name}",
        "title": sort.title,
        "status": status,
        "detail": detail,
    }
    if misread:
        body["problems"] = [each.model_dump() for each in misread]
    more = {"retry-after": "2"} if status == 503 else {}
    # As ASCII: a detail may quote half of a surrogate pair, which is no text in UTF-8.
    return Response(json.dumps(body) + "\n", status, {**more, **(headers or {})}, MEDIA_TYPE)


def misread_of(error: RequestValidationError) -> Response:
    """The problem of a request that does not fit its description."""
    found = []
    for each in error.errors()[:PROBLEMS_MAX]:
        where, *rest = each["loc"]
        what = str(each["msg"]).removeprefix("Value error, ")
        if each["type"] == "json_invalid":
            what, rest = f"no JSON: {each['ctx']['error']} at character {rest[0]}", []
        found.append(Misread(where=str(where), name=".".join(str(part) for part in rest)[:80], what=what))
    words = "; ".join(f"{each.name or each.where}: {each.what}" for each in found)
    return problem(400, words, misread=found)


def database_words(error: Exception) -> str:
    """What may be said of an error of the store: its own words may hold the address of the database."""
    return str(error) if isinstance(error, StoreError) and isinstance(error, CONFLICTS) else "it did not answer"
