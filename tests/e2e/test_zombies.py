"""Workers that stand still or die in the middle of a send: nothing is booked twice for it."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from itertools import count

import pytest
import yaml

from tests.e2e.holding import Holding
from tests.e2e.installation import Installation, order, until
from tests.processes import Running

pytestmark = pytest.mark.timeout(300)
_NUMBERS = count(1)


@pytest.fixture
def at_work(installation: Installation) -> Installation:
    """Everything but workers; a lease is far shorter than a call may take."""
    installation.erps()
    file = installation.folder / "coexist.yaml"
    config = yaml.safe_load(file.read_text()) | {"lease_ms": 1000}
    config["erps"]["cloud"] |= {"request_s": 15, "absent_final_s": 40}
    file.write_text(yaml.safe_dump(config))
    installation.rules("cloud")
    installation.gateway()
    return installation


def send_until(at_work: Installation, held: Holding) -> set[str]:
    """Send orders until one is held in the middle of a send; return all external references."""
    sent: set[str] = set()

    def one_is_held() -> bool:
        answer = at_work.call("POST", "/v1/orders", json=order(f"Z-{next(_NUMBERS)}"))
        sent.add(f"CX-{answer.json()['transaction_id']}")
        return held.held.wait(0.2)

    until(one_is_held, 30, "an order in the middle of being sent")
    return sent


def says(worker: Running, call: str, outcome: str) -> bool:
    """Whether a worker's log tells of such a call."""
    lines = worker.log.read_text(errors="replace").splitlines()
    return any(f'"{call}"' in it and f'"{outcome}"' in it and "erp_call" in it for it in lines)


def doubles(at_work: Installation) -> dict[str, list[str]]:
    """What reconciliation finds: documents by external reference."""
    report = json.loads(at_work.coexist("reconcile", "doubles", "--json", check=False))
    return {f"CX-{it['transaction_id']}": it["documents"] for it in report["doubles"]}


def booked_once_each(at_work: Installation, sent: set[str]) -> None:
    until(lambda: {it["external_reference"] for it in at_work.books("cloud")} >= sent, 60, "booked")
    at_work.running["other"].stop()  # whatever it has in flight is settled before
    times = Counter(it["external_reference"] for it in at_work.books("cloud"))
    assert times == dict.fromkeys(sent, 1)


def test_a_worker_that_wakes_after_its_lease_finishes_its_send_and_it_is_found(
    at_work: Installation,
) -> None:
    """Its attempt is recorded, its request not yet written: it waits for a token, and stops."""
    cloud = at_work.running["cloud"].url
    with Holding(cloud, "/oauth2/") as held:
        zombie = at_work.worker("zombie", COEXIST_ERPS__CLOUD__TOKEN_URL=held.url)
        other = at_work.worker("other")
        sent = send_until(at_work, held)
        os.kill(zombie.process.pid, signal.SIGSTOP)
        held.let_go()  # the token is there when it wakes
        until(lambda: says(other, "probe", "absent"), 20, "the other one looked and saw nothing")
        os.kill(zombie.process.pid, signal.SIGCONT)
        until(lambda: says(zombie, "send", "booked"), 20, "the zombie's request was booked")
        booked_once_each(at_work, sent)


def test_a_request_that_arrives_after_its_sender_was_killed_is_found(
    at_work: Installation,
) -> None:
    """The sender stands still for longer than its lease, so its watchdog kills it."""
    cloud = at_work.running["cloud"].url
    with Holding(cloud, "/salesOrders") as held:
        url, watchdog = {"COEXIST_ERPS__CLOUD__URL": held.url}, {"COEXIST_WATCHDOG": "true"}
        killed = at_work.worker("killed", **url, **watchdog)
        other = at_work.worker("other")
        sent = send_until(at_work, held)
        os.kill(killed.process.pid, signal.SIGSTOP)
        assert killed.process.wait(30) == -signal.SIGKILL
        assert "silent for 1.0 s: killed" in killed.said()
        until(lambda: says(other, "probe", "absent"), 20, "the other one looked and saw nothing")
        held.let_go()
        until(lambda: held.passed_on > 0, 20, "the request of the dead")
        until(lambda: says(other, "probe", "booked"), 30, "and it was found")
        booked_once_each(at_work, sent)


@pytest.mark.long
def test_what_arrives_even_later_is_found_by_reconciliation(at_work: Installation) -> None:
    """Beyond the limits that the ERP publishes nothing can prevent it; it is told, not undone."""
    config_file = at_work.folder / "coexist.yaml"
    config = yaml.safe_load(config_file.read_text())
    config["erps"]["cloud"] |= {"request_s": 1, "absent_final_s": 3}
    config_file.write_text(yaml.safe_dump(config))
    cloud = at_work.running["cloud"].url
    with Holding(cloud, "/salesOrders") as held:
        killed = at_work.worker("killed", COEXIST_ERPS__CLOUD__URL=held.url)
        other = at_work.worker("other")
        sent = send_until(at_work, held)
        killed.kill()

        def references() -> list[str]:
            return [it["external_reference"] for it in at_work.books("cloud")]

        until(lambda: set(references()) == sent, 40, "all booked, those held by a second send")
        held.let_go()
        until(lambda: len(references()) > len(sent), 20, "and now the first arrives as well")
        twice = {it for it, times in Counter(references()).items() if times == 2}
        until(lambda: doubles(at_work).keys() == twice, 60, "all recorded and found")
        assert {len(documents) for documents in doubles(at_work).values()} == {2}
        listed = at_work.coexist("exceptions", "list", "--json")
        assert all(reference.removeprefix("CX-") in listed for reference in twice)
        assert "booked-twice" in listed
        assert "double.raise" in at_work.coexist("audit", "list")
        one = next(iter(twice)).removeprefix("CX-")
        at_work.coexist("reconcile", "settle", one, "--reason", "reversed by hand", "--by", "fin")
        assert one not in at_work.coexist("exceptions", "list", "--json")
        other.stop()
