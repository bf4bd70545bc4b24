"""The CLOB's own words: one text and status for every refusal, each with where it was read.

Sources. [docs]: docs.polymarket.com/resources/error-codes. [sdk]: `polymarket-client` 0.14.0,
`models/clob/order_response.py`. [issue]: public threads, named. [seen]: bodies of HTTP 400 quoted in public
repositories of 2026. [insert]: the table "Insert Error Messages" of the CLOB documentation of 2025. [ours]: no source
was found, the text is our guess in the style of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tieout.sim.engine.amounts import AMOUNT_DECIMALS, ONE, text
from tieout.sim.engine.rejections import Reason, Rejected
from tieout.sim.model import Market, OrderKind, OrderRequest, Side
from tieout.sim.wire.http import HttpError, Reply, error_reply, json_reply

UNAUTHORIZED = "Unauthorized/Invalid api key"  # [docs] 401
BAD_L1_HEADERS = "Invalid L1 Request headers"  # [docs] 401
CANNOT_CREATE_KEY = "Could not create api key"  # [docs] 400
CANNOT_DERIVE_KEY = "Could not derive api key!"  # [docs] 400
BAD_REVOKE_HEADERS = "invalid revoke builder api key headers"  # [docs] 400

DISABLED = "Trading is currently disabled. Check polymarket.com for updates"  # [docs] 503
CANCEL_ONLY = "Trading is currently cancel-only. New orders are not accepted, but cancels are allowed."  # [docs] 503
POST_ONLY_MODE = "post-only mode: only post-only orders and cancels are allowed"  # [docs] 503
RESTARTING = "The matching engine is restarting"  # [docs] 425, the sentence of its description
TOO_MANY_REQUESTS = "Too Many Requests"  # [docs] 429

BAD_ORDER_PAYLOAD = "Invalid order payload"  # [docs] 400
WRONG_OWNER = "the order owner has to be the owner of the API KEY"  # [docs] 400
WRONG_SIGNER = "the order signer address has to be the address of the API KEY"  # [docs] 400
WRONG_MAKER = "maker address not allowed, please use the deposit wallet flow"  # [issue] py-clob-client-v2#74, #83
BAD_SIGNATURE = "invalid signature"  # [seen] 400
VERSION_MISMATCH = "order_version_mismatch"  # `py_clob_client_v2.constants` ORDER_VERSION_MISMATCH_ERROR, 400
BANNED = "'{address}' address banned"  # [docs] 400
CLOSED_ONLY = "'{address}' address in closed only mode"  # [docs] 400
TOO_MANY_ORDERS = "Too many orders in payload: {count}, max allowed: {most}"  # [docs] 400, POST /orders
TOO_MANY_CANCELS = "Too many orders in payload, max allowed: {most}"  # [docs] 400, DELETE /orders
BAD_ORDER_ID = "Invalid orderID"  # [docs] 400

BAD_ORDERS_QUERY = "invalid order params payload"  # [docs] 400
BAD_TRADES_QUERY = "Invalid trade params payload"  # [docs] 400
BAD_BUILDER_QUERY = "invalid builder trade params"  # [docs] 400
BAD_ASSET_TYPE = "Invalid asset type"  # [docs] 400
BAD_SIGNATURE_TYPE = "Invalid signature_type"  # [docs] 400

BAD_TOKEN = "Invalid token id"  # noqa: S105 ([docs] 400; an outcome token)
NO_ORDERBOOK = "No orderbook exists for the requested token id"  # [docs] 404
BAD_PAYLOAD = "Invalid payload"  # [docs] 400
PAYLOAD_LIMIT = "Payload exceeds the limit"  # [docs] 400
BAD_SIDE = "Invalid side"  # [docs] 400
BAD_MARKET = "Invalid market"  # [docs] 400
NO_MARKET = "market not found"  # [docs] 404
BAD_NEXT_ITEM = "next item should be greater than or equal to 0"  # [seen] 400, GET /markets after the last page
BAD_HISTORY_QUERY = "invalid filters"  # [ours] 400; [docs] name "filter validation errors" without a text
UNKNOWN_BUILDER = "builder not found"  # [ours] 404, the status that the SDK reads as an unknown code

Text = Callable[[Rejected, OrderRequest, Market | None], str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An order refused: `order_id` is kept when the engine took the order in and killed it, else ""."""

    message: str
    status: int = 400
    order_id: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def reply(self) -> Reply:
        """The answer to a single order. A killed order's id comes along (`polymarket.md` 1.3)."""
        kept = {"orderID": self.order_id} if self.order_id else {}
        return json_reply({"error": self.message, **self.extra, **kept}, self.status, self.headers)

    def leg(self) -> dict[str, Any]:
        """Its place in the answer to a batch: success stays true (`samples/post_orders_batch_postonly_reject.json`)."""
        return {
            "success": True,
            "errorMsg": self.message,
            "orderID": self.order_id,
            "status": "",
            "makingAmount": "",
            "takingAmount": "",
        }


