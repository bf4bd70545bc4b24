"""When the database is away, or tieout itself is wrong, it is said in words that give nothing away."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest

from store.test_log import booked
from support.database import ADDRESS, connected
from tieout.store.embedded import EmbeddedServer
from web_api.schema import faults, schema_of
from web_api.stage import AUTHORIZED, Stage, client


def test_while_the_database_is_away_it_is_said_without_its_address(
    stage: Stage, server: EmbeddedServer, dsn: str
) -> None:
    stage.run(booked(dsn, [], ADDRESS))
    name = urlsplit(dsn).path.strip("/")
    entry = {"kind": "cash in", "who": "ann", "why": "x", "amount": "5"}
    with client(stage.serve(dsn=dsn)) as other:
        assert other.get("/health").json() == {"status": "ok"}

        async def drop() -> None:
            async with connected(server.dsn()) as connection:
                await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

        stage.run(drop())
        for answer in (
            *(other.get(path) for path in ("/health", "/wallets", f"/wallets/{ADDRESS}", f"/wallets/{ADDRESS}/events")),
            httpx.get(str(other.base_url).replace("/api/v1/", "/metrics")),
            other.post(f"/wallets/{ADDRESS}/entries/preview", json=entry, headers=AUTHORIZED),
        ):
            body = answer.json()
            assert (answer.status_code, body["type"]) == (503, "/api#database-away"), answer.text
            assert list(faults(body, schema_of("Problem"))) == []
            assert answer.headers["retry-after"] == "2"
            for secret in (name, "postgres", "5432", "Traceback"):
                assert secret not in answer.text
        page = httpx.get(str(other.base_url).replace("/api/v1/", "/"))
        assert (page.status_code, "out of reach" in page.text, name in page.text) == (503, True, False)


def test_a_fault_of_tieout_is_told_without_its_inside(stage: Stage, dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    async def spoil() -> None:
        wallet_id = await booked(dsn, [], ADDRESS)
        async with connected(dsn) as connection:
            await connection.execute(
                "INSERT INTO log VALUES ($1, 1, 1, 0, 0, 1, 'test', 'no JSON', decode(repeat('00', 16), 'hex'), "
                "decode(repeat('00', 32), 'hex'))",
                wallet_id,
            )

    stage.run(spoil())
    with client(stage.serve(dsn=dsn)) as other:
        answer = other.get(f"/wallets/{ADDRESS}/log")
        body = answer.json()
        assert (answer.status_code, body["type"]) == (500, "/api#fault")
        assert list(faults(body, schema_of("Problem"))) == []
        assert "no JSON" not in answer.text
        assert "Traceback" not in answer.text
        assert httpx.get(f"{other.base_url}wallets/{ADDRESS}").status_code == 200, "the desk goes on"
    assert "Exception in ASGI application" in caplog.text, "whoever runs the desk is told all of it"
