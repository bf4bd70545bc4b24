"""Documents: files of recorded venue messages, split into single messages with their exact bytes and line numbers.

Nothing is lost: every byte of the payload ends up in some `Message`, valid or not; a message that is not JSON carries
the reason in `broken` instead of raising. Valid files take a fast path (one pass of msgspec, no deep parse); a file
that is invalid as a whole (cut off, NaN in a row, garbage in the middle) is scanned for its elements one by one.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeAlias

import msgspec

SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})
"""Names taken from a directory; others there (notes, `*.source.txt`) are not recordings."""

LINE_SUFFIXES = frozenset({".jsonl", ".ndjson"})
NOT_JSON_LIMIT = 64 * 1024
"""Bytes kept of a file that is not JSON at all: enough to recognise it, too few to fill the store with a video."""

_SAMPLE_LINES = 1000
_BOM = b"\xef\xbb\xbf"
_OPEN, _CLOSE = b"[{", b"]}"
_ARRAY, _OBJECT, _ARRAY_END, _OBJECT_END, _COMMA = b"[{]},"

_BLANK = re.compile(rb"[ \t\r\n]*+")
_GAP = re.compile(rb"[ \t\r\n,]*+")
_KEY = re.compile(rb'[ \t\r\n]*+("(?:[^"\\\n]++|\\.)*+")[ \t\r\n]*+:[ \t\r\n]*+', re.DOTALL)
# A string never spans a raw newline in JSON, so an unclosed quote spoils its own line and not the rest of the file.
_STRING = rb'"(?:[^"\\\n]++|\\.)*+"?+'
_FLAT = re.compile(rb'(?:[^",\[\]{}]++|' + _STRING + rb")*+", re.DOTALL)
_DEEP = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+", re.DOTALL)
_CONSTANT = re.compile(_STRING + rb"|(-?\b(?:NaN|Infinity)\b)", re.DOTALL)

_ANY, _LIST = msgspec.json.Decoder(msgspec.Raw), msgspec.json.Decoder(list[msgspec.Raw])
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_INVALID = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

Span: TypeAlias = tuple[int, int, str]
"""Start and stop offset (bytes) of one element, and why it is broken ("" = not known to be)."""


class NoSuchInputError(FileNotFoundError):
    """A file or directory named as input does not exist. The caller is at fault; the message names the path."""


@dataclass(frozen=True, slots=True)
class Message:
    """One recorded message: a row, an event, a receipt, the logs of one transaction, or a piece that is not JSON."""

    raw: bytes  # exact, without the blanks around it
    path: str
    line: int  # 1-based, where it starts
    broken: str = ""  # why it is not valid JSON; empty when it is


class _Log(msgspec.Struct):
    """What makes an object a chain log: all three fields at its top level."""

    topics: msgspec.Raw
    data: msgspec.Raw
    transactionHash: str  # noqa: N815 - the name on the wire


_LOG = msgspec.json.Decoder(_Log)


def files(paths: Iterable[Path]) -> list[Path]:
    """The files to read, in the order named; a directory gives its recordings at any depth, sorted; no file twice.

    A file named directly is taken whatever its suffix, except `*.source.txt` (the note on where a recording is from).
    Raises NoSuchInputError.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        if path.is_dir():
            inside = (Path(parent, name) for parent, _, names in os.walk(path, onerror=_refuse) for name in names)
            taken = sorted(each for each in inside if each.suffix.lower() in SUFFIXES)
        elif path.exists():
            taken = [path]
        else:
            raise NoSuchInputError(f"no such file or directory: {path} (seen from {Path.cwd()})")
        for each in taken:
            if not each.name.endswith(".source.txt"):
                found.setdefault(each.resolve(), each)
    return list(found.values())


def _refuse(error: OSError) -> None:
    """A folder that cannot be listed is an error, not an empty folder."""
    raise error


def messages(path: Path) -> Iterator[Message]:
    """The messages of the file *path*, in file order (logs of one transaction together, where the first one stood)."""
    with path.open("rb") as file:
        origin = len(_BOM) if file.read(len(_BOM)) == _BOM else 0
        file.seek(origin)
        if path.suffix.lower() in LINE_SUFFIXES:
            first = next((line for line in file if line.strip()), b"")
            file.seek(origin)
            if first and not _why(first):
                yield from _lines(file, str(path))
                return
        data = file.read()
    yield from _whole(data, str(path), named_lines=path.suffix.lower() in LINE_SUFFIXES)


