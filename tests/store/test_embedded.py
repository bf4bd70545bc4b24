"""The embedded server: real processes, real kills. Only processes started here are signalled, each by its id."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg  # type: ignore[import-untyped,unused-ignore]
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tieout.store import embedded
from tieout.store.embedded import EmbeddedServer, EmbeddedServerError

LINGER_S = 0.3
PATIENCE_S = 30.0

CLIENT = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tieout.store.embedded import EmbeddedServer
server = EmbeddedServer.start(Path(sys.argv[2]))
print(server.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def short_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers of the tests go soon after their last client."""
    monkeypatch.setenv(embedded.LINGER_VARIABLE, str(LINGER_S))


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data directory (mode 700 above it, as /root has); afterwards its server must end by itself."""
    yield tmp_path / "pg"
    until(lambda: not (tmp_path / "pg" / "postmaster.pid").exists(), "the server ends after the test")


def until(condition: Callable[[], bool], what: str) -> None:
    """Poll *condition* until it holds; fails the test after PATIENCE_S seconds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S:.0f} s for: {what}"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def client(data: Path) -> subprocess.Popen[str]:
    """Another process that holds the server on *data* until its input is closed; prints the postmaster's id."""
    source = str(Path(embedded.__file__).parents[2])
    command = [sys.executable, "-c", CLIENT, source, str(data)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def told_pid(process: subprocess.Popen[str]) -> int:
    """The postmaster's id that a client printed."""
    assert process.stdout is not None
    return int(process.stdout.readline())


def supervisor_of(pid: int) -> int:
    """Process id of the parent of a postmaster."""
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[1])


def ask(server: EmbeddedServer, *statements: str) -> list[object]:
    """Run statements over asyncpg; the first column of the rows of the last one."""

    async def run() -> list[object]:
        connection = await asyncpg.connect(server.dsn())
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return [row[0] for row in await connection.fetch(statements[-1])]
        finally:
            await connection.close()

    return asyncio.run(run())


def test_cold_start_settings_and_reuse(data: Path) -> None:
    """A new cluster with the settings that keep data safe; a second start finds the same server."""
    with EmbeddedServer.start(data) as server:
        for setting, expected in {
            "fsync": "on", "data_checksums": "on", "listen_addresses": "", "max_connections": "50",
            "server_encoding": "UTF8", "full_page_writes": "on", "synchronous_commit": "on",
        }.items():  # fmt: skip
            assert ask(server, f"SHOW {setting}") == [expected], setting
        assert ask(server, "SELECT upper('ä')") == ["Ä"]
        with EmbeddedServer.start(data) as second:
            assert (second.pid, second.dsn()) == (server.pid, server.dsn())
        assert ask(server, "SELECT 1") == [1]
        server.stop()
        server.stop()


def test_start_within_a_running_loop_and_sqlalchemy(data: Path) -> None:
    """`start` needs no event loop and disturbs none; SQLAlchemy takes the address."""

    async def run() -> object:
        with await asyncio.to_thread(EmbeddedServer.start, data) as server, EmbeddedServer.start(data):
            engine = create_async_engine(server.dsn(driver="asyncpg"))
            async with engine.connect() as connection:
                answer = (await connection.execute(text("SELECT current_database()"))).scalar_one()
            await engine.dispose()
            return answer

    assert asyncio.run(run()) == "tieout"


def test_four_processes_at_once_share_one_server(data: Path) -> None:
    """One initdb, one postmaster; it outlives the client that started it."""
    clients = [client(data) for _ in range(4)]
    [pid] = {told_pid(each) for each in clients}
    log = data.with_name("pg.log").read_text()
    assert log.count("The database cluster will be initialized") == 1
    assert log.count("ready to accept connections") == 1
    for each in clients[:3]:
        each.kill()
        each.communicate()  # reaps it and closes its pipes
    with EmbeddedServer.start(data) as server:
        clients[3].communicate("")
        assert server.pid == pid
        assert ask(server, "SELECT 1") == [1]


@pytest.mark.parametrize("victim", ["postmaster", "supervisor"])
def test_killed_server_recovers_with_its_rows(data: Path, victim: str) -> None:
    """kill -9 of the postmaster or its supervisor: the next start works and what was committed is there."""
    with EmbeddedServer.start(data) as server:
        ask(server, "CREATE TABLE kept (n int)", "INSERT INTO kept SELECT generate_series(1, 1000) RETURNING 1")
        pid = server.pid
        os.kill(pid if victim == "postmaster" else supervisor_of(pid), signal.SIGKILL)
        until(lambda: not alive(pid), "the postmaster is gone")
        with EmbeddedServer.start(data) as again:
            assert again.pid != pid
            assert ask(again, "SELECT count(*) FROM kept") == [1000]


