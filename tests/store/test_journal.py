"""The journal: bytes first, once, as they came but for secrets; what could not be booked stays with its reason."""

from __future__ import annotations

import json

import asyncpg
import pytest

from support.database import ADDRESS, connected, in_loop
from tieout.store import journal
from tieout.store.journal import RawMessage, digest_of, redacted
from tieout.store.wallets import acquire

SECRETS = {
    "apiKey": "3e2c94ca-8124-c4c1-c7ea-be1ea21b71fe",
    "secret": 'hush"quoted\\ ünder the rose',
    "passphrase": "open sesame",
    "privateKey": "0xdeadbeef",
    "private_key": "0xfeedface",
    "Mnemonic": "legal winner thank year",
}


def message(body: bytes, origin: str = "here") -> RawMessage:
    return RawMessage(body, "test", origin, 5)


async def raw_ids(connection: asyncpg.Connection, wallet_id: int, messages: list[RawMessage]) -> list[int]:
    """The raw ids of *messages*."""
    return [raw_id for raw_id, _ in await journal.append(connection, wallet_id, messages)]


async def rows(connection: asyncpg.Connection) -> list[tuple[object, ...]]:
    found = await connection.fetch("SELECT raw_id, wallet_id, received_at_ms, source, origin, body FROM raw_message")
    return [tuple(row) for row in found]


@in_loop
async def test_P6_equal_bytes_are_kept_once_within_a_batch_and_across_batches(dsn: str) -> None:
    async with connected(dsn) as connection:
        wallet_id = (await acquire(connection, ADDRESS)).wallet_id
        a, b, c = message(b"a", "first"), message(b"b"), message(b"c")
        ids = await raw_ids(connection, wallet_id, [a, b, message(b"a", "second"), b])
        assert ids[0] == ids[2] != ids[1] == ids[3]
        again = await raw_ids(connection, wallet_id, [message(b"b", "later"), c, message(b"a", "later")])
        assert again[0::2] == [ids[1], ids[0]]
        assert again[1] not in ids
        assert sorted(row[5] for row in await rows(connection)) == [b"a", b"b", b"c"]
        assert {row[4] for row in await rows(connection)} == {"first", "here"}, "the first to bring it is named"


@in_loop
async def test_bytes_are_kept_exactly_as_they_came(dsn: str) -> None:
    bodies = [bytes(range(256)), b"", b"\x00\xff", '{"n":1.10, "ä" : "\\u00e4"}'.encode(), b" \n"]
    async with connected(dsn) as connection:
        wallet_id = (await acquire(connection, ADDRESS)).wallet_id
        ids = await raw_ids(connection, wallet_id, [message(body) for body in bodies])
        kept = {row[0]: row for row in await rows(connection)}
        assert [kept[raw_id][5] for raw_id in ids] == bodies
        assert {kept[raw_id][1:5] for raw_id in ids} == {(wallet_id, 5, "test", "here")}


@in_loop
async def test_equal_bytes_of_two_wallets_are_two_messages(dsn: str) -> None:
    async with connected(dsn) as connection:
        one = (await acquire(connection, ADDRESS)).wallet_id
        two = (await acquire(connection, "0x" + "b2" * 20)).wallet_id
        first, second = [await raw_ids(connection, wallet, [message(b"a")]) for wallet in (one, two)]
        assert first != second
        assert await journal.append(connection, one, []) == []


@in_loop
async def test_another_body_under_a_known_digest_is_refused(dsn: str) -> None:
    async with connected(dsn) as connection:
        wallet_id = (await acquire(connection, ADDRESS)).wallet_id
        await journal.append(connection, wallet_id, [message(b"a")])
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(
                "INSERT INTO raw_message (wallet_id, received_at_ms, source, origin, body, digest) "
                "VALUES ($1, 1, 'test', 'here', 'other', $2)",
                wallet_id,
                digest_of(b"a"),
            )


