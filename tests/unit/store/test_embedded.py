"""The embedded server with real processes: whatever is killed, what was taken is there."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from gateway.errors import StoreUnavailable
from gateway.store.redis.embedded import READY, ask, connection, ensure, look, stop
from gateway.store.redis.folder import ServerFolder
from gateway.store.redis.launch import launch_server

ROOT = Path(__file__).parents[3]

#: Starts (or attaches), writes for as long as it lives, and prints what was acknowledged.
WRITER = """
import sys
from pathlib import Path
from gateway.store.redis.embedded import ask, connection, ensure
client = connection(ensure(Path(sys.argv[1]), idle_s=None))
print("ready", ask(client, "INFO", "server")["process_id"], flush=True)
sys.stdin.readline()
number = 0
while True:
    number += 1
    client.rpush("backlog", number)
    print(number, flush=True)
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    folder = ServerFolder(tmp_path)
    with suppress(FileNotFoundError, ProcessLookupError):  # never started, or ended cleanly
        os.kill(int(folder.pid.read_text()), signal.SIGKILL)
    with suppress(FileNotFoundError, ProcessLookupError, ValueError):
        os.kill(keeper_pid(tmp_path), signal.SIGKILL)
    folder.forget_socket()


def until(true: Callable[[], object], wait_s: float = 10) -> None:
    deadline_s = time.monotonic() + wait_s
    while not true():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.01)


def server_pid(url: str) -> int:
    with closing(connection(url)) as client:
        return int(ask(client, "INFO", "server")["process_id"])


def keeper_pid(data_dir: Path) -> int:
    return int((data_dir / "valkey" / "keeper.lock").read_text())


def keeper_lives(data_dir: Path) -> bool:
    lock = ServerFolder(data_dir).keeper_lock()
    if lock is not None:
        os.close(lock)
    return lock is None


def kill_server(data_dir: Path) -> None:
    folder = ServerFolder(data_dir)
    os.kill(int(folder.pid.read_text()), signal.SIGKILL)
    until(lambda: not folder.held())


def get(url: str, key: str) -> object:
    with closing(connection(url)) as client:
        return client.get(key)


def put(url: str, key: str, value: str) -> None:
    with closing(connection(url)) as client:
        client.set(key, value)


def backlog(client: Redis) -> list[int]:
    return [int(each) for each in ask(client, "LRANGE", "backlog", "0", "-1")]


