"""What is not as the venue documents it becomes a Problem that says the field, the expected and the found."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tieout.ledger.facts import decode as decode_fact
from tieout.ledger.facts import encode
from tieout.venue.decode import KINDS, Decoded, Identity, Problem, decode, detect

NT = Identity("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", frozenset())

Load = Callable[[str], Any]
Raw = Callable[[str], bytes]


def messages(found: Decoded) -> list[str]:
    """Messages of the problems, all undecodable, without facts beside them."""
    assert found.facts == []
    assert {problem.code for problem in found.problems} == {"undecodable"}
    return [problem.message for problem in found.problems]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("original_size", "1.2345678", "original_size: expected at most 6 decimals, was '1.2345678'"),
        ("original_size", "-1", "original_size: expected 0 or more, was '-1'"),
        ("original_size", "NaN", "original_size: expected a decimal number, was 'NaN'"),
        ("original_size", "Infinity", "original_size: expected a decimal number, was 'Infinity'"),
        ("original_size", None, "original_size: expected a decimal number, was null"),
        ("original_size", True, "original_size: expected a decimal number, was True"),
        ("original_size", [], "original_size: expected a decimal number, was a list of 0"),
        ("original_size", "1e300", "original_size: expected at most 100,000,000,000, was '1e300'"),
        ("original_size", 10**12, "original_size: expected at most 100,000,000,000, was 1000000000000"),
        ("original_size", "", "original_size: expected a decimal number, was ''"),
        ("price", "0", "price: expected between 0 and 1, was '0'"),
        ("price", "1", "price: expected between 0 and 1, was '1'"),
        ("price", 1.5, "price: expected between 0 and 1, was 1.5"),
        ("side", "HOLD", "side: expected BUY or SELL, was 'HOLD'"),
        ("id", "", "id: expected an id of 1 to 128 characters without spaces, was ''"),
        ("id", "a b", "id: expected an id of 1 to 128 characters without spaces, was 'a b'"),
        ("id", "x" * 129, f"id: expected an id of 1 to 128 characters without spaces, was '{'x' * 79}…'"),
        ("asset_id", 1.5, "asset_id: expected an id of 1 to 128 characters without spaces, was 1.5"),
        ("created_at", "soon", "created_at: expected a time, was 'soon'"),
        ("associate_trades", "t1", "associate_trades: expected a list of ids or null, was 't1'"),
        ("status", None, "status: expected an order status, was null"),
        ("type", [], "type: expected PLACEMENT, UPDATE or CANCELLATION, was a list of 0"),
        ("status", 5, "status: expected text, was 5"),
    ],
)
def test_a_bad_field_of_an_order_is_named_with_expected_and_found(
    field: str, value: Any, message: str, load: Load
) -> None:
    row = {**load("samples/nt_http_open_order.json"), field: value}
    assert messages(decode(json.dumps(row).encode(), NT)) == [message]


@pytest.mark.parametrize("value", [100, "100", "100.0", 100.0, "1e2", "100.", "00100.000000"])
def test_integers_texts_and_numbers_are_the_same_amount(value: Any, load: Load) -> None:
    row = load("samples/nt_http_open_order.json")
    plain = decode(json.dumps(row).encode(), NT)
    assert decode(json.dumps({**row, "original_size": value}).encode(), NT) == plain


@pytest.mark.parametrize("spaced", [b', "price": "0.4"}', b', "price" : "0.4"}', b', "\\u0070rice":"0.4"}'])
def test_a_duplicate_key_is_an_error_however_it_is_written(spaced: bytes, raw: Raw) -> None:
    body = raw("samples/nt_http_open_order.json").rstrip().removesuffix(b"}") + spaced
    assert messages(decode(body, NT)) == ["message: duplicate key 'price'"]


def test_colons_in_text_are_no_duplicates(raw: Raw, load: Load) -> None:
    row = {**load("samples/nt_http_open_order.json"), "outcome": 'say "x": "y" : z'}
    assert decode(json.dumps(row).encode(), NT) == decode(raw("samples/nt_http_open_order.json"), NT)


@pytest.mark.parametrize(
    "body",
    [b"", b"PONG", b"{", b'{"a":NaN}', b'{"a":Infinity}', b"[" * 100_000, b"\xff", b'{"a":1e99999999999999999999}'],
)
def test_what_is_no_json_is_undecodable(body: bytes) -> None:
    assert len(messages(decode(body, NT))) == 1


def test_one_bad_row_of_a_page_takes_no_other_with_it(load: Load) -> None:
    page = load("samples/nt_http_open_orders_page.json")
    whole = decode(json.dumps(page).encode(), NT)
    page["data"].insert(1, {**page["data"][0], "price": "2"})
    page["data"].append("row?")
    found = decode(json.dumps(page).encode(), NT)
    assert found.facts == whole.facts
    assert [problem.code for problem in found.problems] == ["undecodable", "unknown_kind"]


def test_unknown_things_are_told_by_names_only() -> None:
    found = decode(b'{"passphrase":"hush","apiKey":"hush2"}', NT)
    assert found.problems == [Problem("unknown_kind", "no known message has the fields: apiKey, passphrase")]
    event = decode(b'{"event_type":"mystery","secret":"hush"}', NT)
    assert event.problems == [Problem("unknown_kind", "event_type 'mystery' is not known")]
    assert [p.code for p in decode(b"{}", NT, "nonsense").problems] == ["unknown_kind"]


def test_a_subscribe_frame_never_shows_its_secrets(raw: Raw) -> None:
    found = decode(raw("samples/official_ws_user_subscribe.json"), NT)
    assert found == Decoded("subscribe", [], [], [])


def test_new_fields_are_counted_and_not_fatal(load: Load) -> None:
    row = {**load("samples/nt_http_open_order.json"), "zeta": 1, "alpha": 2}
    found = decode(json.dumps(row).encode(), NT)
    assert found.problems == []
    assert found.unknown == ["field:alpha", "field:zeta"]


def test_detect_names_only_known_kinds_and_never_raises(load: Load) -> None:
    assert detect(load("samples/nt_http_open_order.json")) == "open_order"
    assert detect(None) == "order_null"
    payloads: list[Any] = [5, "x", [], {}, {"event_type": []}, {"event_type": "x"}]
    for payload in payloads:
        assert detect(payload) is None
    assert len(set(KINDS)) == len(KINDS)


_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**80), 2**300),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(
        ["", "0", "-1", "1e5", "1e999", "NaN", "0x", "0x00", "TRADE", "BUY", "٣", "²", "\x00", "1.1234567"]
    ),
)
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


def check(found: Decoded) -> None:
    """What holds for anything decoded: printable problems and facts that survive the log."""
    for problem in found.problems:
        assert problem.code in {"undecodable", "foreign", "unknown_kind", "no_own_leg", "unsupported"}
        assert problem.message.isprintable()
    for fact in found.facts:
        assert decode_fact(encode(fact)) == fact
        assert b"\\u0000" not in encode(fact)


@given(body=st.binary(max_size=200), kind=st.none() | st.sampled_from(KINDS))
def test_decode_never_raises_on_arbitrary_bytes(body: bytes, kind: str | None) -> None:
    check(decode(body, NT, kind))


@given(payload=_JSON, kind=st.none() | st.sampled_from(KINDS))
@settings(max_examples=300)
def test_decode_never_raises_on_arbitrary_json(payload: Any, kind: str | None) -> None:
    check(decode(json.dumps(payload).encode(), NT, kind))


def _spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if path else []
    for key, item in list(items)[:12]:
        found.extend(_spots(item, (*path, key)))
    return found


@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_decode_never_raises_on_a_mutated_sample(recorded: Any, data: st.DataObject) -> None:
    payload = json.loads(recorded.read_bytes())
    wallets = [
        "0xc2ad03f79ca3f3c17d8c7de2612ce0c89b7d40ed",
        "0xa3d82ed56f4c68d2328fb8c29e568ba2caf7d7c8",
        "<maker_address>",
    ]
    wallet = data.draw(
        st.sampled_from([*wallets, "0x" + "0" * 40, NT.wallet, "0x09b428f7c2b469786286214aa5c90dd9015f7320"])
    )
    for _ in range(data.draw(st.integers(1, 3))):
        spots = _spots(payload)
        if not spots:
            break
        *path, last = data.draw(st.sampled_from(spots))
        holder = payload
        for step in path:
            holder = holder[step]
        if data.draw(st.booleans()) and isinstance(holder, dict):
            del holder[last]
        else:
            holder[last] = data.draw(_JSON)
    body = json.dumps(payload).encode()
    cut = data.draw(st.none() | st.integers(0, len(body)))
    check(decode(body if cut is None else body[:cut], Identity(wallet, frozenset())))
