"""Messages by the library apprise: Slack, Telegram, Discord, mail and a hundred more, each by one address.

Its calls block, so each delivery has a thread of its own. A daemon: unlike those of an executor, one that hangs does
not hold the end of the process. The library is loaded when the first address needs it, beside the event loop: no other
command waits for it.

The addresses are secrets. What the library logs while it delivers is caught before any other handler sees it, and is
repeated only without anything that stands in the address.
"""

from __future__ import annotations

import asyncio
import logging
import re
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from importlib import import_module
from threading import Lock, Thread
from typing import Any, TypeVar
from urllib.parse import unquote

from tieout.app.alert_channels import DeliveryError, Message
from tieout.store.runs import Severity

T = TypeVar("T")

HANGING_MAX = 3
"""Deliveries that may hang at a time; with more the destination is not tried before one of them has ended."""

SAID_MAX = 200
"""Characters of what the library says of a failure."""

_KINDS = {Severity.INFO: "info", Severity.WARN: "warning", Severity.ERROR: "failure", Severity.CRITICAL: "failure"}
_BELOW = ("urllib3", "requests", "requests_oauthlib", "oauthlib")
"""Libraries below it that log addresses and headers."""

_CUTS = (r"[/#]+", r"[/#@,;\s]+", r"[/#@,;:\s]+")
"""Between the parts of an address: a password may hold any of the marks after the first."""

_said: ContextVar[list[str] | None] = ContextVar("said", default=None)
_loading = Lock()


class _Catcher(logging.Handler):
    """Keeps what is logged while a delivery listens; the rest is lost, and so is every traceback."""

    def emit(self, record: logging.LogRecord) -> None:
        said = _said.get()
        if said is not None:
            said.append(record.getMessage())


_catcher = _Catcher()


class Apprise:
    """One address of apprise, which is never shown."""

    def __init__(self, url: str, timeout_ms: int) -> None:
        self._url = url
        self._timeout_ms = timeout_ms
        self._service: Any = None
        self._threads: list[Thread] = []

    async def prepare(self) -> None:
        """Load the library and have it read the address. Raises DeliveryError when it makes nothing of it."""
        if self._service is None:
            self._service = await self._beside(self._read)

    async def deliver(self, message: Message) -> None:
        """Raises DeliveryError when the service refuses the message, or takes too long.

        A message whose delivery took too long may arrive all the same.
        """
        await self.prepare()
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if len(self._threads) >= HANGING_MAX:
            raise DeliveryError(f"{HANGING_MAX} deliveries before this one have not ended yet")
        try:
            async with asyncio.timeout(self._timeout_ms / 1_000):
                await self._beside(lambda: self._notify(message))
        except TimeoutError:
            raise DeliveryError(f"no end of the delivery within {self._timeout_ms} ms") from None

    async def _beside(self, work: Callable[[], T]) -> T:
        """What *work* gives in a thread. Raises DeliveryError, with what the library said, for whatever it raises."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def settle(act: Callable[[], None]) -> None:
            if not done.done():
                act()

        def run() -> None:
            said: list[str] = []
            _said.set(said)
            try:
                act = partial(done.set_result, work())
            except DeliveryError as refused:
                act = partial(done.set_exception, DeliveryError(_reason(str(refused), said, self._url)))
            except Exception as raised:  # noqa: BLE001 - a hundred plug-ins: what one raises must not end a worker
                # Its words may hold anything, the address too.
                words = f"apprise failed with {type(raised).__name__}"
                act = partial(done.set_exception, DeliveryError(_reason(words, said, self._url)))
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, act)

        thread = Thread(target=run, name="alert by apprise", daemon=True)
        self._threads.append(thread)
        thread.start()
        return await done

    def _read(self) -> Any:
        library = _library()
        asset = library.AppriseAsset(
            app_id="tieout",
            app_desc="tieout",
            storage_mode="memory",
            pgp_autogen=False,
            pem_autogen=False,
            http_redirects=False,  # a redirect would hand the message to whom nobody named
            secure_logging=True,
        )
        service = library.Apprise.instantiate(self._url, asset=asset)
        if service is None:
            raise DeliveryError("apprise makes nothing of the address")
        return service

    def _notify(self, message: Message) -> None:
        """Truncated where the service takes less: what matters most comes first. Raises DeliveryError."""
        cut = {} if "overflow=" in self._url else {"overflow": "truncate"}
        kind = _KINDS[message.severity]
        arrived = self._service.notify(
            body=message.text, title=message.title, notify_type=kind, body_format="text", **cut
        )
        if not arrived:
            raise DeliveryError("it was not delivered")


def _library() -> Any:
    """The module apprise, its logger caught before it says anything."""
    with _loading:
        logger = logging.getLogger("apprise")
        logger.propagate = False
        logger.setLevel(logging.WARNING)  # what is below holds whole messages
        logger.handlers[:] = [_catcher]
        for name in _BELOW:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        # It imports what Python is about to drop, and names hosts whose certificate is not checked.
        warnings.filterwarnings("ignore", module=r"(apprise|requests|urllib3)\b")
        return import_module("apprise")


def _reason(words: str, said: Iterable[str], url: str) -> str:
    """*words* with what the library said, one line without anything of the address."""
    heard = "; ".join(dict.fromkeys(hidden(line, url) for line in said))
    return f"{words}: {heard[:SAID_MAX]}" if heard else words


def hidden(text: str, url: str) -> str:
    """*text* on one line, without addresses, parts of *url*, and whatever is long enough to be a key."""
    text = " ".join(re.sub(r"\S+://\S*", "(address)", text).split())
    for part in sorted(_parts(url), key=len, reverse=True):
        # A short part is a word that may stand inside of others: port 25 is not in "error 250".
        pattern = re.escape(part) if len(part) > 3 else rf"(?<!\w){re.escape(part)}(?!\w)"
        text = re.sub(pattern, "***", text, flags=re.IGNORECASE)
    return re.sub(r"[\w+/=-]{24,}", "***", text)


def _parts(url: str) -> set[str]:
    """Everything between the marks of an address, as written and with its %XX read, but for names of parameters."""
    place, _, query = url.partition("://")[2].partition("?")
    values = [parameter.partition("=")[2] for parameter in query.split("&")]
    pieces = {piece for text in (place, *values) for cut in _CUTS for piece in re.split(cut, text)}
    return {piece for piece in pieces | {unquote(piece) for piece in pieces} if len(piece) > 1}
