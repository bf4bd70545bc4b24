"""How a message gets to a person: by a program, or an address that takes JSON. `alert_apprise.py` is the third way."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from tieout.client.transport import Carrier, CarrierError, HttpRequest
from tieout.store.runs import Severity

OWN_VARIABLES = "TIEOUT_"
"""Variables of the environment that a program of the operator does not get: the private key is among them."""


class DeliveryError(Exception):
    """An alert did not arrive. The message names no address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a destination gets: words for people, and the same as JSON for programs."""

    title: str
    text: str
    severity: Severity
    body: bytes


class Channel(Protocol):
    """Takes a message to a person."""

    async def prepare(self) -> None:
        """Make ready what a delivery needs. Raises DeliveryError when none can succeed."""
        ...

    async def deliver(self, message: Message) -> None:
        """Raises DeliveryError."""
        ...


class Program:
    """Runs a command with the message as JSON on its input."""

    def __init__(self, command: Sequence[str], timeout_ms: int) -> None:
        self._command = command
        self._timeout_ms = timeout_ms

    async def prepare(self) -> None:
        """Nothing."""

    async def deliver(self, message: Message) -> None:
        """Raises DeliveryError when it cannot be run, ends with another code than 0, or takes too long."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith(OWN_VARIABLES)}
        nowhere = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=nowhere,
                stderr=nowhere,
                env=environ,
                start_new_session=True,
            )
        except OSError as error:
            raise DeliveryError(f"the program cannot be run: {error.strerror}") from None
        try:
            async with asyncio.timeout(self._timeout_ms / 1_000):
                await process.communicate(message.body)
        except TimeoutError:
            raise DeliveryError(f"the program took longer than {self._timeout_ms} ms") from None
        finally:
            if process.returncode is None:
                # It leads a session of its own, so what it started ends with it.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode:
            raise DeliveryError(f"the program ended with {process.returncode}")


class Webhook:
    """Posts the message as JSON to an address, which is never shown."""

    def __init__(self, url: str, carrier: Carrier) -> None:
        self._url = url
        self._carrier = carrier

    async def prepare(self) -> None:
        """Nothing."""

    async def deliver(self, message: Message) -> None:
        """Raises DeliveryError without an answer, and for one that is not 2xx."""
        try:
            answer = await self._carrier.send(
                HttpRequest("POST", self._url, {"content-type": "application/json"}, message.body)
            )
        except CarrierError as error:
            raise DeliveryError(f"the webhook gave no answer: {error.reason}") from None
        if not answer.is_success:
            raise DeliveryError(f"the webhook answered {answer.status}")