def _lines(file: BinaryIO, path: str) -> Iterator[Message]:
    """JSON lines, one document per line that is not blank, read line by line."""
    for number, line in enumerate(file, 1):
        start, end = _trim(line)
        if start < end:
            yield from _document(line, path, number)


def _whole(data: bytes, path: str, named_lines: bool) -> Iterator[Message]:
    """A file held in memory: one document, or JSON lines under any name, or not JSON."""
    start, end = _trim(data)
    if start == end:
        yield Message(data[:NOT_JSON_LIMIT], path, 1, "the file is empty" if not data else "the file is blank")
        return
    spans = _valid(data, start, end)
    if spans is not None:
        yield from _emit(data, spans, path, 1, True)
    elif _is_lines(data, named_lines):
        yield from _lines(io.BytesIO(data), path)
    elif data[start] in _OPEN:
        yield from _emit(data, _Scan(data, end).documents(start), path, 1, False)
    else:
        line = 1 + data.count(b"\n", 0, start)
        yield Message(data[start : min(end, start + NOT_JSON_LIMIT)], path, line, f"not JSON: {_why(data)}")


def _document(data: bytes, path: str, line: int) -> Iterator[Message]:
    """One document that stands alone, here a JSON line: its messages, or what can be saved of them."""
    start, end = _trim(data)
    spans = _valid(data, start, end)
    return _emit(data, _Scan(data, end).documents(start) if spans is None else spans, path, line, spans is not None)


def _is_lines(data: bytes, named: bool) -> bool:
    """Whether *data*, which is not one valid document, is JSON lines: some lines may be broken, the first one too.

    In a document printed over several lines each line that is valid alone (the last scalar of an array) has an
    opening line that is not, so valid lines are never the majority there.
    """
    lines = list(islice((line.strip() for line in io.BytesIO(data) if line.strip()), _SAMPLE_LINES))
    if len(lines) < 2:
        return False
    valid = [not _why(line) for line in lines]
    return (
        (valid[0] and lines[0][0] in _OPEN)
        or valid.count(True) * 2 > len(valid)
        or (named and lines[0] not in (b"[", b"{"))
    )


def _emit(data: bytes, spans: Iterable[Span], path: str, line: int, trusted: bool) -> Iterator[Message]:
    """Messages of *spans* (in file order); *line* is the line of offset 0, *trusted* spares the check of the syntax."""
    if b'"transactionHash"' in data and b'"topics"' in data:
        yield from _emit_logs(data, spans, path, line, trusted)
        return
    at = 0
    for start, stop, reason in spans:
        line += data.count(b"\n", at, start)
        at = start
        raw = data[start:stop]
        yield Message(raw, path, line, reason or (_not_utf8(raw) if trusted else _why(raw)))


def _emit_logs(data: bytes, spans: Iterable[Span], path: str, line: int, trusted: bool) -> Iterator[Message]:
    """Like `_emit`, with the chain logs of one transaction joined into one array: they mean something only together."""
    listed: dict[object, tuple[int, str, list[tuple[int, int]]]] = {}
    at, whole = 0, _trim(data)
    for start, stop, reason in spans:
        line += data.count(b"\n", at, start)
        at = start
        raw = data[start:stop]
        reason = reason or (_not_utf8(raw) if trusted else _why(raw))
        hash_ = "" if reason or (start, stop) == whole else _transaction(raw)
        listed.setdefault(hash_ or start, (line, reason, []))[2].append((start, stop))
    for key, (first, reason, parts) in listed.items():
        raw = b",".join(data[start:stop] for start, stop in parts)
        yield Message(b"[" + raw + b"]" if isinstance(key, str) else raw, path, first, reason)


def _transaction(raw: bytes) -> str:
    """The transaction hash when *raw* is a chain log, else empty."""
    with suppress(*_INVALID):
        return _LOG.decode(raw).transactionHash if b'"topics"' in raw else ""
    return ""


