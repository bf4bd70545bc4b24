"""Parameters of JSON-RPC calls: reading them, and go-ethereum's words for those that are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tieout.sim.chain.log import Log
from tieout.sim.chain.log_index import matches

PARSE_ERROR, INVALID_REQUEST, UNKNOWN_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602
SERVER_ERROR, LIMIT_EXCEEDED = -32000, -32005

_HEX = frozenset("0123456789abcdefABCDEF")
_TAGS = ("latest", "pending", "finalized", "safe", "earliest")
_WIDTHS = {20: "Address", 32: "Hash"}


class RpcError(Exception):
    """The call is answered with this error."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


def invalid(place: int, why: str) -> RpcError:
    """Argument number *place* is wrong."""
    return RpcError(INVALID_PARAMS, f"invalid argument {place}: {why}")


def param(params: Sequence[Any], place: int) -> Any:
    """The parameter at *place*, which must be there."""
    if place >= len(params) or params[place] is None:
        raise RpcError(INVALID_PARAMS, f"missing value for required argument {place}")
    return params[place]


def data(value: object, place: int, width: int | None = None) -> str:
    """0x hex of whole bytes, lower-case; of *width* bytes when that is given."""
    kind = f"common.{_WIDTHS[width]}" if width in _WIDTHS else "hexutil.Bytes"
    if not isinstance(value, str):
        raise invalid(place, f"json: cannot unmarshal non-string into Go value of type {kind}")
    if value[:2] not in ("0x", "0X"):
        raise invalid(place, f"json: cannot unmarshal hex string without 0x prefix into Go value of type {kind}")
    if len(value) % 2 or not _HEX.issuperset(value[2:]):
        raise invalid(place, f"json: cannot unmarshal invalid hex string into Go value of type {kind}")
    if width is not None and len(value) != 2 + 2 * width:
        raise invalid(place, f"hex string has length {len(value) - 2}, want {2 * width} for {kind}")
    return value.lower()


def address(value: object, place: int) -> str:
    """20 bytes."""
    return data(value, place, 20)


def number(value: object, place: int) -> int:
    """A quantity in hex."""
    if not isinstance(value, str) or value[:2] != "0x":
        raise invalid(place, "hex string without 0x prefix")
    if len(value) == 2 or not _HEX.issuperset(value[2:]):
        raise invalid(place, "invalid hex string")
    if len(value) > 18:
        raise invalid(place, "hex number > 64 bits")
    return int(value, 16)


def block_tag(value: object, place: int) -> str | int:
    """A block by tag or number."""
    return value if isinstance(value, str) and value in _TAGS else number(value, place)


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which logs are wanted: of one of *addresses*, and with one of the topics at each place; empty takes any."""

    addresses: frozenset[str]
    topics: tuple[frozenset[str], ...]

    def takes(self, log: Log) -> bool:
        """Whether the log is wanted."""
        return matches(log, self.addresses, self.topics)


def log_filter(value: Mapping[str, Any], place: int) -> LogFilter:
    """The filter in the parameter of `eth_getLogs` or of a subscription to logs."""
    given = value.get("address")
    addresses = given if isinstance(given, list) else [] if given is None else [given]
    topics = value.get("topics") or []
    if not isinstance(topics, list):
        raise invalid(place, "invalid topics: expected an array")
    if len(topics) > 4:
        raise invalid(place, "exceed max topics")
    return LogFilter(
        frozenset(address(item, place) for item in addresses),
        tuple(_topic(item, place) for item in topics),
    )


def _topic(value: object, place: int) -> frozenset[str]:
    """One place: null takes any, a list each of its topics; an empty list and a null in a list take any, too."""
    if not isinstance(value, list):
        value = [value]
    return frozenset() if None in value else frozenset(data(item, place, 32) for item in value)
