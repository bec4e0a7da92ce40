"""The store a run breaks: killed it is gone at once, whoever buries it, and starts on its files."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.chaos.store import Store


def test_a_killed_store_is_gone_and_comes_back_another(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    assert store.pid() is None
    store.start()
    try:
        first = store.signal(signal.SIGKILL)
        assert first is not None
        until_s = time.monotonic() + 10
        while store.pid() is not None:
            assert time.monotonic() < until_s, "it counts as running although it was killed"
            time.sleep(0.01)
        store.start()
        assert store.pid() not in {None, first}
        assert store.fill()
        assert store.relieve()
        assert store.in_force() == ("", "")
    finally:
        store.end()
    assert store.pid() is None
