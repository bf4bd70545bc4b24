"""Splitting files of recorded messages: every shape of file, valid and broken, with exact bytes and lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tieout.intake.documents import NOT_JSON_LIMIT, Message, NoSuchInputError, files, messages

LOG = b'{"transactionHash":"%s","topics":["0x01"],"data":"0x","logIndex":%d}'


def split(folder: Path, content: bytes, name: str = "file.json") -> list[tuple[bytes, int, str]]:
    """(raw, line, broken) of every message of a file with *content*."""
    path = folder / name
    path.write_bytes(content)
    found = list(messages(path))
    assert all(m.path == str(path) for m in found)
    return [(m.raw, m.line, m.broken) for m in found]


VALID: list[tuple[str, bytes, list[tuple[bytes, int]]]] = [
    ("array", b'[{"a":1},\n {"b" : 2}\n,3,"x"]\n', [(b'{"a":1}', 1), (b'{"b" : 2}', 2), (b"3", 3), (b'"x"', 3)]),
    ("empty array", b"[]", []),
    ("data page", b'{"data":[1,\n2],"next_cursor":"LTE=","limit":2,"count":2}', [(b"1", 1), (b"2", 2)]),
    ("rows page", b'{\n"complete":true,\n"rows" : [\n {"a":[1]} ]}', [(b'{"a":[1]}', 4)]),
    ("escaped name", b'{"x\\"":1,"d\\u0061ta":[5]}', [(b"5", 1)]),
    ("empty page", b'{"data":[],"next_cursor":""}', []),
    ("name there twice", b'{"data":[1],\n"data":[2]}', [(b"1", 1), (b"2", 2)]),
    ("one log is no page", b'{"data":"0x12","topics":[]}', [(b'{"data":"0x12","topics":[]}', 1)]),
    ("rpc list", b'{"jsonrpc":"2.0","id":1,"result":[{"a":1},\n{"b":2}]}', [(b'{"a":1}', 1), (b'{"b":2}', 2)]),
    ("rpc object", b'{"jsonrpc":"2.0","id":1,"result":{"a":1}}', [(b'{"jsonrpc":"2.0","id":1,"result":{"a":1}}', 1)]),
    ("result alone", b'{"result":{"a":[1]}}', [(b'{"result":{"a":[1]}}', 1)]),
    (
        "receipt",
        b'{"transactionHash":"0x","logs":[1],"data":[2]}',
        [(b'{"transactionHash":"0x","logs":[1],"data":[2]}', 1)],
    ),
    ("receipts", b'[{"logs":[1]},{"logs":[2]}]', [(b'{"logs":[1]}', 1), (b'{"logs":[2]}', 1)]),
    ("object", b'\r\n {"a":1}\r\n', [(b'{"a":1}', 2)]),
    ("scalar", b" 12 ", [(b"12", 1)]),
    ("bom", b"\xef\xbb\xbf[1,\n2]", [(b"1", 1), (b"2", 2)]),
    ("crlf", b"[1,\r\n2\r\n]", [(b"1", 1), (b"2", 2)]),
    ("lines", b'{"a":1}\n\n{"b":2}\n', [(b'{"a":1}', 1), (b'{"b":2}', 3)]),
    ("lines crlf bom", b'\xef\xbb\xbf{"a":1}\r\n{"b":2}\r\n', [(b'{"a":1}', 1), (b'{"b":2}', 2)]),
    ("scalar lines", b"1\nnull\n", [(b"1", 1), (b"null", 2)]),
    ("pages on lines", b'{"data":[1,2]}\n[3]\n{"rows":[]}\n4', [(b"1", 1), (b"2", 1), (b"3", 2), (b"4", 4)]),
]


@pytest.mark.parametrize(("content", "expected"), [v[1:] for v in VALID], ids=[v[0] for v in VALID])
@pytest.mark.parametrize("name", ["file.json", "file.jsonl", "FILE.NDJSON"])
def test_valid_files(tmp_path: Path, content: bytes, expected: list[tuple[bytes, int]], name: str) -> None:
    """The shape decides, the name does not."""
    assert split(tmp_path, content, name) == [(raw, line, "") for raw, line in expected]


BROKEN: list[tuple[str, bytes, list[tuple[bytes, int, str]]]] = [
    ("empty", b"", [(b"", 1, "the file is empty")]),
    ("blank", b" \n", [(b" \n", 1, "the file is blank")]),
    ("text", b"\nhello", [(b"hello", 2, "not JSON: malformed JSON: invalid character (byte 1)")]),
    ("binary", b"\xff\xfe{\x00", [(b"\xff\xfe{\x00", 1, "not JSON: not UTF-8 text (byte 0)")]),
    (
        "cut in object",
        b'[{"a":1},\n{"b":',
        [(b'{"a":1}', 1, ""), (b'{"b":', 2, "truncated: the file ends inside an object")],
    ),
    ("cut in number", b"[1,\n23", [(b"1", 1, ""), (b"23", 2, "truncated: the file ends inside an array")]),
    ("cut in string", b'["a","b', [(b'"a"', 1, ""), (b'"b', 1, "truncated: the file ends inside a string")]),
    ("cut between", b'[{"a":1}\n', [(b'{"a":1}', 1, ""), (b"", 1, "truncated: the file ends inside an array")]),
    ("cut behind comma", b"[{},", [(b"{}", 1, ""), (b"", 1, "truncated: the file ends inside an array")]),
    ("cut bracket", b"[", [(b"", 1, "truncated: the file ends inside an array")]),
    (
        "cut page",
        b'{"limit":2,\n"data":[{"a":1},\n{"b',
        [(b'{"a":1}', 2, ""), (b'{"b', 3, "truncated: the file ends inside an object")],
    ),
    (
        "cut behind list",
        b'{"data":[{"a":1}\n],"nex',
        [(b'{"a":1}', 1, ""), (b'"nex', 2, "truncated: the file ends inside an object")],
    ),
    ("cut before list", b'{"limit":2,"da', [(b'{"limit":2,"da', 1, "truncated: the file ends inside an object")]),
    (
        "nan",
        b'[{"a":"NaN"},\n{"a":NaN},\n{"a":2}]',
        [(b'{"a":"NaN"}', 1, ""), (b'{"a":NaN}', 2, "NaN is not JSON"), (b'{"a":2}', 3, "")],
    ),
    ("infinity", b'{"rows":[-Infinity,1]}', [(b"-Infinity", 1, "-Infinity is not JSON"), (b"1", 1, "")]),
    (
        "nan beside rows",
        b'{"count":NaN,"rows":[1]}',
        [(b'"count":NaN', 1, "a field of the page is not valid JSON"), (b"1", 1, "")],
    ),
    (
        "garbage",
        b'[{"a":1} x,\n}{,{"b":[}]},4]',
        [
            (b'{"a":1} x', 1, "malformed JSON: trailing characters (byte 9)"),
            (b'}{,{"b":[}]}', 2, "malformed JSON: invalid character (byte 0)"),
            (b"4", 2, ""),
        ],
    ),
    (
        "wrong bracket",
        b'[{"a":[1}},{"b":2}]',
        [(b'{"a":[1}}', 1, "malformed JSON: expected ',' or ']' (byte 7)"), (b'{"b":2}', 1, "")],
    ),
    ("open string", b'[{"a":"x},\n{"b":2}', [(b'{"a":"x},\n{"b":2}', 1, "truncated: the file ends inside an object")]),
    (
        "commas",
        b"[,1,,2,]",
        [
            (b",", 1, "malformed JSON: a comma without an element"),
            (b"1", 1, ""),
            (b",", 1, "malformed JSON: a comma without an element"),
            (b"2", 1, ""),
            (b",", 1, "malformed JSON: a comma without an element"),
        ],
    ),
    ("not utf-8", b'[{"a":"\xff"},\n1]', [(b'{"a":"\xff"}', 1, "not UTF-8 text (byte 6)"), (b"1", 2, "")]),
    (
        "nul row",
        b"[1,\n\x00\x00,2]",
        [(b"1", 1, ""), (b"\x00\x00", 2, "malformed JSON: invalid character (byte 0)"), (b"2", 2, "")],
    ),
    ("nul tail", b"[1]\n\x00\x00", [(b"1", 1, ""), (b"\x00\x00", 2, "malformed JSON: invalid character (byte 0)")]),
    ("second document", b'{\n"a":1}\n{\n"b":2}', [(b'{\n"a":1}', 1, ""), (b'{\n"b":2}', 3, "")]),
    (
        "bad line",
        b'{"a":1}\n{"b":}\n{"c":3}\n',
        [(b'{"a":1}', 1, ""), (b'{"b":}', 2, "malformed JSON: invalid character (byte 5)"), (b'{"c":3}', 3, "")],
    ),
    (
        "bad first line",
        b'{"a":\n{"b":2}\n{"c":3}\n',
        [(b'{"a":', 1, "truncated: the file ends inside an object"), (b'{"b":2}', 2, ""), (b'{"c":3}', 3, "")],
    ),
    (
        "text line",
        b'{"a":1}\noops\n{"c":3}',
        [(b'{"a":1}', 1, ""), (b"oops", 2, "malformed JSON: invalid character (byte 0)"), (b'{"c":3}', 3, "")],
    ),
    ("cut line", b'{"a":1}\n{"b":', [(b'{"a":1}', 1, ""), (b'{"b":', 2, "truncated: the file ends inside an object")]),
    ("page line", b'{"data":[1,NaN]}\n[2]', [(b"1", 1, ""), (b"NaN", 1, "NaN is not JSON"), (b"2", 2, "")]),
    (
        "glued lines",
        b'{"a":1}{"b":2}\n{"c":3}\n{"d":4}',
        [(b'{"a":1}', 1, ""), (b'{"b":2}', 1, ""), (b'{"c":3}', 2, ""), (b'{"d":4}', 3, "")],
    ),
]


@pytest.mark.parametrize(("content", "expected"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_broken_files(tmp_path: Path, content: bytes, expected: list[tuple[bytes, int, str]]) -> None:
    """What is good is kept, what is not comes out with its bytes, its line and the reason."""
    assert split(tmp_path, content) == expected


def test_one_broken_line_in_a_named_lines_file(tmp_path: Path) -> None:
    """The name says lines where the majority of the lines does not."""
    assert [(line, bool(broken)) for _, line, broken in split(tmp_path, b'{"a"\n{"b":2}\n{"c"', "f.ndjson")] == [
        (1, True),
        (2, False),
        (3, True),
    ]


def test_not_json_keeps_the_first_64_kib(tmp_path: Path) -> None:
    """A big file that is no recording is recognised, not copied."""
    [(raw, line, broken)] = split(tmp_path, b"x" * 1_000_000)
    assert (len(raw), line, broken[:10]) == (NOT_JSON_LIMIT, 1, "not JSON: ")


def test_deep_nesting_is_no_crash(tmp_path: Path) -> None:
    """Brackets beyond any recursion limit: broken, complete."""
    deep = b"[" * 100_000 + b"]" * 100_000
    assert split(tmp_path, b"[1," + deep + b"]") == [(b"1", 1, ""), (deep, 1, "nested too deeply")]


@pytest.mark.parametrize("template", [b"[%s]", b'{"data":[%s],"count":5}', b'{"jsonrpc":"2.0","id":1,"result":[%s]}'])
@pytest.mark.parametrize("valid", [True, False])
def test_logs_of_one_transaction_stay_together(tmp_path: Path, template: bytes, valid: bool) -> None:
    """First-seen order, contiguous or not; what is no log stays alone; a receipt is no log."""
    receipt = b'{"transactionHash":"0xa","logs":[{"topics":[],"data":"0x","transactionHash":"0xa"}]}'
    parts = [LOG % (b"0xa", 0), LOG % (b"0xb", 1), LOG % (b"0xa", 2), receipt, LOG % (b"0xb", 3)]
    parts += [] if valid else [b"NaN"]
    assert split(tmp_path, template % b",\n".join(parts)) == [
        (b"[" + parts[0] + b"," + parts[2] + b"]", 1, ""),
        (b"[" + parts[1] + b"," + parts[4] + b"]", 2, ""),
        (receipt, 4, ""),
    ] + ([] if valid else [(b"NaN", 6, "NaN is not JSON")])


def test_files_expands_sorts_and_names_what_is_missing(tmp_path: Path) -> None:
    """Recordings only, each once; a file named directly is taken; a source note never is."""
    for name in ("b/z.json", "b/a.jsonl", "a.NDJSON", "notes.txt", "b/a.source.txt", "b/c.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = files([tmp_path, tmp_path / "notes.txt", tmp_path / "b" / "a.source.txt", tmp_path / "b"])
    assert [str(p.relative_to(tmp_path)) for p in found] == ["a.NDJSON", "b/a.jsonl", "b/z.json", "notes.txt"]
    with pytest.raises(NoSuchInputError, match=r"no such file or directory: .*gone\.json"):
        files([tmp_path / "gone.json"])
    with pytest.raises(FileNotFoundError):
        list(messages(tmp_path / "gone.json"))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.lists(st.dictionaries(st.text(min_size=1, max_size=3).map("k".__add__), JSON, max_size=4), max_size=6)
STYLE = st.fixed_dictionaries({"indent": st.sampled_from([None, 0, 1, 4, "\t"]), "ensure_ascii": st.booleans()})
RELAXED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def dumped(value: object, style: dict[str, Any]) -> bytes:
    """The JSON text of *value* in a *style* of indentation and escaping."""
    return json.dumps(value, **style).encode()


def placed(content: bytes, found: list[tuple[bytes, int, str]]) -> bool:
    """Whether each raw is in *content* on its line, in order."""
    at = 0
    for raw, line, _ in found:
        starts = (i for i in range(at, len(content)) if content.startswith(raw, i))
        at = next(i for i in starts if content.count(b"\n", 0, i) + 1 == line)
    return True


@RELAXED
@given(values=st.lists(JSON, max_size=6), style=STYLE, shape=st.sampled_from(["array", "data", "rows", "rpc"]))
def test_any_document_splits_into_its_values(
    tmp_path: Path, values: list[object], style: dict[str, Any], shape: str
) -> None:
    """Array, pages and RPC answers under any indentation."""
    documents: dict[str, object] = {
        "array": values,
        "data": {"limit": [1], "data": values, "next": {"data": [0]}},
        "rows": {"rows": values, "pagination": None},
        "rpc": {"jsonrpc": "2.0", "id": 1, "result": values},
    }
    content = dumped(documents[shape], style)
    found = split(tmp_path, content)
    assert [json.loads(raw) for raw, _, _ in found] == values
    assert not any(broken for _, _, broken in found)
    assert placed(content, found)


@RELAXED
@given(
    values=OBJECTS.filter(bool),
    ending=st.sampled_from([b"\n", b"\r\n", b"\n\n"]),
    name=st.sampled_from(["a.json", "a.jsonl"]),
)
def test_any_json_lines_split_into_their_values(tmp_path: Path, values: list[object], ending: bytes, name: str) -> None:
    """One message per line, on its line."""
    found = split(tmp_path, ending.join(dumped(v, {}) for v in values), name)
    step = ending.count(b"\n")
    assert [(json.loads(raw), line, broken) for raw, line, broken in found] == [
        (value, 1 + index * step, "") for index, value in enumerate(values)
    ]


@RELAXED
@given(data=st.data(), values=st.lists(JSON, max_size=5), style=STYLE, page=st.booleans())
def test_a_cut_leaves_a_prefix_and_at_most_one_tail(
    tmp_path: Path, data: st.DataObject, values: list[object], style: dict[str, Any], page: bool
) -> None:
    """Cut at any byte: the elements before it are intact and the cut is never silent."""
    content = dumped({"limit": 2, "rows": values, "next": "x"} if page else values, style)
    cut = data.draw(st.integers(0, len(content) - 1))
    found = split(tmp_path, content[:cut])
    assert [json.loads(raw) for raw, _, broken in found if not broken] == values[: len(found) - 1]
    assert [bool(broken) for _, _, broken in found] == [False] * (len(found) - 1) + [True]
    assert placed(content, found)


@RELAXED
@given(data=st.data(), values=OBJECTS.filter(bool))
def test_a_cut_in_json_lines(tmp_path: Path, data: st.DataObject, values: list[object]) -> None:
    """The whole lines are intact, the last one is broken or gone."""
    content = b"".join(dumped(v, {}) + b"\n" for v in values)
    found = split(tmp_path, content[: data.draw(st.integers(1, len(content)))], "a.jsonl")
    good = [json.loads(raw) for raw, _, broken in found if not broken]
    assert good == values[: len(good)]
    assert len(found) - len(good) <= 1


@RELAXED
@given(values=st.lists(JSON, max_size=4), noise=st.binary(max_size=6), at=st.integers(0, 200))
def test_noise_loses_no_byte_of_the_payload(tmp_path: Path, values: list[object], noise: bytes, at: int) -> None:
    """Whatever is written into an array, its bytes other than blanks and commas come out again, in order."""
    content = dumped(values, {})
    at = min(at, len(content))
    content = content[:at] + noise + content[at:]
    if content.strip(b" \t\r\n").startswith(b"["):
        drop = bytes.maketrans(b"", b"")
        out = b"".join(raw for raw, _, _ in split(tmp_path, content)).translate(drop, b" \t\r\n,[]")
        assert out == content.translate(drop, b" \t\r\n,[]")


@pytest.mark.parametrize(
    ("head", "row", "tail", "broken"),
    [
        (b"[", b'{"id":"0x%032d","price":"0.53","fees":[1,2],"side":"BUY"}', b"]", 0),
        (b'{"data":[', b'{"id":"0x%032d","price":"0.53","fees":[1,2],"side":"BUY"}', b',{"cut', 1),
    ],
    ids=["fast", "salvage"],
)
def test_a_20_mb_file(tmp_path: Path, head: bytes, row: bytes, tail: bytes, broken: int) -> None:
    """A tenth of the biggest recording: every row, with its line, and no second copy of the file in memory."""
    count = 240_000
    path = tmp_path / "big.json"
    path.write_bytes(head + b",\n".join(row % i for i in range(count)) + tail)
    assert path.stat().st_size > 20_000_000
    total, bad, last = 0, 0, Message(b"", "", 0)
    for message in messages(path):
        total, bad, last = total + 1, bad + bool(message.broken), message
    assert (total, bad, last.line) == (count + broken, broken, count)
