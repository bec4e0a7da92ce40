"""The embedded server with real processes: whatever is killed, what was taken is there."""

from __future__ import annotations

import os
import signal
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from gateway.store.redis.embedded import ask, connection, ensure, stop
from gateway.store.redis.folder import ServerFolder
from tests.unit.store.servers import (
    backlog,
    data_dir,
    get,
    keeper_lives,
    keeper_pid,
    kill_server,
    line,
    put,
    server_pid,
    until,
    write_some,
    writer,
)

__all__ = ["data_dir"]


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
        # It fails, as its server is gone. (`communicate` would miss what is read ahead already.)
        assert process.stdout is not None
        out = process.stdout.read()
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
