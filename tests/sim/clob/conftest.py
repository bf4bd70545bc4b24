"""A fresh venue, and one that the official clients reach through httpx."""

from __future__ import annotations

import httpx
import pytest

from sim.clob.venue import Venue


@pytest.fixture
def venue() -> Venue:
    return Venue()


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Venue:
    """At the real time, for the clients read the clock; every httpx transport leads to it."""
    venue = Venue(now=True)

    def sync(_transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        return venue.serve(request)

    async def asynchronous(_transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return venue.serve(request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", sync)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", asynchronous)
    return venue
