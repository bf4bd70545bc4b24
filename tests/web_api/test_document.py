"""The OpenAPI document says all of it, and its copy beside the documentation is the same."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from support.database import ADDRESS
from tieout.web.api.document import document, examples, operations, text
from tieout.web.api.problems import SORTS
from web_api.schema import faults
from web_security.stage import problems_of

COPY = Path(__file__).parents[2] / "docs" / "openapi.json"

OPERATIONS = {
    "get_health", "get_metrics", "list_wallets", "get_wallet", "get_controls", "list_positions", "list_orders",
    "list_fills", "list_movements", "get_pnl", "get_pnl_history", "list_markets", "get_market", "list_incidents",
    "get_incident", "list_log", "get_entry", "get_raw", "stream_events", "act", "get_request", "preview_entry",
    "book_entry",
}  # fmt: skip
"""What clients are generated from: a name that is here stays."""


def test_the_copy_beside_the_documentation_is_the_document() -> None:
    assert COPY.read_text(encoding="utf-8") == text(), "it has changed: `make openapi` writes the copy again"


def test_every_operation_says_what_it_does_what_it_answers_and_what_can_go_wrong() -> None:
    told = examples()
    found = list(operations(document()))
    assert {operation["operationId"] for _, _, operation in found} == OPERATIONS
    assert len(found) == len(OPERATIONS)
    for path, method, operation in found:
        name = operation["operationId"]
        assert 10 < len(operation["summary"]) < 120, name
        assert operation["description"].endswith("."), name
        assert {"400", "421", "500"} <= operation["responses"].keys(), name
        assert ("404" in operation["responses"]) == ("{" in path), name
        assert "422" not in operation["responses"], name
        for parameter in operation.get("parameters", ()):
            assert parameter["description"].endswith("."), (name, parameter["name"])
        media = operation["responses"]["201" if name == "book_entry" else "200"]["content"]
        assert all("example" in each for each in media.values()), name
        if "application/json" in media:
            assert list(faults(told[name], media["application/json"]["schema"])) == [], name
        if method == "POST":
            assert operation["security"] == [{"token": []}], name
            body = operation["requestBody"]["content"]["application/json"]
            for example in body["examples"].values():
                assert list(faults(example["value"], body["schema"])) == [], name
    assert told.keys() <= OPERATIONS


def test_every_field_of_every_object_is_described_and_amounts_have_their_unit() -> None:
    silent, bare = [], []
    for name, schema in document()["components"]["schemas"].items():
        assert schema.get("description") or "enum" in schema, name
        for field, each in schema.get("properties", {}).items():
            words = each.get("description", "")
            if "$ref" not in each and not words.endswith("."):
                silent.append(f"{name}.{field}")
            if re.search(r"\^-?\?\[0-9\]", str(each)) and "Micro-" not in words:
                bare.append(f"{name}.{field}")
            if field.endswith("_ms") and "illiseconds of Unix time" not in words and "milliseconds" not in words:
                bare.append(f"{name}.{field}")
    assert (silent, bare) == ([], [])


def test_the_desk_serves_the_document_and_a_page_made_of_it(desk: httpx.Client, address: str) -> None:
    assert desk.get("/openapi.json").json() == document()
    page = httpx.get(f"{address}/api")
    assert (page.status_code, problems_of(page.text)) == (200, [])
    for name in OPERATIONS:
        assert f'id="op-{name}"' in page.text
    for link in re.findall(r'href="#([^"]+)"', page.text):
        assert f'id="{link}"' in page.text, link
    for sort in SORTS.values():
        assert f'id="{sort.name}"' in page.text
    assert 'href="/api"' in httpx.get(f"{address}/w/{ADDRESS}/settings").text
