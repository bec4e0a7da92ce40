"""Real child processes for the tests of the demo: small modules in a folder of their own."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loadtests.demo.children import Child, stop
from loadtests.demo.guard import Guard

#: What a module needs to announce itself as the processes of the demo do.
ANNOUNCE = """\
import json, os, signal, sys, time
def announce():
    target = sys.argv[sys.argv.index("--announce") + 1]
    with open(target + ".draft", "w") as file:
        json.dump({"url": "http://127.0.0.1:1", "pid": os.getpid()}, file)
    os.replace(target + ".draft", target)
"""

MakeChild = Callable[..., Child]


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def guard() -> Iterator[Guard]:
    made = Guard()
    yield made
    made.close()


@pytest.fixture
def make_child(tmp_path: Path, guard: Guard) -> Iterator[MakeChild]:
    """Make a child of a module with the given text; nothing of it outlives the test."""
    made: list[Child] = []

    def make(name: str, text: str, *, announces: bool = True) -> Child:
        (tmp_path / f"{name}.py").write_text(ANNOUNCE + text)
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        child = Child(name, [name], tmp_path / "run", environment, guard, announces=announces)
        made.append(child)
        return child

    yield make
    for child in made:
        child.kill()
    stop(made)
