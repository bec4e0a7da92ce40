"""What a decision costs with 10, 100 and 10,000 rules, the sizes in turns.

``pytest tests/bench/test_decide.py --benchmark-enable`` shows the same by kind of rule.
"""

from __future__ import annotations

from random import SystemRandom
from time import perf_counter_ns

from tests.bench.figure import Figure, at_most
from tests.bench.test_decide import BAR_RATIO, BAR_US, KINDS, REQUESTS, ROUNDS, SIZES, Side

#: Runs of one size in a row: a gateway has one rule set, in whose memory its processor is warm.
RUNS = 5


def run(quick: bool) -> list[Figure]:
    """Return the least cost over the rounds: what the code needs when nobody interrupts it."""
    seed = SystemRandom().randrange(2**32)
    sides = {size: Side(size, KINDS, seed) for size in SIZES}
    best_us = dict.fromkeys(sides, float("inf"))
    for _ in range(3 if quick else ROUNDS // 4):
        for size, side in sides.items():
            for _ in range(RUNS):
                started_ns = perf_counter_ns()
                side.run()
                each_us = (perf_counter_ns() - started_ns) / REQUESTS / 1000
                best_us[size] = min(best_us[size], each_us)
    small, large = SIZES[0], SIZES[-1]
    return [
        at_most(f"decide: {small} rules", best_us[small], "µs", "", BAR_US),
        *(Figure(f"decide: {size:,} rules", best_us[size], "µs") for size in SIZES[1:]),
        at_most(
            f"decide: {large:,} rules", best_us[large] / best_us[small], "x", f"{small} rules",
            BAR_RATIO,
        ),
    ]  # fmt: skip
