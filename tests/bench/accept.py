"""The accept path: the whole gateway against a bare handler, and against one that uses arq.

One gateway process, 32 connections, an order of five lines, a Valkey that fsyncs every write.
The sides are alternated. First each is asked for all it can do (closed loop); then gateway and bare
handler are offered the same rate, which is most of what the bare one can do, whatever they do with
it (open loop). Ratios of throughput are of the sums over all rounds; the ratio of latencies is the
median over pairs of rounds, so that one slow second of the machine does not decide it.
"""

from __future__ import annotations

import itertools
import json
import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.bench.client import Load, closed, opened, post
from tests.bench.figure import Figure, at_least, at_most
from tests.bench.installation import gateways
from tests.bench.servers import Server, granian, peer_python

CONNECTIONS = 32

#: Offered in the open loop, of what the bare handler did in the closed one.
OFFERED = 0.6

#: Pairs of rounds in the open loop, every other one the other way round: a p99 is the slowest
#: moments of a machine that others use too, and the median of few of them says little.
PAIRS = 11

#: Connections of the open loop: more than are ever under way at a rate that is kept up with.
CONNECTIONS_OPEN = 64


@dataclass
class Side:
    """One side of the comparison and what it did so far."""

    server: Server
    requests: Callable[[], bytes]
    status: int = 202
    loads: list[Load] = field(default_factory=list)
    offered: list[Load] = field(default_factory=list)
    cpu_s: float = 0.0
    valkey_cpu_s: float = 0.0

    def run(self, seconds: float) -> None:
        """Ask for all it can do, once more."""
        cpu_s, valkey_cpu_s = self.server.cpu_s(), self.server.valkey_cpu_s()
        load = closed(self.server.url, CONNECTIONS, seconds, self.requests)
        self.cpu_s += self.server.cpu_s() - cpu_s
        self.valkey_cpu_s += self.server.valkey_cpu_s() - valkey_cpu_s
        self.loads.append(self._checked(load))

    def offer(self, seconds: float, rate: float) -> None:
        """Offer a rate, once more."""
        load = opened(self.server.url, CONNECTIONS_OPEN, seconds, rate, self.requests)
        self.offered.append(self._checked(load))

    def _checked(self, load: Load) -> Load:
        if set(load.statuses) != {self.status}:
            raise RuntimeError(f"{self.server.name} answered {dict(load.statuses)}")
        return load

    @property
    def orders(self) -> int:
        """Orders accepted."""
        return sum(load.statuses[self.status] for load in self.loads)

    @property
    def client_cpu_s(self) -> float:
        """CPU seconds the load client took for it, on the same machine."""
        return sum(load.client_cpu_s for load in self.loads)

    @property
    def rate(self) -> float:
        """Orders accepted per second."""
        return self.orders / sum(load.duration_s for load in self.loads)

    def latency_ms(self, quantile: int) -> float:
        """A percentile of the latency in the closed loop."""
        return percentile_ms(self.loads, quantile)


def percentile_ms(loads: Sequence[Load], quantile: int) -> float:
    """Return a percentile of all latencies of some runs."""
    every = [it for load in loads for it in load.latencies_s]
    return statistics.quantiles(every, n=100)[quantile - 1] * 1000


def run(quick: bool) -> list[Figure]:
    """Measure all three sides in turns."""
    rounds, seconds = (2, 2.0) if quick else (5, 4.0)
    with ExitStack() as stack:
        servers, keys, _ = stack.enter_context(gateways())
        bare_server = stack.enter_context(granian("bare", "tests.bench.peers.bare:app"))
        arq_server = stack.enter_context(
            granian("arq", "tests.bench.peers.queued:app", peer_python())
        )
        ours = side(servers[0], keys["webshop"])
        bare, queued = side(bare_server, ""), side(arq_server, "")
        sides = (ours, bare, queued)
        for it in sides:
            it.run(1.0)
            it.loads.clear()
            it.cpu_s = it.valkey_cpu_s = 0.0
        for _ in range(rounds):
            for it in sides:
                it.run(seconds)
        rate = bare.rate * OFFERED
        for n in range(rounds if quick else PAIRS):
            for it in (ours, bare)[:: 1 - 2 * (n % 2)]:
                it.offer(seconds, rate)
    return figures(ours, bare, queued)


def figures(ours: Side, bare: Side, queued: Side) -> list[Figure]:
    """Compare what the sides did."""
    found = [
        at_least("accept: throughput", ours.rate / bare.rate, "x", "bare handler, one XADD", 1),
        at_least("accept: throughput", ours.rate / queued.rate, "x", "same handler with arq", 3),
        _offered(ours, bare),
    ]
    for name, it in (("accept", ours), ("bare handler", bare), ("arq handler", queued)):
        per_order_us = 1e6 / it.orders
        found += [
            Figure(f"{name}: orders", it.rate, "/s"),
            Figure(f"{name}: CPU of the process", it.cpu_s * per_order_us, "µs/order"),
            Figure(f"{name}: CPU of Valkey", it.valkey_cpu_s * per_order_us, "µs/order"),
            Figure(f"{name}: CPU of the client", it.client_cpu_s * per_order_us, "µs/order"),
            Figure(f"{name}: latency p50", it.latency_ms(50), "ms"),
            Figure(f"{name}: latency p99", it.latency_ms(99), "ms"),
        ]
    for name, it in (("accept", ours), ("bare handler", bare)):
        found += [
            Figure(f"{name}: p50 at the same rate", percentile_ms(it.offered, 50), "ms"),
            Figure(f"{name}: p99 at the same rate", percentile_ms(it.offered, 99), "ms"),
        ]
    return found


def _offered(ours: Side, bare: Side) -> Figure:
    """Compare p99, pair of rounds by pair, at the rate both were offered."""
    pairs = zip(ours.offered, bare.offered, strict=True)
    ratios = [percentile_ms([mine], 99) / percentile_ms([other], 99) for mine, other in pairs]
    load = ours.offered[0]
    rate = sum(load.statuses.values()) / load.duration_s
    against = f"bare handler, both at {rate:.0f}/s"
    return at_most("accept: p99", statistics.median(ratios), "x", against, 1)


def side(server: Server, key: str) -> Side:
    """Return a side that sends a server orders under an API key ("" for none)."""
    return Side(server, _orders(server, key))


def _orders(server: Server, key: str) -> Callable[[], bytes]:
    """Return a function that makes the next order's request."""
    numbers = itertools.count()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    template = json.dumps(order("BENCH-000000000"))
    head, tail = template.split("BENCH-000000000")
    url = f"{server.url}/v1/orders"

    def make() -> bytes:
        return post(url, f"{head}BENCH-{next(numbers):09}{tail}".encode(), headers)

    return make


def order(ref: str) -> dict[str, object]:
    """An order of five lines."""
    lines = [
        {"line": n, "sku": f"BENCH-SKU-{n}", "quantity": 2, "unit_price": "19.95",
         "discount": "0.00", "tax": "6.93"}
        for n in range(1, 6)
    ]  # fmt: skip
    return {
        "order_ref": ref,
        "legal_entity": "NL01",
        "ordered_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "currency": "EUR",
        "customer": {"ref": "C-1001", "name": "Pat Sample", "email": "pat@example.com"},
        "ship_to": {"name": "Pat Sample", "street": "Example Street 1", "city": "Utrecht",
                    "postal_code": "3500 AA", "country": "NL"},
        "tax_included": True,
        "lines": lines,
        "shipping": {"amount": "4.95", "tax": "0.86"},
        "payment": {"method": "card", "status": "paid"},
        "total": "204.45",
    }  # fmt: skip
