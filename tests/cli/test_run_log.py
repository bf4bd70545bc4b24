"""`tieout run --log -`: standard output holds events and nothing else, from the start to the end."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from cli.command_line import CommandLine
from cli.test_run import worker, written
from cli.worker_venue import served


def test_standard_output_holds_events_alone(tieout: CommandLine, tmp_path: Path) -> None:
    with served(seed=301) as said:
        config = written(said, tmp_path)
        with worker(tieout, config, "--log", "-") as dry:
            dry.until('"TIES OUT"')
            dry.until("may_quote")
            dry.process.send_signal(signal.SIGTERM)
            code = dry.ended()
            people = dry.error
    events = [json.loads(line) for line in dry.lines]
    names = [event["event"] for event in events]
    assert (code, events[0]["event"], events[-1]["event"], events[-1]["code"]) == (
        0,
        "worker_started",
        "worker_stopped",
        0,
    )
    assert {"worker_phase", "feed_changed", "verdict_changed", "quoting_changed"} <= set(names)
    assert {event["wallet"] for event in events} == {said["address"]}
    assert "DRY RUN" in people
    assert "it was a dry run, nothing was sent" in people
    assert said["private key"].removeprefix("0x") not in "".join(dry.lines) + people


def test_the_error_that_ends_it_is_in_the_log(tieout: CommandLine, tmp_path: Path) -> None:
    account = {"CLOB": "http://127.0.0.1:9", "address": "0x" + "7e" * 20, "private key": f"0x{7:064x}"}
    config, log = written(account, tmp_path), tmp_path / "tieout.log"
    nowhere = "postgresql://me:hush@127.0.0.1:9/x"
    done = tieout("run", "--config", config, "--log", log, TIEOUT_DB=nowhere, code=2)
    (event,) = [json.loads(line) for line in log.read_text().splitlines()]
    assert (event["level"], event["event"], event["kind"]) == ("error", "worker_failed", "StoreError")
    assert event["problem"].split(":")[0] in done.err
    assert "hush" not in log.read_text() + done.err
    unwritable = tieout("run", "--config", config, "--log", tmp_path / "absent" / "log", code=2)
    assert "cannot be written" in unwritable.err
