#!/usr/bin/env python3
# ruff: noqa: S310, T201 - a script that asks the address it is given, and prints
"""A client of the desk's interface, with Python's standard library alone: read it, take what you need.

`client.py positions` prints what is held, `client.py follow` what happens as it happens;
`client.py pause --why "the feed lags"` stops quoting, `resume` lets it go on.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

PATIENCE_S = 60
"""The desk sends a comment every 15 seconds: a stream that is silent for so long is dead."""

RETRY_S = 2
BROKEN = (OSError, http.client.HTTPException)
"""What a connection that goes away raises."""

MICRO = 1_000_000


class RefusedError(Exception):
    """The desk did not do what was asked; the message says why, and what to do."""


class Desk:
    """A desk at *address*. The *token* is needed to act, and to read from another machine."""

    def __init__(self, address: str, token: str = "") -> None:
        self._base = f"{address.rstrip('/')}/api/v1"
        self._token = token

    def get(self, path: str) -> Any:
        """What is read. Raises RefusedError."""
        with self._open(path) as answer:
            return json.load(answer)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """What became of what was asked. Raises RefusedError."""
        with self._open(path, json.dumps(body).encode()) as answer:
            return json.load(answer)

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Every row of a list, a page at a time."""
        cursor = ""
        while True:
            page = self.get(f"{path}{'&' if '?' in path else '?'}cursor={cursor}")
            yield from page["items"]
            if page["next"] is None:
                return
            cursor = page["next"]

    def events(self, wallet: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """What happens, for ever: (name, data). After every break there is a `hello`: read again what you keep."""
        last = ""
        while True:
            try:
                with self._open(f"/wallets/{wallet}/events?only=booked&only=control", last=last) as answer:
                    for fields in _events(answer):
                        last = fields.get("id", last)
                        yield fields["event"], json.loads(fields["data"])
            except BROKEN as error:
                print(f"the stream broke ({error}); again in {RETRY_S} s", file=sys.stderr)
            time.sleep(RETRY_S)

    def _open(self, path: str, body: bytes | None = None, last: str = "") -> Any:
        request = urllib.request.Request(self._base + path, body)
        if body is not None:
            request.add_header("content-type", "application/json")
        if self._token:
            request.add_header("authorization", f"Bearer {self._token}")
        if last:
            request.add_header("last-event-id", last)
        try:
            return urllib.request.urlopen(request, timeout=PATIENCE_S)
        except urllib.error.HTTPError as error:
            if error.code == 503:
                raise  # the database is away: an OSError like any other
            with error:
                raise RefusedError(f"{error.code}: {_detail(error.read())}") from None


def _detail(body: bytes) -> str:
    """What a problem document says; the body itself where it is none."""
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:500]


def _events(stream: Any) -> Iterator[dict[str, str]]:
    """Server-sent events: lines of "field: value", with an empty line after each event; comments begin with ":"."""
    fields: dict[str, str] = {}
    for line in stream:
        name, _, value = line.decode().rstrip("\n").partition(":")
        if name:
            fields[name] = value.removeprefix(" ")
        elif not value:
            if "event" in fields:
                yield fields
            fields = {}


def money(micro: str) -> str:
    """Micro-units as a decimal with six places, without a float."""
    whole, part = divmod(abs(int(micro)), MICRO)
    return f"{'-' if int(micro) < 0 else ''}{whole}.{part:06}"


def positions(desk: Desk, wallet: str) -> None:
    """Print what is held."""
    print(f"{'shares':>18} {'cost':>18} {'value':>18}  token")
    for each in desk.pages(f"/wallets/{wallet}/positions"):
        amounts = " ".join(f"{money(each[name]):>18}" for name in ("shares", "cost_basis", "value"))
        print(f"{amounts}  {each['token_id']}", flush=True)


def follow(desk: Desk, wallet: str, count: int) -> None:
    """Print what changes, until *count* events came; 0: for ever."""
    known: dict[str, str] | None = None
    for number, (name, data) in enumerate(desk.events(wallet), 1):
        print(f"{name} {json.dumps(data)}", flush=True)
        if name in ("hello", "booked"):
            try:
                now = {each["token_id"]: each["shares"] for each in desk.pages(f"/wallets/{wallet}/positions")}
            except BROKEN as error:
                print(f"not read: {error}; the next event brings it up to date", file=sys.stderr)
                continue
            show_changes(now if known is None else known, now)
            known = now
        if number == count:
            return


def show_changes(before: dict[str, str], now: dict[str, str]) -> None:
    """Print the tokens of which another number of shares is held."""
    for token in sorted(before.keys() | now.keys()):
        was, held = (money(each.get(token, "0")) for each in (before, now))
        if was != held:
            print(f"  {token}: {was} -> {held} shares", flush=True)


def steer(desk: Desk, wallet: str, action: str, given: argparse.Namespace) -> None:
    """Pause or resume, and print what became of it."""
    body = {"who": given.who, "why": given.why, "market": given.market}
    print(desk.post(f"/wallets/{wallet}/actions/{action}", body)["words"])


def main() -> int:
    """Do what was typed; 0 done, 1 refused, 2 out of reach."""
    parser = argparse.ArgumentParser(description="A client of the desk of tieout.")
    parser.add_argument("do", choices=("positions", "follow", "pause", "resume"))
    parser.add_argument("--desk", default="http://127.0.0.1:8321", help="its address (%(default)s)")
    parser.add_argument("--wallet", default="", help="address of the wallet; without: the only one of the desk")
    parser.add_argument("--token", default=os.environ.get("TIEOUT_DESK_TOKEN", ""), help="or TIEOUT_DESK_TOKEN")
    parser.add_argument("--why", default="", help="the reason of a pause or a resume")
    parser.add_argument("--who", default="client.py", help="who does it (%(default)s)")
    parser.add_argument("--market", default="", help="only this market, by its condition id")
    parser.add_argument("--count", type=int, default=0, help="follow so many events, then end; 0: for ever")
    given = parser.parse_args()
    desk = Desk(given.desk, given.token)
    try:
        wallet = given.wallet or _only(desk)
        if given.do == "positions":
            positions(desk, wallet)
        elif given.do == "follow":
            follow(desk, wallet, given.count)
        else:
            steer(desk, wallet, given.do, given)
    except RefusedError as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    except BROKEN as error:
        print(f"out of reach: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


def _only(desk: Desk) -> str:
    """The wallet of a desk that has one. Raises RefusedError."""
    wallets = [each["address"] for each in desk.pages("/wallets")]
    if len(wallets) != 1:
        raise RefusedError(f"this desk has {len(wallets)} wallets: name one with --wallet")
    return str(wallets[0])


if __name__ == "__main__":
    sys.exit(main())