def _payload(fields: Iterable[tuple[str, bool]]) -> frozenset[str]:
    """Names of the fields (name, whether it is a list) of an object whose elements are the messages.

    Empty when the object is itself the message, as a receipt (`logs`) or a chain log (`data` is text) is.
    """
    names = dict(fields)
    lists = frozenset(name for name, is_list in names.items() if is_list)
    if "logs" in names:
        return frozenset()
    return lists & {"data", "rows"} or (lists & {"result"} if "jsonrpc" in names else frozenset())


def _valid(data: bytes, start: int, end: int) -> Iterator[Span] | None:
    """The messages of the document data[start:end], or None when it is not valid JSON."""
    try:
        if data[start] == _ARRAY:
            return _walk_list(data, start + 1, _LIST.decode(data))
        if data[start] == _OBJECT:
            return _walk_object(data, start, end, _FIELDS.decode(data))
        _ANY.decode(data)
        return iter([(start, end, "")])
    except _INVALID:
        return None


def _walk_list(data: bytes, pos: int, raws: list[msgspec.Raw]) -> Iterator[Span]:
    """Offsets of the elements of a valid array whose bracket ends at *pos*: msgspec gives lengths, not places."""
    gap = _GAP.match
    for raw in raws:
        start = found.end() if (found := gap(data, pos)) else pos
        pos = start + memoryview(raw).nbytes
        yield start, pos, ""


def _walk_object(data: bytes, start: int, end: int, fields: dict[str, msgspec.Raw]) -> Iterator[Span]:
    """The messages of a valid object: the elements of its payload lists, or itself."""
    payload = _payload((name, bytes(memoryview(raw)[:1]) == b"[") for name, raw in fields.items())
    if not payload:
        return iter([(start, end, "")])
    lists: list[Iterator[Span]] = []
    pos = start + 1
    for name, raw in fields.items():
        key = _KEY.match(data, gap.end() if (gap := _GAP.match(data, pos)) else pos)
        if key is None or msgspec.json.decode(key[1]) != name:
            return _Scan(data, end).documents(start)  # a key is there twice: the scan keeps both lists
        if name in payload:
            lists.append(_walk_list(data, key.end() + 1, _LIST.decode(raw)))
        pos = key.end() + memoryview(raw).nbytes
    if data[_skip(data, pos, end)] != _OBJECT_END:
        return _Scan(data, end).documents(start)
    return (span for each in lists for span in each)


