"""How tests are spread over processes: folders that share something dear stay together, the longest tests come first.

pytest-xdist's own groups (`--dist loadgroup`, 3.8) do nothing since pytest 9.2, whose node ids cannot be written to.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/cli/", "tests/web/", "tests/web_api/", "tests/store/test_crash.py", "tests/tidy/test_docs_site.py")
"""Each shares a running demo, an import or a built site, which every further process would make again."""

FIRST = (
    "tests/cli/",
    "tests/web/",
    "tests/store/test_crash.py",
    "tests/e2e/test_day.py",
    "tests/sim/test_conservation.py",
    "tests/e2e/test_kill.py",
    "tests/sim/test_oracle_books.py",
    "tests/e2e/test_life_runs.py",
)
"""From the longest on: at the end no process waits for another."""


class Spread(LoadScopeScheduling):
    """One test at a time, and those of TOGETHER all at once."""

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Spread:
    """In the place of what --dist says."""
    config.option.loadscopereorder = False
    return Spread(config, log)  # type: ignore[arg-type]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order stays as it is otherwise, shuffled."""
    items.sort(
        key=lambda item: next((at for at, place in enumerate(FIRST) if item.nodeid.startswith(place)), len(FIRST))
    )
