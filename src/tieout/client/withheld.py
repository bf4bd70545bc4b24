"""What a dry run has in the place of its way to the venue's writes: nothing is sent, and every answer says so."""

from __future__ import annotations

from collections.abc import Sequence

from tieout.client.answers import CancelAnswer, Placed
from tieout.client.clob_orders import ClobOrders
from tieout.client.errors import ErrorKind, Meaning, Rejected, VenueError
from tieout.client.orders import SignedOrder
from tieout.client.service import Call
from tieout.client.signer_limits import Purse
from tieout.client.transport import HttpResponse

WITHHELD = "a dry run sends nothing"


class WithheldOrders(ClobOrders):
    """Refuses every placement and cancel without asking the venue: jobs that cancel by themselves run dry, too."""

    async def place(self, order: SignedOrder) -> Placed | Rejected:
        """A refusal."""
        return Rejected(order.order_id, WITHHELD)

    async def place_many(self, orders: Sequence[SignedOrder]) -> tuple[Placed | Rejected | VenueError, ...]:
        """A refusal of each."""
        return tuple(Rejected(order.order_id, WITHHELD) for order in orders)

    async def cancel_many(self, order_ids: Sequence[str]) -> CancelAnswer:
        """Every cancel is refused, so whatever rests goes on resting."""
        return CancelAnswer(refused=dict.fromkeys(order_ids, WITHHELD))

    async def _send(self, call: Call, purse: Purse, cost: int) -> HttpResponse:  # noqa: ARG002 - as it is overridden
        """Whatever else would be sent. Raises VenueError."""
        raise VenueError(ErrorKind.PERMANENT, Meaning.REFUSED, f"{call.method} {call.path}", WITHHELD, service="clob")
