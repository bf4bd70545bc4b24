"""Placing and cancelling (`polymarket.md` 1.3). Nothing is sent twice: what an error leaves open is for the caller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tieout.client.answers import CancelAnswer, Placed, cancel_answer, placement
from tieout.client.errors import ErrorKind, Rejected, VenueError
from tieout.client.orders import SignedOrder
from tieout.client.pages import as_list
from tieout.client.service import Call, Service
from tieout.client.session import Session
from tieout.client.signer_limits import Purse, SignerLimiter
from tieout.client.transport import HttpResponse
from tieout.venue.wire import WireError, parse

PLACE_MAX = 15
"""Orders in one `POST /orders`."""

CANCEL_MAX = 1_000
"""Ids in one `DELETE /orders`, since 2026-06-15."""

_REJECTING = frozenset((400, 404, 409, 422))
"""Statuses with which the venue refuses an order and not the one who sends it."""


class ClobOrders:
    """Writes of one account. Each raises VenueError; an ambiguous one leaves its orders unknown until asked."""

    def __init__(self, service: Service, session: Session, limiter: SignerLimiter) -> None:
        self._service = service
        self._session = session
        self._limiter = limiter

    async def place(self, order: SignedOrder) -> Placed | Rejected:
        """Place one order. A refusal of the order is a value, its `meaning` may be one of the account."""
        body = msgspec.json.encode(order.body(self._session.credentials.key))
        call = Call("POST", "/order", "clob.order.post", kind="order_answer", body=body, write=True)
        response = await self._send(call, "orders", 1)
        if response.status in _REJECTING:
            return self._rejection(call, response)
        return self._service.read(call, response, placement)

    async def place_many(self, orders: Sequence[SignedOrder]) -> tuple[Placed | Rejected | VenueError, ...]:
        """Place up to PLACE_MAX orders in one request; the answers are in their order.

        A leg of the answer that is not readable is an ambiguous VenueError in its place, and the others count.
        """
        if not 0 < len(orders) <= PLACE_MAX:
            raise ValueError(f"orders: expected 1 to {PLACE_MAX}, was {len(orders)}")
        body = msgspec.json.encode([order.body(self._session.credentials.key) for order in orders])
        call = Call("POST", "/orders", "clob.orders.post", kind="order_answer", body=body, write=True)

        def read(value: Any) -> tuple[Placed | Rejected | VenueError, ...]:
            legs = as_list(value, "answer")
            if len(legs) != len(orders):
                raise WireError(f"answer: expected {len(orders)} legs, was {len(legs)}")
            return tuple(self._leg(call, leg) for leg in legs)

        return self._service.read(call, await self._send(call, "orders", len(orders)), read)

    async def cancel(self, order_id: str) -> CancelAnswer:
        """Cancel one order."""
        body = msgspec.json.encode({"orderID": order_id})
        call = Call("DELETE", "/order", "clob.order.cancel", "cancel_answer", body=body, write=True)
        return await self._cancel(call, 1)

    async def cancel_many(self, order_ids: Sequence[str]) -> CancelAnswer:
        """Cancel any number, in parts that the venue and the signer's bucket admit.

        A part without an answer stops no other; it is in `failed`. Raises VenueError when no part was answered.
        """
        unique = tuple(dict.fromkeys(order_ids))
        most = min(CANCEL_MAX, self._limiter.most_at_once("cancels"))
        canceled: list[str] = []
        refused: dict[str, str] = {}
        failed: list[tuple[tuple[str, ...], VenueError]] = []
        parts = [unique[start : start + most] for start in range(0, len(unique), most)]
        for part in parts:
            body = msgspec.json.encode(part)
            call = Call("DELETE", "/orders", "clob.orders.cancel", "cancel_answer", body=body, write=True)
            try:
                answer = await self._cancel(call, len(part))
            except VenueError as error:
                failed.append((part, error))
                continue
            canceled += answer.canceled
            refused |= answer.refused
        if parts and len(failed) == len(parts):
            raise next((error for _, error in failed if error.kind is ErrorKind.AMBIGUOUS), failed[0][1])
        return CancelAnswer(tuple(canceled), refused, tuple(failed))

    async def cancel_all(self) -> CancelAnswer:
        """Cancel every open order of the account."""
        return await self._cancel(Call("DELETE", "/cancel-all", "clob.cancel_all", "cancel_answer", write=True), 1)

    async def cancel_market(self, condition_id: str = "", token_id: str = "") -> CancelAnswer:
        """Cancel the open orders of a condition, a token, or of the token within the condition."""
        if not condition_id and not token_id:
            raise ValueError("cancel_market: expected a condition or a token")
        named = {"market": condition_id, "asset_id": token_id}
        body = msgspec.json.encode({name: value for name, value in named.items() if value})
        call = Call("DELETE", "/cancel-market-orders", "clob.cancel_market", "cancel_answer", body=body, write=True)
        return await self._cancel(call, 1)

    async def _cancel(self, call: Call, cost: int) -> CancelAnswer:
        return self._service.read(call, await self._send(call, "cancels", cost), cancel_answer)

    async def _send(self, call: Call, purse: Purse, cost: int) -> HttpResponse:
        await self._limiter.take(purse, cost)
        response = await self._service.send(call, self._session.sign)
        self._limiter.observe(purse, response)
        return response

    def _leg(self, call: Call, leg: Any) -> Placed | Rejected | VenueError:
        try:
            return placement(leg)
        except WireError as error:
            return self._service.unreadable(call, str(error))

    def _rejection(self, call: Call, response: HttpResponse) -> Rejected:
        """The refusal of one order in a 4xx; one that names neither order nor reason is an error."""
        try:
            found = placement(parse(response.body), status=response.status)
        except WireError:
            raise self._service.refusal(call, response) from None
        if not isinstance(found, Rejected):
            raise self._service.refusal(call, response)
        return found
