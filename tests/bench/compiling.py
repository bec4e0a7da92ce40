"""Compiling 10,000 rules: how long it takes, how long the event loop stands still meanwhile.

A gateway compiles in a thread while its event loop answers requests by the version before; its
garbage collector is set as in this run, to look seldom and not at what start-up made. The loop is
watched by a task that sleeps a millisecond at a time: its longest lateness is the longest stall.
Beside it the same rules are compiled in the loop itself, as a naive gateway would. Memory is what
the allocator has handed out for the compiled rules, their text not counted.
"""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from asyncio import to_thread
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from gateway.app import settle_garbage_collector
from gateway.flow.versions import compile_aside
from gateway.routing.compile import compile_rules
from gateway.routing.ruleset import RuleSet, parse
from tests.bench.figure import Figure, at_most
from tests.bench.test_decide import make_rules

RULES = 10_000
BAR_S = 1.0
BAR_STALL_MS = 50.0


def run(quick: bool) -> list[Figure]:
    """Return time, stall and memory, the least of some rounds."""
    rules = RuleSet.of(make_rules(RULES))
    text, version = rules.text, rules.version
    rounds = 2 if quick else 5
    aside, inside = [], []
    with _settled_collector():
        for _ in range(rounds):
            aside.append(asyncio.run(_watched(lambda: to_thread(compile_aside, text, version))))
            inside.append(asyncio.run(_watched(lambda: _in_the_loop(rules))))
    took_s = min(took for took, _ in aside)
    stall_ms = min(stall for _, stall in aside)
    return [
        at_most(f"compile: {RULES:,} rules in a thread", took_s, "s", "", BAR_S),
        at_most("compile: longest stall of the event loop", stall_ms, "ms", "", BAR_STALL_MS),
        Figure("compile: stall if compiled in the loop", min(it for _, it in inside), "ms"),
        Figure("compile: memory", _bytes(rules) / RULES, "B/rule"),
    ]


async def _watched(work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Return how long the work took, and the longest stall of the loop in ms."""
    late_ms = 0.0
    ended = asyncio.Event()

    async def watch() -> None:
        nonlocal late_ms
        while not ended.is_set():
            started_s = time.perf_counter()
            await asyncio.sleep(0.001)
            late_ms = max(late_ms, (time.perf_counter() - started_s) * 1000 - 1)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.01)
    gc.collect()
    started_s = time.perf_counter()
    await work()
    took_s = time.perf_counter() - started_s
    await asyncio.sleep(0.002)
    ended.set()
    await watching
    return took_s, late_ms


@contextmanager
def _settled_collector() -> Iterator[None]:
    thresholds = gc.get_threshold()
    settle_garbage_collector()
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


async def _in_the_loop(rules: RuleSet) -> object:
    return compile_rules(parse(rules.text, rules.version))


def _bytes(rules: RuleSet) -> int:
    gc.collect()
    tracemalloc.start()
    compiled = compile_rules(parse(rules.text, rules.version))
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del compiled
    return held
