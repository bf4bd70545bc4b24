"""One service of the venue: limit, send, record, then look at the answer. Each request is sent once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from tieout.client.clock import Clock
from tieout.client.errors import VenueError, refused, retry_after_ms, unanswered, unreadable, unsent
from tieout.client.health import Health
from tieout.client.limits import Limiter
from tieout.client.transport import Carrier, CarrierError, HttpRequest, HttpResponse, RawBody, Recorder
from tieout.venue.wire import WireError, parse

T = TypeVar("T")

TOO_MANY_REQUESTS, RESTARTING, SERVER_ERROR = 429, 425, 500


@dataclass(frozen=True, slots=True)
class Call:
    """What to ask. `kind` is what the answer is ("": nothing the journal keeps); `write`: it may change something."""

    method: str
    path: str
    group: str
    kind: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    write: bool = False
    label: str = ""

    @property
    def name(self) -> str:
        """For messages and the journal: the label, else method and path."""
        return self.label or f"{self.method} {self.path}"

    @property
    def takes_risk_away(self) -> bool:
        """A cancel: never held back."""
        return self.method == "DELETE"

    @property
    def origin(self) -> str:
        """For the journal: method, path and query."""
        return f"{self.name}?{urlencode(self.query)}" if self.query else self.name


Sign = Callable[[Call], Mapping[str, str]]
"""Headers that authenticate a call, made when it is about to leave: they carry the time."""


class Service:
    """Everything that is the same for all calls to one base address. `scrub` takes secrets out of what is said."""

    def __init__(
        self,
        name: str,
        base: str,
        carrier: Carrier,
        *,
        clock: Clock,
        limiter: Limiter,
        recorder: Recorder,
        health: Health | None = None,
        scrub: Callable[[str], str] = str,
    ) -> None:
        self._name = name
        self._base = base
        self._carrier = carrier
        self._limiter = limiter
        self._recorder = recorder
        self._health = health or Health(clock)
        self._scrub = scrub
        self.clock = clock

    async def send(self, call: Call, sign: Sign | None = None) -> HttpResponse:
        """The answer, whatever its status, after it is recorded. Raises VenueError when there is none.

        A refusal is recorded for writes only: it may name an order; that of a read says nothing of the account.
        """
        if not call.takes_risk_away:
            self._health.admit(self._name, call.name)
        try:
            response = await self._exchange(call, sign)
        except BaseException:
            self._health.gave_up(self._name)
            raise
        if response.status < SERVER_ERROR and response.status != RESTARTING:
            self._health.answered(self._name)
        return response

    async def _exchange(self, call: Call, sign: Sign | None) -> HttpResponse:
        await self._limiter.take(call.group)
        headers = {"Accept": "application/json", **(sign(call) if sign else {})}
        if call.body:
            headers["Content-Type"] = "application/json"
        url = self._base + call.path + (f"?{urlencode(call.query)}" if call.query else "")
        try:
            response = await self._carrier.send(HttpRequest(call.method, url, headers, call.body))
        except CarrierError as error:
            reason = self._scrub(error.reason)
            raise self._own(
                unanswered(call.name, reason, write=call.write) if error.sent else unsent(call.name, reason)
            ) from None
        if call.kind and response.body and (response.is_success or call.write):
            kind = call.kind if response.is_success else "error_answer"
            await self._recorder(RawBody(kind, response.body, self._name, call.origin))
        if response.status == TOO_MANY_REQUESTS:
            self._limiter.close(call.group, self.clock.now_ms() + retry_after_ms(response))
        return self._cleaned(response)

    async def ask(self, call: Call, decode: Callable[[Any], T], sign: Sign | None = None) -> T:
        """The answer through *decode*, which raises WireError on what it cannot read. Raises VenueError."""
        return self.read(call, await self.send(call, sign), decode)

    def read(self, call: Call, response: HttpResponse, decode: Callable[[Any], T]) -> T:
        """*response* through *decode*. Raises VenueError when its status is none of success or it is not readable."""
        if not response.is_success:
            raise self.refusal(call, response)
        try:
            return decode(parse(response.body))
        except WireError as error:
            raise self.unreadable(call, str(error), response.status) from None

    def refusal(self, call: Call, response: HttpResponse) -> VenueError:
        """The error of a status other than 2xx."""
        return self._own(refused(response, call.name, write=call.write))

    def unreadable(self, call: Call, text: str, status: int = 200) -> VenueError:
        """The error of an answer of success that says nothing readable."""
        return self._own(unreadable(call.name, text, write=call.write, status=status))

    def _own(self, error: VenueError) -> VenueError:
        """The error with our name, counted."""
        error.service = self._name
        self._health.failed(error)
        return error

    def _cleaned(self, response: HttpResponse) -> HttpResponse:
        """The answer without secrets that the server may have echoed: nothing read from it can show them."""
        text = response.body.decode("utf-8", "replace")
        cleaned = self._scrub(text)
        return response if cleaned == text else HttpResponse(response.status, response.headers, cleaned.encode())