class RefusedError(Exception):
    """Raised on the way to the engine: the order is refused."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def bad_request(message: str, status: int = 400) -> HttpError:
    """The request ends with this error."""
    return HttpError(error_reply(status, message))


def post_only_refusal(retry_after_s: int) -> Refusal:
    """[docs]: 503 with a code and the delay in the body and in a header, seconds."""
    return Refusal(
        POST_ONLY_MODE,
        503,
        extra={"code": "post_only_mode", "retry_after_seconds": retry_after_s},
        headers={"retry-after": str(retry_after_s)},
    )


def _invalid(detail: Callable[[Rejected], str]) -> Text:
    return lambda rejected, request, _market: f"order {request.id} is invalid. {detail(rejected)}"


def _constant(message: str) -> Text:
    return lambda _rejected, _request, _market: message


def _no_book(_rejected: Rejected, request: OrderRequest, market: Market | None) -> str:
    return f"the orderbook {market.condition_id if market else request.token} does not exist"


def _accuracy(_rejected: Rejected, request: OrderRequest, market: Market | None) -> str:
    amount = AMOUNT_DECIMALS[market.tick] if market else 4
    maker, taker, kind = 2, amount, "market buy"
    if request.side is Side.SELL:
        kind = "sell"
    elif request.kind not in (OrderKind.FOK, OrderKind.FAK):
        maker, taker, kind = amount, 2, "buy"
    supports = f"the {kind} orders maker amount supports a max accuracy of {maker} decimals"
    return f"invalid amounts, {supports}, taker amount a max of {taker} decimals"


def _out_of_range(rejected: Rejected, request: OrderRequest, market: Market | None) -> str:
    if 0 < rejected.facts["price"] < ONE:
        return _TEXTS[Reason.TICK](rejected, request, market)
    return "invalid price, price must be greater than 0 and less than 1"


def _balance(rejected: Rejected, _request: OrderRequest, _market: Market | None) -> str:
    facts = rejected.facts
    spender = f"balance: {facts['balance']}"
    if facts["matched"]:
        spender += f", sum of matched orders: {facts['matched']}"
        return f"{NOT_ENOUGH}: the balance is not enough -> {spender}, order amount (inc. fees): {facts['amount']}"
    return f"{NOT_ENOUGH}: the balance is not enough -> {spender}, order amount: {facts['amount']}"


MARKET_NOT_READY = "the market is not yet ready to process new orders"  # [docs]
NOT_ENOUGH = "not enough balance / allowance"  # [docs] 400; the rest of the text [seen]


def allowance_text(spender: str, allowance: int, rejected: Rejected) -> str:
    """[seen]: the wallet has the money but the exchange may not take it. Base units."""
    matched, amount = rejected.facts["matched"], rejected.facts["amount"]
    return (
        f"{NOT_ENOUGH}: the allowance is not enough -> spender: {spender}, allowance: {allowance}, "
        f"sum of matched orders: {matched}, order amount (inc. fees): {amount}"
    )


_TEXTS: dict[Reason, Text] = {
    Reason.UNKNOWN_TOKEN: _no_book,  # [seen]
    Reason.MARKET_CLOSED: _no_book,  # [seen]
    Reason.MARKET_NOT_READY: _constant(MARKET_NOT_READY),
    Reason.CANCEL_ONLY: _constant(CANCEL_ONLY),
    Reason.POST_ONLY_MODE: _constant(POST_ONLY_MODE),
    Reason.CLOSED_ONLY: lambda _rejected, request, _market: CLOSED_ONLY.format(address=request.wallet),
    Reason.DUPLICATED: _invalid(lambda _rejected: "Duplicated."),  # [docs]
    Reason.AMOUNTS: _constant(BAD_ORDER_PAYLOAD),  # [ours]
    Reason.ACCURACY: _accuracy,  # [seen]
    Reason.TICK: _invalid(
        lambda r: f"Price ({text(r.facts['price'])}) breaks minimum tick size rule: {text(r.facts['tick'])}"
    ),  # [docs]
    Reason.PRICE_RANGE: _out_of_range,  # [seen]
    Reason.MIN_SIZE: _invalid(
        lambda r: f"Size ({text(r.facts['size'])}) lower than the minimum: {text(r.facts['min_size'])}"
    ),  # [docs]
    Reason.MIN_MARKETABLE: lambda r, _request, _market: (
        f"invalid amount for a marketable BUY order (${text(r.facts['cash'])}), min size: $1"
    ),  # [seen]
    Reason.EXPIRATION: _constant("invalid expiration"),  # [docs], [sdk]
    Reason.POST_ONLY_KIND: _constant("invalid post-only order: only GTC and GTD order types are allowed"),  # [insert]
    Reason.POST_ONLY_CROSSES: _constant("invalid post-only order: order crosses book"),  # [docs], [sdk]
    Reason.BALANCE: _balance,
    Reason.FOK_NOT_FILLED: _constant(
        "order couldn't be fully filled. FOK orders are fully filled or killed."
    ),  # [docs], [sdk]
    Reason.FAK_NO_MATCH: _constant(
        "no orders found to match with FAK order. FAK orders are partially filled or killed if no match is found."
    ),  # [docs], [sdk]
}


def refusal_of(rejected: Rejected, request: OrderRequest, market: Market | None, retry_after_s: int) -> Refusal:
    """How the venue words what the engine said of *request*."""
    if rejected.reason is Reason.POST_ONLY_MODE:
        return post_only_refusal(retry_after_s)
    killed = rejected.reason in (Reason.FOK_NOT_FILLED, Reason.FAK_NO_MATCH)
    return Refusal(
        _TEXTS[rejected.reason](rejected, request, market),
        503 if rejected.reason is Reason.CANCEL_ONLY else 400,
        order_id=request.id if killed else "",
    )
