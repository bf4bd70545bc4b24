"""Single keys from a terminal, without Return; the terminal is put back as it was, whatever happens."""

from __future__ import annotations

import asyncio
import atexit
import os
import re
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SEQUENCE = re.compile(r"\x1b[\[O][0-9;]*[ -/]*[@-~]")
"""What arrows and function keys send (ECMA-48 5.4)."""


@contextmanager
def keys(pressed: Callable[[str], None], *, wanted: bool = True) -> Iterator[None]:
    """For the time of the context *pressed* is told each key, if that is *wanted* and stdin is a terminal.

    Ctrl-C stays a signal. Arrows and other keys that send more than one character are left out.
    """
    if not wanted or not sys.stdin.isatty():
        yield
        return
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)

    def restore() -> None:
        termios.tcsetattr(number, termios.TCSADRAIN, before)

    def read() -> None:
        for key in _SEQUENCE.sub("", os.read(number, 64).decode("utf-8", "replace")):
            pressed(key)

    # Registered first: an exit between the two leaves nothing to put back, or puts it back.
    atexit.register(restore)
    tty.setcbreak(number)
    loop = asyncio.get_running_loop()
    loop.add_reader(number, read)
    try:
        yield
    finally:
        loop.remove_reader(number)
        restore()
        atexit.unregister(restore)
