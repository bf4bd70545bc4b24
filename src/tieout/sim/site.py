"""The site: which service answers under which path, and the gate in front of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from tieout.sim.wire.connection import Connection, Session
from tieout.sim.wire.http import Delivery, Reply, Request, error_reply
from tieout.sim.world import World

Handle = Callable[[Request], Reply]
SocketFactory = Callable[[Connection], Session]


class Gate(Protocol):
    """Stands between the network and the services: faults live here."""

    def http(self, prefix: str, request: Request, handle: Handle) -> Delivery:
        """The answer of *handle*, or what becomes of it. *request* has no prefix any more."""
        ...

    def socket(self, path: str, connection: Connection) -> Connection:
        """The connection a session gets to see."""
        ...


class OpenGate:
    """Lets everything pass, at once."""

    def http(self, prefix: str, request: Request, handle: Handle) -> Delivery:  # noqa: ARG002 (the gate's signature)
        """The plain answer."""
        return Delivery(handle(request))

    def socket(self, path: str, connection: Connection) -> Connection:  # noqa: ARG002 (the gate's signature)
        """The connection itself."""
        return connection


class Site:
    """All services of one world under one address. A prefix is "/" or "/name"; the longest that fits answers."""

    def __init__(self, world: World, gate: Gate | None = None) -> None:
        self.world = world
        self.gate: Gate = gate or OpenGate()
        self._services: list[tuple[str, Handle]] = []
        self._sockets: dict[str, SocketFactory] = {}

    def mount(self, prefix: str, handle: Handle) -> None:
        """Let *handle* answer what is under *prefix*; its requests have paths without it."""
        self._services.append((prefix.rstrip("/"), handle))
        self._services.sort(key=lambda service: -len(service[0]))

    def mount_socket(self, path: str, factory: SocketFactory) -> None:
        """Let *factory* serve the WebSockets opened at *path*."""
        self._sockets[path] = factory

    def deliver(self, request: Request) -> Delivery:
        """What the client gets, and when."""
        for prefix, handle in self._services:
            if request.path == prefix or request.path.startswith(f"{prefix}/"):
                inner = replace(request, path=request.path[len(prefix) :] or "/") if prefix else request
                return self.gate.http(prefix or "/", inner, handle)
        return Delivery(error_reply(404, "not found"))

    def open_socket(self, path: str, connection: Connection) -> Session | None:
        """The venue's end of a new WebSocket; None when there is none at *path*."""
        factory = self._sockets.get(path.rstrip("/"))
        return factory(self.gate.socket(path.rstrip("/"), connection)) if factory else None
