"""Downloads: the same bytes as the command line's, and refusals in words."""

from __future__ import annotations

import csv
import io

from support.database import ADDRESS, connected, in_loop
from tieout.app.exports.export import export
from tieout.app.exports.request import ExportRequest, What
from web_security.stage import MARKUP, served


@in_loop
async def test_what_is_downloaded_is_what_the_command_line_writes(dsn: str) -> None:
    async with served(dsn) as desk:
        answer = await desk.http.get(f"{desk.base}/export/download?what=fills")
        assert answer.status_code == 200, answer.text
        assert 'filename="tieout-' in answer.headers["content-disposition"]
        async with connected(dsn) as connection:
            pieces = [piece async for piece in export(connection, ADDRESS, ExportRequest(What.FILLS))]
        assert answer.content == b"".join(pieces)
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert len(rows) == 1
        assert any(MARKUP[0] in value for value in rows[0].values()), "the title as it is"
        for what in ("positions", "tax", "beancount"):
            assert (await desk.http.get(f"{desk.base}/export/download?what={what}")).status_code == 200


@in_loop
async def test_what_no_export_can_answer_is_refused_in_words(dsn: str) -> None:
    async with served(dsn) as desk:
        for asked, words in (
            ("what=positions&since=2026-01-01", "cannot be cut"),
            ("what=fills&since=yesterday", "expected a day"),
            ("what=fills&since=2026-02-01&until=2026-01-01", "before its end"),
        ):
            answer = await desk.http.get(f"{desk.base}/export/download?{asked}")
            assert (answer.status_code, words in answer.text) == (400, True), answer.text
        assert (await desk.http.get(f"{desk.base}/export/download?what=everything")).status_code == 422
