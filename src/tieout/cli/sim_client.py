"""Talking to a running simulator's control API."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import Coroutine
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

import typer

PORT = 8971
PATIENCE_S = 10.0

_URL = re.compile(r"https?://[^\s/]+(/.*)?")


def _url(value: str) -> str:
    if not _URL.fullmatch(value):
        raise typer.BadParameter(f"expected an address such as http://127.0.0.1:{PORT}, was {value!r}")
    return value.rstrip("/")


Url = Annotated[
    str,
    typer.Option(
        "--url", help="Where the simulator answers, as `tieout sim serve` prints it.", envvar="TIEOUT_SIM_URL",
        callback=_url,
    ),
]  # fmt: skip
DEFAULT_URL = f"http://127.0.0.1:{PORT}"


class Client:
    """Asks the control API, one request after the other. Errors are ValueErrors that say what to do."""

    def __init__(self, url: str) -> None:
        self._url = url

    def get(self, path: str, **query: str) -> Any:
        """A reading request."""
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """A request that changes something."""
        return self._ask("POST", path, json.dumps(body))

    def _ask(self, method: str, path: str, body: str | None = None) -> Any:
        parts = urlsplit(self._url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.netloc, timeout=PATIENCE_S)
        try:
            connection.request(method, f"{parts.path}/control{path}", body)
            answer = connection.getresponse()
            value = json.loads(answer.read())
        except (OSError, HTTPException):
            raise ValueError(
                f"no simulator answers at {self._url}: start one with `tieout sim serve`, or name another with --url"
            ) from None
        except ValueError:
            raise ValueError(f"{self._url} is no simulator of tieout: its answer is no JSON; check --url") from None
        finally:
            connection.close()
        if answer.status == 200:
            return value
        message = value.get("error") if isinstance(value, dict) else None
        raise ValueError(str(message or f"{self._url} answered with status {answer.status}; check --url"))


async def until_interrupted(work: Coroutine[Any, Any, None]) -> bool:
    """Do *work* until it ends, or until Ctrl-C or SIGTERM, which is a good end, too. Whether it was interrupted."""
    task = asyncio.create_task(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task
    return task.cancelled()