def test_stale_pid_file_with_the_number_of_another_process(data: Path) -> None:
    """After a crash and a reboot the number in postmaster.pid may be anybody's."""
    with EmbeddedServer.start(data) as server:
        lines = (data / "postmaster.pid").read_text().split("\n")
        pid = server.pid
    until(lambda: not alive(pid) and not (data / "postmaster.pid").exists(), "the server ends")
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (data / name).write_text("\n".join([str(os.getpid()), *lines[1:]]))
    with EmbeddedServer.start(data) as again:
        assert ask(again, "SELECT 1") == [1]


def test_server_ends_after_its_client_is_killed(data: Path) -> None:
    """kill -9 of the only client: no server stays behind, and it was shut down cleanly."""
    process = client(data)
    pid = told_pid(process)
    process.kill()
    process.communicate()
    until(lambda: not alive(pid), "the server ends after its client")
    until(lambda: "database system is shut down" in data.with_name("pg.log").read_text(), "a clean shutdown")


@pytest.mark.parametrize("name", ["with spaces and ümläuts, 100%", "x" * 200 + "/" + "y" * 200])
def test_awkward_paths(tmp_path: Path, name: str) -> None:
    """A path no socket address or DSN can hold: the socket is elsewhere, other clients find it, and it is removed."""
    data = tmp_path / name / "pg"
    with EmbeddedServer.start(data) as server, EmbeddedServer.start(data) as second:
        assert ask(second, "SELECT 1") == [1]
        assert server.socket_dir == second.socket_dir != data
        assert server.socket_dir.stat().st_mode & 0o777 == 0o700
    until(lambda: not server.socket_dir.exists(), "the socket directory is removed")


def test_a_path_with_spaces_keeps_its_socket(tmp_path: Path) -> None:
    """Spaces alone are no reason to go elsewhere."""
    data = tmp_path / "a b" / "pg"
    with EmbeddedServer.start(data) as server:
        assert server.socket_dir == data
        assert ask(server, "SELECT 1") == [1]
    until(lambda: not (data / "postmaster.pid").exists(), "the server ends")


def test_errors_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong, where, and the way out."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("not a database")
    with pytest.raises(EmbeddedServerError, match=r"full is not empty and no PostgreSQL data directory: name another"):
        EmbeddedServer.start(tmp_path / "full")
    assert (tmp_path / "full" / "letter.txt").exists()
    with pytest.raises(EmbeddedServerError, match=r"cannot use .*letter\.txt"):
        EmbeddedServer.start(tmp_path / "full" / "letter.txt" / "pg")
    monkeypatch.setenv(embedded.LINGER_VARIABLE, "soon")
    with pytest.raises(EmbeddedServerError, match="must be a number of seconds, was 'soon'"):
        EmbeddedServer.start(tmp_path / "pg")


def test_a_server_that_refuses_shows_its_log(tmp_path: Path) -> None:
    """The end of PostgreSQL's own log is in the error."""
    data = tmp_path / "pg"
    with EmbeddedServer.start(data):
        pass
    until(lambda: not (data / "postmaster.pid").exists(), "the server ends")
    (data / "postgresql.auto.conf").write_text("nonsense = 1\n")
    with pytest.raises(EmbeddedServerError, match=r'(?s)postgres exited with 1.*unrecognized.*"nonsense"'):
        EmbeddedServer.start(data)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_root_without_user_namespaces(tmp_path: Path) -> None:
    """Where namespaces are forbidden root runs the server as nobody; the data can change hands and back."""
    folder = Path(tempfile.mkdtemp(prefix="tieout-test-", dir="/tmp"))
    folder.chmod(0o755)
    copy = tmp_path / "embedded_copy.py"
    copy.write_text(Path(embedded.__file__).read_text().replace("unshare(0x10000000)", "unshare(0x1)"))
    spec = importlib.util.spec_from_file_location("embedded_copy", copy)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["embedded_copy"] = module
    spec.loader.exec_module(module)
    try:
        for start, owner in ((module.EmbeddedServer.start, "nobody"), (EmbeddedServer.start, "root")):
            with start(folder / "pg") as server:
                assert ask(server, "SELECT 1") == [1]
                assert (folder / "pg" / "PG_VERSION").owner() == owner
                assert Path(f"/proc/{server.pid}").owner() == owner
            until(lambda: not (folder / "pg" / "postmaster.pid").exists(), "the server ends")
        with pytest.raises(module.EmbeddedServerError, match="accessible to the user nobody"):
            module.EmbeddedServer.start(tmp_path / "pg")  # below a folder of mode 700
    finally:
        del sys.modules["embedded_copy"]
        shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as a normal user then")
def test_as_a_normal_user(data: Path) -> None:
    """No trick is needed, none is used: here in a namespace in which we are nobody and cannot be root."""
    source = str(Path(embedded.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", CLIENT + "import os; print(os.geteuid())", source, str(data)],
        input="", capture_output=True, text=True, preexec_fn=embedded._enter_namespace, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pid, uid = done.stdout.split()
    assert pid.isdigit()
    assert uid != "0"
