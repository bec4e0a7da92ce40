"""A hundred senders at once with a token that has expired ask for one token, whatever goes wrong.

The simulated ERP counts requests to its token endpoint, and books what arrives.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.canonical.envelope import Envelope
from gateway.canonical.exchange import Timing
from gateway.canonical.outcome import Booked, Busy, Outcome
from gateway.clock import SystemClock
from gateway.erp import CloudAccess, CloudErp
from tests.contract.erp_simulators import Simulator, new_order

pytestmark = pytest.mark.anyio

SENDERS = 100
SLOW_MS = 600
HOUR_S = 3600.0


class Ahead(SystemClock):
    """The machine's clock, which a test may put forward."""

    ahead_s = 0.0

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.ahead_s


class Storm:
    """An adapter that had a token, its clock, and the ERP."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator, self.clock = simulator, Ahead()
        access = CloudAccess(simulator.url, "acme", "gateway", "gateway-cloud", "api://x/.default")
        timing = Timing(request_ms=20_000, absent_final_ms=60_000, poll_ms=20)
        self.erp = CloudErp(access, timing, self.clock)
        self.before: Counter[str] = Counter()

    async def begin(self) -> None:
        """Use a first token, then let it expire."""
        assert isinstance(await self.erp.send(new_order()), Booked)
        self.clock.ahead_s += HOUR_S
        self.before = Counter(self.simulator.counters())

    def send(self) -> list[asyncio.Task[Outcome]]:
        orders: list[Envelope] = [new_order() for _ in range(SENDERS)]
        return [asyncio.create_task(self.erp.send(it)) for it in orders]

    def count(self, name: str) -> int:
        return self.simulator.counters()[name] - self.before[name]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    started = Simulator("cloud", tmp_path_factory.mktemp("storm"))
    yield started
    started.stop()


@pytest.fixture
async def storm(cloud: Simulator) -> AsyncIterator[Storm]:
    made = Storm(cloud)
    await made.begin()
    yield made
    cloud.heal()
    await made.erp.close()


async def test_all_of_them_lead_to_one_token_request(storm: Storm) -> None:
    outcomes = await asyncio.gather(*storm.send())
    assert all(isinstance(it, Booked) for it in outcomes)
    assert storm.count("token_requests") == 1
    assert storm.count("booked") == SENDERS


async def test_a_token_revoked_under_all_of_them_is_asked_for_once(storm: Storm) -> None:
    """Nobody knows until the ERP says so, to each of them."""
    storm.clock.ahead_s -= HOUR_S
    storm.simulator.fault("token_expiry")
    outcomes = await asyncio.gather(*storm.send())
    assert all(isinstance(it, Booked) for it in outcomes)
    assert storm.count("unauthorized_401") > 1
    assert storm.count("token_requests") == 1
    assert storm.count("booked") == SENDERS


async def test_a_slow_token_is_waited_for_by_all_and_asked_for_once(storm: Storm) -> None:
    storm.simulator.fault("slow_drip", delay_ms=SLOW_MS)
    sending = storm.send()
    await asyncio.sleep(SLOW_MS / 3000)
    late = storm.send()
    outcomes = await asyncio.gather(*sending, *late)
    assert storm.count("slow_drips") == 1
    assert storm.count("token_requests") == 1
    assert storm.count("booked") == sum(isinstance(it, Booked) for it in outcomes) >= SENDERS


async def test_a_token_that_fails_once_is_busy_for_all_and_asked_for_once_more(
    storm: Storm,
) -> None:
    storm.simulator.fault("outage", mode="503", delay_ms=SLOW_MS // 3)
    outcomes = await asyncio.gather(*storm.send())
    assert all(isinstance(it, Busy) for it in outcomes), "nothing was sent"
    assert (storm.count("outage_refusals"), storm.count("booked")) == (1, 0)
    outcomes = await asyncio.gather(*storm.send())
    assert all(isinstance(it, Booked) for it in outcomes)
    assert storm.count("token_requests") + storm.count("outage_refusals") == 2
    assert storm.count("booked") == SENDERS


async def test_the_first_caller_that_gives_up_takes_the_token_from_nobody(storm: Storm) -> None:
    storm.simulator.fault("slow_drip", delay_ms=SLOW_MS)
    first, *others = storm.send()
    await asyncio.sleep(SLOW_MS / 3000)
    first.cancel()
    outcomes = await asyncio.gather(*others)
    assert first.cancelled()
    assert all(isinstance(it, Booked) for it in outcomes)
    assert storm.count("token_requests") == 1
    assert storm.count("booked") == SENDERS - 1
