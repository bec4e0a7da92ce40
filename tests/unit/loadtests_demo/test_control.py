"""HTTP to a real simulated ERP, and Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.demo.children import Child, stop
from loadtests.demo.control import Control, parse
from loadtests.demo.errors import DemoError
from loadtests.demo.folder import WorkFolder
from loadtests.demo.guard import Guard


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    folder: Path = tmp_path_factory.mktemp("control")
    environment = WorkFolder(folder, temporary=True).environment
    guard = Guard()
    module = ["simulators", "cloud", "--max-seconds=60"]
    child = Child("simulated-cloud", module, folder, environment, guard)
    child.start()
    try:
        child.ready()
        yield Control(child.url)
    finally:
        stop([child])
        guard.close()


def test_counters_are_whole_numbers_by_name(cloud: Control) -> None:
    counters = cloud.counters()
    assert counters["booked"] == 0
    names = {"throttled_429", "throttled_503", "booked_unheard", "lost_replies_after_booking"}
    names |= {"late_bookings", "pending_late_bookings", "pending_postings"}
    assert names <= set(counters)


def test_a_fault_is_on_until_it_is_healed(cloud: Control) -> None:
    cloud.switch_on("lost_reply", {"count": 3, "duration_s": 9})
    assert list(cloud.faults()) == ["lost_reply"]
    assert cloud.faults()["lost_reply"]["remaining_count"] == 3
    cloud.heal()
    assert cloud.faults() == {}


def test_a_refused_call_names_what_was_asked(cloud: Control) -> None:
    with pytest.raises(
        DemoError, match=r"PUT http://127\.0\.0\.1:\d+/control/faults/gremlins .*400"
    ):
        cloud.switch_on("gremlins", {})


def test_silence_names_the_address(free_port: int) -> None:
    with pytest.raises(DemoError, match=f"{free_port}/control/counters was not answered"):
        Control(f"http://127.0.0.1:{free_port}").counters()


def test_samples_are_found_by_name_and_labels_in_any_order() -> None:
    text = """\
# HELP coexist_backlog What waits in the buffer.
# TYPE coexist_backlog gauge
coexist_backlog{what="legacy"} 12.0
coexist_erp_quota{reading="in_flight",erp="cloud"} 5.0
odd{path="a\\"b,c"} 1e3
plain 0.5

not a sample
"""
    samples = parse(text)
    assert samples["coexist_backlog", (("what", "legacy"),)] == 12
    assert samples["coexist_erp_quota", (("erp", "cloud"), ("reading", "in_flight"))] == 5
    assert samples["odd", (("path", 'a\\"b,c'),)] == 1000
    assert samples["plain", ()] == 0.5
    assert len(samples) == 4