@pytest.mark.parametrize("name", [name for name in SECRETS if name != "apiKey"])
@pytest.mark.parametrize("cut", [None, -1, -2, -4])
def test_a_secret_never_reaches_the_database_not_even_cut_off(dsn: str, name: str, cut: int | None) -> None:
    secret = SECRETS[name]

    @in_loop
    async def run() -> None:
        body = json.dumps({"auth": {"apiKey": SECRETS["apiKey"], name: secret}, "markets": []}, ensure_ascii=False)
        if cut is not None:
            body = body[: body.index(json.dumps(secret, ensure_ascii=False)) + len(json.dumps(secret)) + cut]
        async with connected(dsn) as connection:
            wallet_id = (await acquire(connection, ADDRESS)).wallet_id
            await journal.append(connection, wallet_id, [message(body.encode())])
            ((*_, kept),) = await rows(connection)
            for size in range(4, len(secret) + 1):
                assert json.dumps(secret, ensure_ascii=False)[1 : size + 1].encode() not in kept
            assert b'"[redacted]"' in kept
            assert SECRETS["apiKey"].encode() in kept, "the key id is no secret: it says whose message it is"
            if cut is None:
                assert json.loads(kept)["markets"] == []

    run()


@pytest.mark.parametrize(
    "body",
    [
        b'{"secret" : "one","x":{"PASSPHRASE":\n"two"},"y":[{"privatekey":"three"}]}',
        b'[{"secret":"one"},{"secret":"two"},{"secret":"three"}]',
        b'{"secret":"one"}\x00\xff{"secret":"two"',
        b'{"secret":"one\\\\"}, {"secret":"two\\"three"}',
    ],
)
def test_every_secret_of_a_message_is_taken_out(body: bytes) -> None:
    for word in (b"one", b"two", b"three"):
        assert word not in redacted(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"note":"the secret of a good market"}',
        b'{"title":"Will the secret password leak?","size":1}',
        b'{"title":"Will the private key leak?"}',
        b'{"a":"\\"secret\\": is a word"}',
        b"",
    ],
)
def test_what_is_no_secret_stays_to_the_byte(body: bytes) -> None:
    assert redacted(body) == body


@in_loop
async def test_equal_messages_stay_equal_when_their_secrets_are_taken_out(dsn: str) -> None:
    """The digest is of what is kept: a new key in an old message is the same message."""
    async with connected(dsn) as connection:
        wallet_id = (await acquire(connection, ADDRESS)).wallet_id
        ids = [
            (await raw_ids(connection, wallet_id, [message(b'{"secret":"%s"}' % word)]))[0] for word in (b"one", b"two")
        ]
        assert ids[0] == ids[1]


@in_loop
async def test_a_problem_is_kept_once_with_its_message(dsn: str) -> None:
    async with connected(dsn) as connection:
        wallet_id = (await acquire(connection, ADDRESS)).wallet_id
        (raw_id,) = await raw_ids(connection, wallet_id, [message(b"a")])
        told = [(raw_id, "undecodable", "not JSON"), (raw_id, "foreign", "not ours"), (raw_id, "undecodable", "again")]
        for _ in range(2):
            await journal.note_problems(connection, [*told, told[0]])
        await journal.note_problems(connection, [])
        assert sorted(tuple(row) for row in await connection.fetch("SELECT * FROM raw_problem")) == sorted(told)
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await journal.note_problems(connection, [(raw_id + 1, "undecodable", "of no message")])


@in_loop
async def test_unknown_names_are_counted_and_the_first_message_that_showed_them_is_named(dsn: str) -> None:
    async with connected(dsn) as connection:
        wallet_id = (await acquire(connection, ADDRESS)).wallet_id
        await journal.note_unknown(connection, wallet_id, {("user_order", "field:x"): (2, 7)})
        await journal.note_unknown(
            connection, wallet_id, {("user_order", "field:x"): (3, 9), ("user_trade", "status:NEW"): (1, 9)}
        )
        await journal.note_unknown(connection, wallet_id, {})
        found = await connection.fetch("SELECT kind, what, times, raw_id FROM unknown_seen ORDER BY kind, what")
        assert [tuple(row) for row in found] == [("user_order", "field:x", 5, 7), ("user_trade", "status:NEW", 1, 9)]
