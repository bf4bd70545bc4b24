"""The official public client, unmodified but for its hosts; every httpx transport leads into the process."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from urllib.parse import parse_qsl

import httpx
import pytest
from polymarket import PublicClient
from polymarket._internal.environment import PRODUCTION_CONFIG, create_environment

from tieout.sim.wire.http import Reply, Request


def public_client(
    patch: pytest.MonkeyPatch, data: Callable[[Request], Reply], gamma: Callable[[Request], Reply]
) -> PublicClient:
    """A client whose Data API and Gamma are these handlers."""

    def serve(_transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        query: dict[str, str] = {}
        for name, value in parse_qsl(request.url.query.decode(), keep_blank_values=True):
            query[name] = f"{query[name]},{value}" if name in query else value
        passed = Request(request.method, request.url.path, query, {}, request.read())
        reply = {"gamma.test": gamma, "data.test": data}[request.url.host](passed)
        return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body, request=request)

    patch.setattr(httpx.HTTPTransport, "handle_request", serve)
    config = dataclasses.replace(PRODUCTION_CONFIG, gamma_url="http://gamma.test", data_url="http://data.test")
    return PublicClient(environment=create_environment(name="sim", config=config))