class _Scan:
    """A scan of a document that is not valid: brackets, strings and commas only, so it goes on behind an error."""

    def __init__(self, data: bytes, end: int) -> None:
        """*end* is the offset behind the last byte that is not blank: where a truncated file was cut."""
        self.data, self.end, self.at = data, end, 0

    def documents(self, pos: int) -> Iterator[Span]:
        """Messages of the documents that follow each other from *pos* on; what starts no document is one piece."""
        while pos < self.end:
            if self.data[pos] == _ARRAY:
                yield from self.elements(pos + 1, self.end, _ARRAY_END)
            elif self.data[pos] == _OBJECT:
                yield from self.object(pos)
            else:
                yield pos, self.end, ""
                return
            pos = _skip(self.data, self.at, self.end)

    def object(self, pos: int) -> Iterator[Span]:
        """Messages of the object at *pos*: elements of its payload lists, fields that are not JSON, or all of it."""
        spans = list(self.elements(pos + 1, self.end, _OBJECT_END))
        after = self.at
        keys = [self._key(start, stop) for start, stop, _ in spans]
        payload = _payload((name, self.data[value : value + 1] == b"[") for name, value in keys)
        if not payload:
            cut = "truncated: the file ends inside an object" if spans and spans[-1][2] else ""
            yield pos, _rtrim(self.data, pos, after), cut
            return
        for (name, value), (start, stop, reason) in zip(keys, spans, strict=True):
            if name in payload and self.data[value : value + 1] == b"[":
                yield from self.elements(value + 1, stop, _ARRAY_END)
                rest = _skip(self.data, self.at, stop)
                if rest < stop:
                    yield rest, stop, "not JSON: text behind the end of a list"
            elif reason or _why(b"{" + self.data[start:stop] + b"}"):
                yield start, stop, reason or "a field of the page is not valid JSON"
        self.at = after

    def _key(self, start: int, stop: int) -> tuple[str, int]:
        """Name of the field at *start* and the offset of its value; empty when it is not a field."""
        if (key := _KEY.match(self.data, start, stop)) is None:
            return "", stop
        with suppress(*_INVALID):
            return msgspec.json.decode(key[1], type=str), key.end()
        return "", key.end()

    def elements(self, pos: int, end: int, closer: int) -> Iterator[Span]:
        """Elements from *pos* on up to the *closer* byte, or to *end* when it is missing; `at` is then behind it.

        The last one has a reason when the text ends before the closer, and is empty when it ends between elements.
        """
        first = True
        while (start := _skip(self.data, pos, end)) < end:
            stop, depth = self._stop(start, end, closer)
            last = _rtrim(self.data, start, stop)
            if stop == end:
                raw = self.data[start:last]
                whole = not depth and raw[-1] in b'"]}'
                if not whole or _why(b"{" + raw + b"}" if closer == _OBJECT_END else raw):
                    self.at = end
                    yield start, last, self._cut(start, end, closer)
                    return
                yield start, last, ""
                break
            if start < stop:
                yield start, last, ""
            elif self.data[stop] == _COMMA or not first:
                at = stop if first else pos - 1
                yield at, at + 1, "malformed JSON: a comma without an element"
            pos, first = stop + 1, False
            if self.data[stop] == closer:
                self.at = pos
                return
        self.at = end
        yield end, end, self._cut(end, end, closer)

    def _stop(self, pos: int, end: int, closer: int) -> tuple[int, int]:
        """Where the element at *pos* ends: at its comma, the *closer* or *end*; and how many brackets are open there.

        Kinds of brackets are not told apart, so a mixed-up pair spoils one element.
        """
        data, depth = self.data, 0
        while True:
            pos = found.end() if (found := (_DEEP if depth else _FLAT).match(data, pos, end)) else pos
            if pos >= end:
                return end, depth
            byte = data[pos]
            if not depth and byte in (_COMMA, closer):
                return pos, 0
            if byte in _OPEN:
                depth += 1
            elif byte in _CLOSE and depth:
                depth -= 1
            pos += 1

    def _cut(self, start: int, end: int, closer: int) -> str:
        """The reason given to the element at *start* that the end of the text cuts off."""
        if end < self.end:
            return "malformed JSON: a list is not closed"
        inside = {b"{": "an object", b"[": "an array", b'"': "a string"}.get(self.data[start : min(end, start + 1)])
        outside = "an array" if closer == _ARRAY_END else "an object"
        return f"truncated: the file ends inside {inside if inside and closer == _ARRAY_END else outside}"


def _why(raw: bytes) -> str:
    """Why *raw* is not one valid JSON document; empty when it is."""
    try:
        _ANY.decode(raw)
    except RecursionError:
        return "nested too deeply"
    except msgspec.MsgspecError as error:
        constant = next((found[1] for found in _CONSTANT.finditer(raw) if found[1]), b"")
        text = f"{constant.decode()} is not JSON" if constant else f"malformed JSON: {error}"
        text = text.replace("JSON: JSON is malformed:", "JSON:")
        return _not_utf8(raw) or text.replace("Input data was truncated", "something in it is not closed")
    return _not_utf8(raw)


def _not_utf8(raw: bytes) -> str:
    """Where *raw* is not UTF-8, which JSON must be; msgspec does not look at it unless it builds the text."""
    try:
        if not raw.isascii():
            raw.decode()
    except UnicodeDecodeError as error:
        return f"not UTF-8 text (byte {error.start})"
    return ""


def _skip(data: bytes, pos: int, end: int) -> int:
    """Offset of the first byte from *pos* on that is not blank, at most *end*."""
    return found.end() if (found := _BLANK.match(data, pos, end)) else pos


def _rtrim(data: bytes, start: int, stop: int) -> int:
    """Offset behind the last byte of data[start:stop] that is not blank."""
    while stop > start and data[stop - 1] in b" \t\r\n":
        stop -= 1
    return stop


def _trim(data: bytes) -> tuple[int, int]:
    """Offsets of *data* without the blanks around it."""
    start = _skip(data, 0, len(data))
    return start, _rtrim(data, start, len(data))
