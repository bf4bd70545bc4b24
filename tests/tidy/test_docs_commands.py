"""Every command and option that the documentation, the README and the words of issues name is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from tieout.app.issue_words import GUIDANCE
from tieout.cli.main import app_of

ROOT = Path(__file__).parents[2]
FORMAT = "certificate"
"""The name of a format, `tieout certificate`."""


def test_every_command_that_is_named_is_there_with_its_options() -> None:
    root: Any = typer.main.get_command(app_of([]))
    wrong, seen = [], set()
    for place, line in (*named(), *words()):
        typed = re.sub(r'"[^"]*"', "WORDS", line).partition("#")[0].split()
        command, path = root, ["tieout"]
        while typed and typed[0] in getattr(command, "commands", {}):
            path.append(typed.pop(0))
            command = command.commands[path[-1]]
        inner = getattr(command, "commands", {})
        if inner and typed and typed[0] != FORMAT and re.fullmatch(r"[a-z][a-z-]+", typed[0]) and "|" not in line:
            wrong.append(f"{place}: `tieout {line}`: {' '.join(path)} has no {typed[0]}")
        options = {"--help", "-h", *(name for each in command.params for name in (*each.opts, *each.secondary_opts))}
        given = [word.rstrip("`,.;:)") for word in typed if word.startswith("--")]
        if not inner:
            wrong += [
                f"{place}: `tieout {line}` has no {word}" for word in given if word.partition("=")[0] not in options
            ]
        seen.add(" ".join(path))
    assert wrong == []
    assert {"tieout adjust cost", "tieout sim fault on", "tieout db rebuild", "tieout desk"} <= seen


def named() -> Iterator[tuple[str, str]]:
    """(file, what follows `tieout`), of code in lines and in blocks."""
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        text = path.read_text(encoding="utf-8")
        blocks = re.findall(r"^ *```(?:sh)?\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
        lines = [line for block in blocks for line in block.splitlines()]
        lines += [
            " ".join(each.split()) for each in re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        ]
        for line in lines:
            found = re.match(r"\s*(?:\w+=\S+ )*tieout ([a-z].*)", line)
            if found:
                yield path.name, re.split(r" {3,}", found[1])[0]


def words() -> Iterator[tuple[str, str]]:
    for kind, guidance in GUIDANCE.items():
        for sentence in guidance:
            yield from ((kind, found) for found in re.findall(r"`tieout ([^`]+)`", sentence))
