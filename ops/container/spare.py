"""Names the installed distributions that tieout does not need to run, one a line: what tests and documentation use.

To be run by the Python of the environment that is looked at; it reads what every distribution says it requires.
"""

from __future__ import annotations

import sys
from importlib.metadata import distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

KEPT = ("tieout", "pip", "tzdata")
"""What is wanted for its own sake: pip takes the others away, and quiet hours go by time zones."""


def spare() -> list[str]:
    """The distributions that nothing which is kept requires, in alphabetical order."""
    installed = {canonicalize_name(each.name): each for each in distributions()}
    needed: set[tuple[str, str]] = set()
    waiting = [(canonicalize_name(name), "") for name in KEPT]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in needed or name not in installed:
            continue
        needed.add((name, extra))
        for line in installed[name].requires or ():
            required = Requirement(line)
            if required.marker is None or required.marker.evaluate({"extra": extra}):
                other = canonicalize_name(required.name)
                waiting += [(other, ""), *((other, wanted) for wanted in required.extras)]
    return sorted(installed.keys() - {name for name, _ in needed})


if __name__ == "__main__":
    sys.stdout.write("".join(f"{name}\n" for name in spare()))
