"""The desk behind a port, in the loop of whoever serves it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import uvicorn

from tieout.store.errors import StoreError
from tieout.web.desk import desk
from tieout.web.house import DeskSettings

TOKEN_MIN = 16
"""Characters of a token where the desk can be reached from other machines."""

GOODBYE_S = 1


class UnsafeError(ValueError):
    """The desk will not be served like that; the message says what to do."""


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def checked(settings: DeskSettings) -> DeskSettings:
    """The same settings. Raises UnsafeError for what would let strangers in."""
    if not settings.is_local and len(settings.token) < TOKEN_MIN:
        raise UnsafeError(
            f"{settings.host} can be reached from other machines: the desk is served there only with a token of at "
            f"least {TOKEN_MIN} characters (`--token-file FILE` or TIEOUT_DESK_TOKEN), and better behind a proxy that "
            "speaks TLS"
        )
    return settings


@asynccontextmanager
async def serving(settings: DeskSettings, now_ms: Callable[[], int]) -> AsyncIterator[str]:
    """The address of the desk, served for the time of the context; port 0 is any that is free.

    Raises UnsafeError, and StoreError when the port is taken or the database cannot be reached.
    """
    listener = _listener(checked(settings))
    port = listener.getsockname()[1]
    app = desk(replace(settings, port=port), now_ms)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=GOODBYE_S,
        lifespan="off",
    )
    server = _Server(config)
    async with app.state.house.open():
        task = asyncio.create_task(server.serve([listener]), name="desk")
        try:
            host = f"[{settings.host}]" if ":" in settings.host else settings.host
            yield f"http://{host}:{port}"
        finally:
            server.should_exit = True
            await asyncio.gather(task, return_exceptions=True)
            listener.close()


def _listener(settings: DeskSettings) -> socket.socket:
    """Bound already, so that whoever is told the address can connect."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # With its protocol named, asyncio turns off the waiting for more to send, which costs 40 ms an answer.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((settings.host, settings.port))
        made.listen(128)
    except OSError as error:
        made.close()
        raise StoreError(
            f"the desk cannot listen at {settings.host}:{settings.port}: {error.strerror}; "
            "another port: `--port N`, any free one: `--port 0`"
        ) from error
    return made
