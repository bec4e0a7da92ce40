"""What the processes are started with, against what they take."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from loadtests.channels.amazon import Marketplace
from loadtests.channels.loop import Returns
from loadtests.channels.port import Source
from loadtests.channels.pos import Estate
from loadtests.channels.shopify import Shop
from loadtests.demo.children import Child
from loadtests.demo.folder import LEGACY_SESSIONS, WorkFolder
from loadtests.demo.guard import Guard
from loadtests.demo.options import Options
from loadtests.demo.stage import OLD_ORDERS, Stage
from loadtests.scenario import SCENARIOS, load_scenario
from simulators.__main__ import SYSTEMS, build_parser
from simulators.options import CloudOptions, LegacyOptions, ServerOptions

SHOP = Shop("shop-nl", "NL", "NL01", returned_elsewhere=True)
SOURCES: tuple[Source, ...] = (
    SHOP,
    Shop("shop-de", "DE", "DE01"),
    Returns("returns", SHOP),
    Marketplace("amazon-de", "DE", "A1PA6795UKMFR9", "DE01"),
    Estate("pos", {"NL-001": "NL01"}, "2026-11-20"),
)

#: What simulators call the rate at which they sell.
SELLS = {"orders_per_s", "returns_per_s", "sales_per_s"}


class Remembering(Child):
    """Is never started, only remembers its command."""

    def start(self) -> None:
        self.announced = {"url": f"http://127.0.0.1:1/{self.name}"}

    def ready(self, within_s: float = 0) -> None:
        """Already is."""

    @property
    def command(self) -> list[str]:
        return self._module


class Dry(Stage):
    """Starts nothing."""

    def _child(self, name: str, module: Any, *, announces: bool = True) -> Child:
        return Remembering(name, module, Path("run"), {}, self._guard, announces=announces)


def stage(guard: Guard, **wishes: Any) -> Dry:
    return Dry(WorkFolder(Path("work"), temporary=True), Options(**wishes), guard)


def command(child: Child | None) -> list[str]:
    assert isinstance(child, Remembering)
    return child.command


def simulator_options(child: Child) -> ServerOptions:
    """What the simulator makes of the command line it is given."""
    given = vars(build_parser().parse_args(command(child)[1:]))
    options_class, _ = SYSTEMS[given.pop("system")]
    return options_class.from_texts(given)


@pytest.mark.parametrize("wishes", [{}, {"keep_running": True}, {"duration_s": 86_400.0}])
def test_the_simulators_take_their_options(guard: Guard, wishes: dict[str, Any]) -> None:
    dry = stage(guard, seed=5, **wishes)
    dry.start_erps()
    access = dry.erps_ready()
    legacy = simulator_options(dry.erps["legacy"])
    cloud = simulator_options(dry.erps["cloud"])
    assert isinstance(legacy, LegacyOptions)
    assert isinstance(cloud, CloudOptions)
    assert (legacy.user, legacy.password) == (access["legacy"].user, access["legacy"].secret)
    assert (cloud.client_id, cloud.client_secret) == (access["cloud"].user, access["cloud"].secret)
    assert legacy.seed == cloud.seed == 5
    assert legacy.sessions == LEGACY_SESSIONS
    assert legacy.max_seconds > Options(**wishes).duration_s or legacy.max_seconds == 86_400


def test_the_cloud_erp_has_the_published_limits(guard: Guard) -> None:
    dry = stage(guard)
    dry.start_erps()
    cloud = simulator_options(dry.erps["cloud"])
    assert isinstance(cloud, CloudOptions)
    assert (cloud.concurrency, cloud.queue, cloud.limit, cloud.window_s) == (5, 95, 6000, 300)


def test_each_channel_has_a_seed_of_its_own_that_follows_from_the_demos(guard: Guard) -> None:
    def seeds(seed: int) -> dict[str, int]:
        dry = stage(guard, seed=seed)
        dry.start_channels(SOURCES)
        dry.channels_ready()
        assert set(dry.channels) == {it.name for it in SOURCES}
        return {name: simulator_options(child).seed for name, child in dry.channels.items()}

    assert seeds(5) == seeds(5)
    assert len(set(seeds(5).values())) == len(SOURCES), "two shops have different buyers"
    assert not set(seeds(5).values()) & set(seeds(6).values())


@pytest.mark.parametrize("wishes", [{}, {"keep_running": True}, {"duration_s": 86_400.0}])
def test_channels_live_as_long_as_the_demo_and_sell_nothing_before_they_are_opened(
    guard: Guard, wishes: dict[str, Any]
) -> None:
    dry = stage(guard, **wishes)
    dry.start_channels(SOURCES)
    for child in dry.channels.values():
        options = simulator_options(child)
        asked_s = Options(**wishes).duration_s
        assert options.max_seconds > asked_s or options.max_seconds == 86_400
        (rate,) = (value for name, value in asdict(options).items() if name in SELLS)
        assert rate == 0, "it comes when the channel is opened"


def test_the_driver_is_told_seed_rate_and_every_gateway(guard: Guard) -> None:
    dry = stage(guard, seed=5, rate_per_s=8.0, duration_s=30.0)
    dry.start_gateways_and_workers()
    words = " ".join(command(dry.start_driver(date(2026, 11, 21), share=0.25)))
    assert words.startswith("loadtests run callers --gateway http")
    assert words.count("--gateway ") == 2
    for part in ("--seed 5", "--rate 2.0", "--duration 30.0", "--business-date 2026-11-21"):
        assert part in words


def test_as_many_old_orders_are_there_as_the_scenario_asks_for() -> None:
    assert load_scenario(SCENARIOS / "callers.yaml").old_orders <= OLD_ORDERS


def test_a_replaced_gateway_keeps_its_port(guard: Guard) -> None:
    dry = stage(guard)
    dry.start_gateways_and_workers()
    dry.gateways[0].announced = {"url": "http://127.0.0.1:4711"}
    dead = dry.kill_gateway(0)
    fresh = dry.replace_gateway(dead)
    assert fresh is not dead
    assert command(fresh) == ["gateway", "serve", "--port", "4711"]
    assert [one.name for one in dry.gateways] == ["gateway-2", "gateway-1"]


def test_a_worker_that_is_ready_is_killed_rather_than_one_that_starts(guard: Guard) -> None:
    dry = stage(guard)
    dry.start_gateways_and_workers()
    fresh = dry.add_worker()
    fresh.announced = {}
    killed = [dry.kill_worker(2).name, dry.kill_worker(2).name, dry.kill_worker(2).name]
    assert killed == ["worker-1", "worker-2", "worker-3"]


def test_what_runs_is_stopped_in_order(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    dry = stage(guard)
    stopped: list[list[str]] = []
    monkeypatch.setattr(
        "loadtests.demo.stage.stop", lambda group: stopped.append([one.name for one in group])
    )
    dry.start_erps()
    dry.start_gateways_and_workers()
    dry.start_driver(date(2026, 11, 21))
    dry.stop()
    assert stopped == [
        ["driver"],
        ["worker-1", "worker-2"],
        ["gateway-1", "gateway-2"],
        ["simulated-legacy", "simulated-cloud"],
    ]