@contextmanager
def writer(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a writer; it waits for a line before it writes."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(data_dir)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def write_some(process: subprocess.Popen[str], count: int) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    assert [line(process) for _ in range(count)] == [str(n + 1) for n in range(count)]


# --------------------------------------------------------------------------- start and attach


def test_it_listens_to_its_owner_only(data_dir: Path) -> None:
    url = ensure(data_dir, idle_s=None)
    assert url == f"unix://{data_dir}/valkey/valkey.sock"
    assert stat.S_IMODE((data_dir / "valkey").stat().st_mode) == 0o700
    assert stat.S_IMODE((data_dir / "valkey" / "valkey.sock").stat().st_mode) == 0o700
    with closing(connection(url)) as client:
        assert client.config_get("port") == {"port": "0"}
        with pytest.raises(RedisError, match="DEBUG command not allowed"):
            ask(client, "DEBUG", "SLEEP", "0")


def test_a_second_start_attaches(data_dir: Path) -> None:
    url = ensure(data_dir, idle_s=None)
    pid = server_pid(url)
    assert ensure(data_dir, idle_s=None) == url
    assert server_pid(url) == pid


def test_another_spelling_of_the_folder_is_the_same_server(data_dir: Path, tmp_path: Path) -> None:
    url = ensure(data_dir, idle_s=None)
    link = tmp_path / "link"
    link.symlink_to(data_dir)
    assert ensure(link, idle_s=None) == url


def test_processes_that_start_at_once_share_one_server(data_dir: Path) -> None:
    with writer(data_dir) as one, writer(data_dir) as two, writer(data_dir) as three:
        said = {line(process) for process in (one, two, three)}
    assert said == {f"ready {server_pid(ensure(data_dir, idle_s=None))}"}


def test_however_many_start_after_each_crash_there_is_one_server(data_dir: Path) -> None:
    def start(_: int) -> int:
        return server_pid(ensure(data_dir, idle_s=None))

    seen = set()
    for round_ in range(4):
        with ThreadPoolExecutor(8) as starters:
            pids = set(starters.map(start, range(8)))
        assert len(pids) == 1, f"round {round_}"
        seen |= pids
        kill_server(data_dir)
    assert len(seen) == 4


@pytest.mark.parametrize("name", ["with space", 'quote " and \\', "Ünïcödé 株", "per%cent 'n #"])
def test_any_path_will_do(data_dir: Path, name: str) -> None:
    url = ensure(data_dir / name, idle_s=None)
    put(url, "key", name)
    assert stop(data_dir / name)
    url = ensure(data_dir / name, idle_s=None)
    assert get(url, "key") == name.encode()
    assert stop(data_dir / name)


def test_a_path_too_long_for_a_socket_has_it_elsewhere(data_dir: Path) -> None:
    deep = data_dir / ("d" * 120)
    url = ensure(deep, idle_s=None)
    assert str(deep) not in url
    put(url, "key", "value")
    assert ensure(deep, idle_s=None) == url
    kill_server(deep)
    assert get(ensure(deep, idle_s=None), "key") == b"value"
    place = ServerFolder(deep).socket.parent
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert stop(deep)
    assert not place.exists()


# --------------------------------------------------------------------------- kill -9


def test_the_server_outlives_who_started_it(data_dir: Path) -> None:
    with writer(data_dir) as process:
        pid = int(line(process).removeprefix("ready "))
        write_some(process, 50)
        process.send_signal(signal.SIGKILL)
        process.wait()
    url = ensure(data_dir, idle_s=None)
    assert server_pid(url) == pid
    with closing(connection(url)) as client:
        assert backlog(client)[:50] == list(range(1, 51))


def test_what_was_acknowledged_survives_the_server(data_dir: Path) -> None:
    with writer(data_dir) as process:
        pid = int(line(process).removeprefix("ready "))
        write_some(process, 50)
        os.kill(pid, signal.SIGKILL)
        out, _ = process.communicate(timeout=20)  # it fails, as its server is gone
    acknowledged = [int(number) for number in out.split()] or [50]
    url = ensure(data_dir, idle_s=None)
    assert server_pid(url) != pid
    with closing(connection(url)) as client:
        kept = backlog(client)
    assert kept == list(range(1, len(kept) + 1))
    assert acknowledged[-1] <= len(kept) <= acknowledged[-1] + 1, "one may be taken unanswered"


def test_all_killed_at_once(data_dir: Path) -> None:
    url = ensure(data_dir, idle_s=60)
    until((data_dir / "valkey" / "keeper.lock").read_text)
    put(url, "key", "value")
    os.kill(keeper_pid(data_dir), signal.SIGKILL)
    kill_server(data_dir)
    assert (data_dir / "valkey" / "valkey.sock").exists(), "a stale socket is no obstacle"
    assert get(ensure(data_dir, idle_s=None), "key") == b"value"


def test_a_killed_keeper_is_replaced_by_the_next_start(data_dir: Path) -> None:
    pid = server_pid(ensure(data_dir, idle_s=60))
    until((data_dir / "valkey" / "keeper.lock").read_text)
    first = keeper_pid(data_dir)
    os.kill(first, signal.SIGKILL)
    until(lambda: not keeper_lives(data_dir))
    url = ensure(data_dir, idle_s=0.4)
    assert server_pid(url) == pid, "the server did not notice"
    until(lambda: keeper_pid(data_dir) != first)
    until(lambda: not ServerFolder(data_dir).held())


def test_a_file_cut_short_by_a_power_cut_is_read_up_to_there(data_dir: Path) -> None:
    url = ensure(data_dir, idle_s=None)
    put(url, "key", "value")
    kill_server(data_dir)
    (log,) = (data_dir / "valkey" / "appendonlydir").glob("*.incr.aof")
    with log.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$5\r\nother\r\n$100\r\nhalf")
    url = ensure(data_dir, idle_s=None)
    assert (get(url, "key"), get(url, "other")) == (b"value", None)


# --------------------------------------------------------------------------- stopping


def test_stop_and_start_again(data_dir: Path) -> None:
    assert not stop(data_dir), "nothing there"
    url = ensure(data_dir, idle_s=None)
    put(url, "key", "value")
    assert stop(data_dir)
    assert look(url) is None
    assert not stop(data_dir)
    assert get(ensure(data_dir, idle_s=None), "key") == b"value"


def test_it_stops_when_nobody_uses_it(data_dir: Path) -> None:
    url = ensure(data_dir, idle_s=0.4)
    folder = ServerFolder(data_dir)
    with closing(connection(url)) as client:
        client.set("key", "value")
        until((data_dir / "valkey" / "keeper.lock").read_text)
        time.sleep(1)
        assert client.ping(), "in use, so it stays"
    until(lambda: not folder.held())
    until(lambda: not keeper_lives(data_dir))
    assert get(ensure(data_dir, idle_s=None), "key") == b"value"


def test_after_every_crash_somebody_keeps_the_next_server(data_dir: Path) -> None:
    folder = ServerFolder(data_dir)
    for _ in range(3):
        ensure(data_dir, idle_s=0.4)
        time.sleep(0.3)  # the keeper of the first is there, about to find its server gone
        kill_server(data_dir)
        ensure(data_dir, idle_s=0.4)
        until(lambda: not folder.held())


def test_a_server_whose_folder_was_removed_stops_and_leaves_the_next_alone(
    data_dir: Path,
) -> None:
    old = connection(ensure(data_dir, idle_s=0.5))
    old.set("key", "old")
    until(lambda: ask(old, "INFO", "clients")["connected_clients"] == 2)  # we and its keeper
    shutil.rmtree(data_dir / "valkey")
    url = ensure(data_dir, idle_s=None)
    put(url, "key", "new")

    def moved_on() -> bool:
        with suppress(RedisError):  # its server was just killed; it reconnects
            return old.get("key") == b"new"
        return False

    with closing(old):
        until(moved_on)
    time.sleep(1)
    assert get(url, "key") == b"new"


# --------------------------------------------------------------------------- waiting


def test_a_server_that_is_stuck_is_named_and_never_doubled(data_dir: Path) -> None:
    pid = server_pid(ensure(data_dir, idle_s=None))
    os.kill(pid, signal.SIGSTOP)
    told: list[str] = []
    for attempt in (
        lambda: ensure(data_dir, idle_s=None, wait_s=1, progress=told.append),
        lambda: stop(data_dir, wait_s=0.5),
    ):
        with pytest.raises(StoreUnavailable) as refusal:
            attempt()
        assert f"the embedded server of {data_dir}/valkey " in refusal.value.detail
        assert f"`kill -9 {pid}`" in refusal.value.detail
    assert told[0] == f"waiting for the embedded server of {data_dir}/valkey to start"
    os.kill(pid, signal.SIGCONT)
    assert server_pid(ensure(data_dir, idle_s=None)) == pid


def test_loading_a_large_file_is_waited_for_as_long_as_it_proceeds(data_dir: Path) -> None:
    url = ensure(data_dir, idle_s=None)
    with closing(connection(url)) as client, client.pipeline(transaction=False) as pipeline:
        for number in range(12_000):
            pipeline.set(f"key-{number}", number)
        pipeline.execute()
    assert stop(data_dir)
    folder = ServerFolder(data_dir)
    slow = "\nkey-load-delay 150\n"  # microseconds a key: 1.8 s in all
    lock = folder.lock()
    assert lock is not None
    with pytest.MonkeyPatch.context() as patch:
        settings = "gateway.store.redis.launch._SETTINGS"
        patch.setattr(settings, launch_server.__globals__["_SETTINGS"] + slow)
        launch_server(folder, lock)
    told: list[str] = []
    assert ensure(data_dir, idle_s=None, wait_s=1, progress=told.append) == url
    assert look(url) == READY
    assert any("to load its files (" in each for each in told)
    assert get(url, "key-11999") == b"11999"


def test_one_who_starts_or_stops_keeps_others_waiting_only_so_long(data_dir: Path) -> None:
    url = ensure(data_dir, idle_s=None)
    with ServerFolder(data_dir).gate(1):
        for attempt in (
            lambda: ensure(data_dir, idle_s=None, wait_s=0.1),
            lambda: stop(data_dir, wait_s=0.1),
        ):
            with pytest.raises(StoreUnavailable, match=r"another process has been .* for 0\.1 s"):
                attempt()
    assert look(url) == READY
