"""Libraries below us that log what they send: their loggers are raised above the levels where secrets would show.

`hpack` logs every request header at DEBUG, `websockets` every frame (the user channel's first one holds the API
secret), `httpx` every address at INFO (those of rented nodes hold their keys).
"""

from __future__ import annotations

import logging

_TALKATIVE = ("httpx", "httpcore", "hpack", "h2", "websockets.client")


def hush() -> None:
    """Let the libraries log warnings and errors only."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
