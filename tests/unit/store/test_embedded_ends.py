"""How the embedded server ends: asked to, unused, killed, stuck; and who starts the next."""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from gateway.errors import StoreUnavailable
from gateway.store.redis.embedded import READY, ask, connection, ensure, look, stop
from gateway.store.redis.folder import ServerFolder
from gateway.store.redis.launch import launch_server
from tests.unit.store.servers import (
    data_dir,
    get,
    keeper_lives,
    kill_server,
    put,
    server_pid,
    until,
)

__all__ = ["data_dir"]


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
    while (data_dir / "valkey").exists():  # its server may just be writing into it
        shutil.rmtree(data_dir / "valkey", ignore_errors=True)
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


def test_a_folder_made_later_is_never_taken_for_the_one_that_was_removed(data_dir: Path) -> None:
    folder = ServerFolder(data_dir)
    folder.prepare()
    with folder.pinned() as ours:
        assert folder.identity() == ours
        for _ in range(20):
            shutil.rmtree(folder.path)
            assert folder.identity() is None
            folder.prepare()
            assert folder.identity() != ours


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
