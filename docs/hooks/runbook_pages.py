"""What the runbook takes from the words that the command line and the desk show (`app/issue_words.py`)."""

from __future__ import annotations

from tieout.app.issue_words import GUIDANCE
from tieout.store.runs import IssueType


def guidance(page: str) -> str:
    """The short answer of the page's own type of issue."""
    words = GUIDANCE[IssueType(page.rpartition("/")[2])]
    parts = (
        ("What happened", words.happened),
        ("How we know", words.known_by),
        ("What to do", words.to_do),
        ("When it is over", words.clears),
    )
    return "\n\n".join(f"**{name}.** {text}" for name, text in parts)


def table(_page: str) -> str:
    """Every type with the sentence of what happened."""
    rows = [f"| [{kind.value}]({kind.value}.md) | {GUIDANCE[kind].happened} |" for kind in IssueType]
    return "\n".join(("| issue | what happened |", "|---|---|", *rows))
