"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args

import typer

from tieout.cli.main import COMMANDS, app_of

NOT_TOLD = frozenset(("help", "install_completion", "show_completion"))


def made(_page: str) -> str:
    """Every command with its help, usage and options, in the order of `tieout --help`."""
    root: Any = typer.main.get_command(app_of([]))
    lines: list[str] = []
    for name in COMMANDS:
        lines += _command(root.commands[name], f"tieout {name}", 2)
    return "\n".join(lines)


def _command(command: Any, typed: str, level: int) -> Iterator[str]:
    """One command; a group tells of those in it."""
    inner = getattr(command, "commands", None)
    yield f"{'#' * level} {typed} {{ #{typed.removeprefix('tieout ').replace(' ', '-')} }}"
    yield ""
    yield _sentences(command.help or "")
    yield ""
    if inner:
        for name, each in inner.items():
            if not each.hidden:
                yield from _command(each, f"{typed} {name}", level + 1)
        return
    shown = [each for each in command.params if not each.hidden and each.name not in NOT_TOLD]
    arguments = [each for each in shown if each.param_type_name == "argument"]
    options = [each for each in shown if each.param_type_name == "option"]
    yield "```text"
    yield " ".join(
        [typed, *map(_argument, arguments), *(_usage(each) for each in options if each.required), "[OPTIONS]"]
    )
    yield "```"
    yield ""
    if shown:
        yield "| | |"
        yield "|---|---|"
        yield from (f"| `{_argument(each)}` | {_words(each)} |" for each in arguments)
        yield from (f"| `{_usage(each)}` | {_words(each)} |" for each in options)
        yield ""


def _sentences(text: str) -> str:
    """The help as paragraphs, with what stands for an argument left as it is."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n")).replace("<", "&lt;")


def _argument(param: Any) -> str:
    name = param.metavar or str(param.name).upper()
    return name if param.required or name.startswith("[") else f"[{name}]"


def _usage(param: Any) -> str:
    """An option with what follows it."""
    names = ", ".join((*param.opts, *param.secondary_opts))
    return names if param.is_flag else f"{names} {param.metavar or _value(param)}"


def _value(param: Any) -> str:
    kind = param.type_descriptor.annotation
    kind = next(iter(get_args(kind)), kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "\\|".join(each.value for each in kind)
    return {"int": "N", "float": "N", "Path": "PATH"}.get(getattr(kind, "__name__", ""), "TEXT")


def _words(param: Any) -> str:
    """What its help says, and what it is when it is not given."""
    words = [" ".join((param.help or "").split())]
    if param.required:
        words.append("**Required.**")
    if param.multiple and "repeat" not in words[0]:
        words.append("May be repeated.")
    is_flag = getattr(param, "is_flag", False)
    if not param.required and not is_flag and param.default not in (None, "", ()):
        words.append(f"Default: `{_default(param.default)}`.")
    if param.min is not None or param.max is not None:
        words.append(_range(param.min, param.max))
    if param.envvar:
        words.append(f"Also taken from `{param.envvar}`.")
    return " ".join(word for word in words if word).replace("|", "\\|")


def _default(value: object) -> str:
    return str(value.value) if isinstance(value, Enum) else str(value)


def _range(least: float | None, most: float | None) -> str:
    if most is None:
        return f"At least {least}."
    return f"At most {most}." if least is None else f"From {least} to {most}."
