"""The admin API over HTTP, against the real gateway, Valkey and ledger of one installation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from gateway.canonical.staff import MAY, Action, Role
from tests.e2e.installation import Installation, order, until

pytestmark = pytest.mark.timeout(240)

LIMIT = 200


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation for the module: to start its five processes takes most of the time."""
    made = Installation(tmp_path_factory.mktemp("admin"))
    made.erps()
    file = made.folder / "coexist.yaml"
    config = yaml.safe_load(file.read_text())
    config["staff"] = {
        role.value: {"roles": [role.value], "key_sha256": [hashed(role.value)]} for role in Role
    } | {"test": {"roles": ["lead", "approver"], "key_sha256": [hashed("test")]}}
    config["governance"] = {"approvals_required": False}
    config["admin_calls_per_minute"] = LIMIT
    config["erps"]["legacy"] |= {"wait_first_s": 600}
    file.write_text(yaml.safe_dump(config))
    made.environment["COEXIST_STAFF_KEY"] = "key-of-test"
    made.rules("cloud")
    made.gateway()
    made.worker()
    try:
        yield made
    finally:
        made.stop()


def hashed(name: str) -> str:
    return sha256(f"key-of-{name}".encode()).hexdigest()


def call(running: Installation, role: str, method: str, path: str, **more: Any) -> httpx.Response:
    url = f"{running.running['gateway'].url}/admin/v1{path}"
    headers = {"Authorization": f"Bearer key-of-{role}"}
    return httpx.request(method, url, headers=headers, timeout=40, **more)


def held(running: Installation, ref: str, sku: str = "NOT-THERE") -> str:
    """An order of an item nobody has, as its ERP has refused it and the ledger knows it."""
    answer = running.call("POST", "/v1/orders", json=order(ref, sku=sku))
    assert answer.status_code == 202, answer.text
    identity: str = answer.json()["transaction_id"]

    def listed() -> bool:
        found = call(running, "viewer", "GET", "/exceptions", params={"sku": sku}).json()
        return identity in [it["transaction_id"] for it in found["items"]]

    until(listed, 60, f"{ref} is held")
    return identity


def test_list_show_edit_retry_discard_and_what_the_channel_reads(running: Installation) -> None:
    one, other = held(running, "ADM-1"), held(running, "ADM-2")
    found = call(running, "viewer", "GET", "/exceptions").json()
    (group,) = found["groups"]
    assert (group["cause"], group["count"], group["money"]) == (
        "unknown-item", 2, {"EUR": "89.70"},
    )  # fmt: skip
    said = running.tried("exceptions", "list", "--by", "viewer", COEXIST_STAFF_KEY="key-of-viewer")
    lines = [it for it in said.stdout.splitlines() if it.startswith(one)]
    assert len(lines) == 1, "an id is whole, for copying, however narrow the terminal"
    none = ("exceptions", "list", "--entity", "XX99", "--by", "viewer")
    other_entity = running.tried(*none, COEXIST_STAFF_KEY="key-of-viewer")
    assert other_entity.stdout.startswith("nothing of what these options name is held")
    assert lines[0].startswith(f"{one}  order.intake  webshop ADM-1  unknown-item  44.85 EUR  ")
    shown = call(running, "viewer", "GET", f"/exceptions/{one}").json()
    assert shown["body"]["customer"]["name"] == "•••"
    assert "Pat" not in str(shown)
    line = shown["body"]["lines"][0] | {"sku": "TEE-BLK-M"}
    change = {"patch": {"lines": [line]}, "reason": "re-mapped", "revision": 0}
    edited = call(running, "operator", "PATCH", f"/exceptions/{one}", json=change)
    assert edited.json()["changes"] == [
        {"pointer": "/lines/0/sku", "before": '"NOT-THERE"', "after": '"TEE-BLK-M"'}
    ]
    late = call(running, "lead", "PATCH", f"/exceptions/{one}", json=change)
    assert (late.status_code, late.json()["type"]) == (409, "urn:coexist:problem:conflict")
    assert "somebody else changed" in late.json()["detail"]
    estimate = call(running, "viewer", "GET", "/exceptions/estimate").json()
    assert (estimate["count"], estimate["drains"][0]["erp"]) == (2, "cloud")
    assert call(running, "operator", "POST", f"/exceptions/{one}/retry", json={}).json() == {
        "released": 1,
        "gone": 0,
    }
    gone = call(running, "lead", "POST", f"/exceptions/{other}/discard",
                json={"revision": 0, "reason": "a test order"})  # fmt: skip
    assert gone.json() == {"discarded": [other], "held": None}

    def status(ref: str) -> str:
        answer: str = running.call("GET", f"/v1/orders/{ref}").json()["status"]
        return answer

    until(lambda: (status("ADM-1"), status("ADM-2")) == ("booked", "discarded"), 60, "both ended")
    problem = running.call("GET", f"/v1/transactions/{other}").json()["problem"]
    assert problem["type"] == "urn:coexist:problem:discarded"
    assert "test order" not in str(problem)
    assert [it["external_reference"] for it in running.books("cloud")] == [f"CX-{one}"]
    repeat = running.call("POST", "/v1/orders", json=order("ADM-1", sku="NOT-THERE"))
    assert repeat.headers["Idempotency-Replayed"] == "true"
    log = running.coexist("audit", "list", "--json")
    for what in ("exceptions.edit", "exceptions.retry", "exceptions.discard"):
        assert what in log
    running.coexist("audit", "verify")


def test_one_fix_releases_what_is_named_and_no_more_than_was_estimated(
    running: Installation,
) -> None:
    for n in range(3):
        held(running, f"ADM-B{n}")
    query = {"cause": "unknown-item", "count": 2, "reason": "item created"}
    done = call(running, "operator", "POST", "/exceptions/retry", json=query)
    assert done.json() == {"released": 2, "gone": 0}


def test_once_the_item_exists_one_command_releases_all_it_held(running: Installation) -> None:
    refs = [f"ADM-NEW-{n}" for n in range(3)]
    for ref in refs:
        held(running, ref, sku="NEW-2027")
    address = f"{running.running['cloud'].url}/control/items/NEW-2027"
    httpx.put(address, json={"like": "TEE-BLK-M"}).raise_for_status()
    asked = ("exceptions", "retry", "--cause", "unknown-item", "--sku", "NEW-2027")
    told = running.tried(*asked, "--by", "operator", "--yes", COEXIST_STAFF_KEY="key-of-operator")
    assert (told.returncode, "3" in told.stdout) == (0, True)

    def booked() -> bool:
        states = [running.call("GET", f"/v1/orders/{ref}").json()["status"] for ref in refs]
        return set(states) == {"booked"}

    until(booked, 60, "all three are booked")
    references = [it["object_reference"] for it in running.books("cloud")]
    assert sorted(it for it in references if it in refs) == refs


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    ("action", "method", "path", "body"),
    [
        (Action.EXCEPTIONS_READ, "GET", "", None),
        (Action.EXCEPTIONS_READ, "GET", "/estimate", None),
        (Action.EXCEPTIONS_UNMASK, "GET", "/{id}?unmask=true", None),
        (Action.EXCEPTIONS_EDIT, "PATCH", "/{id}", {"patch": {}, "revision": 0, "reason": "x"}),
        (Action.EXCEPTIONS_RETRY, "POST", "/{id}/retry", {}),
        (Action.EXCEPTIONS_RETRY, "POST", "/retry", {"count": 1, "cause": "poison"}),
        (Action.EXCEPTIONS_DISCARD, "POST", "/{id}/discard", {"revision": 0, "reason": "x"}),
    ],
)
def test_a_role_gets_what_the_table_says_and_else_403(
    running: Installation, role: Role, action: Action, method: str, path: str, body: Any
) -> None:
    path = path.replace("{id}", "00-00000000000000000000000000")
    answer = call(running, role.value, method, f"/exceptions{path}", json=body)
    if role in MAY[action]:
        assert answer.status_code in (200, 404)
    else:
        assert answer.status_code == 403
        assert answer.headers["content-type"].startswith("application/problem+json")


def test_a_channels_key_opens_nothing_here_and_a_persons_nothing_there(
    running: Installation,
) -> None:
    url = running.running["gateway"].url
    for channel in ("webshop", "ops"):
        refused = running.call("GET", "/admin/v1/exceptions", channel=channel)
        assert refused.status_code == 401
        assert running.keys[channel] not in refused.text
    for path in ("/v1/orders/ADM-1", "/metrics"):
        headers = {"Authorization": "Bearer key-of-lead"}
        assert httpx.get(url + path, headers=headers).status_code == 401
    assert httpx.get(f"{url}/admin/v1/status").status_code == 401


def test_status_and_backlog(running: Installation) -> None:
    found = call(running, "viewer", "GET", "/status").json()
    assert found["rules"]["epoch"] >= 1
    assert (found["gateways"], found["workers"]) == (1, 1)
    assert set(call(running, "viewer", "GET", "/backlog").json()["backlog"]) >= {"held", "waits"}


def test_the_peak_mode_is_switched_by_who_may_and_by_one_code(running: Installation) -> None:
    wish = {"on": True, "reason": "flash sale"}
    for role in Role:
        answer = call(running, role.value, "PUT", "/peak", json=wish)
        assert answer.status_code == (200 if role in MAY[Action.DELIVERY_PEAK] else 403)
    found = call(running, "viewer", "GET", "/peak").json()
    assert (found["on"], found["pauses"], found["reason"]) == (True, "low", "flash sale")
    told = running.coexist("peak", "status")
    assert "flash sale; class low and below wait" in " ".join(told.split())
    mute = call(running, "lead", "PUT", "/peak", json={"on": False, "reason": ""})
    assert (mute.status_code, mute.json()["errors"][0]["pointer"]) == (422, "/reason")
    off = call(running, "lead", "PUT", "/peak", json={"on": False, "reason": "it is over"})
    assert off.json() == {"on": False, "pauses": "low", "by": "", "reason": "", "at": ""}
    assert "delivery.peak" in running.coexist("audit", "list", "--json")


def test_the_quota_command_shows_and_resets_what_the_gateways_use(running: Installation) -> None:
    shown = json.loads(running.coexist("quota", "show", "--json"))
    assert set(shown) == {"legacy", "cloud"}
    assert (shown["cloud"]["profile"], shown["cloud"]["breaker"]) == ("business-central", "closed")
    assert shown["cloud"]["in_flight"] <= shown["cloud"]["places"] + shown["cloud"]["queue"]
    reset = ("quota", "reset", "cloud", "--reason", "new tenant", "--by")
    nobody = running.tried(*reset, "viewer", COEXIST_STAFF_KEY="key-of-viewer")
    assert (nobody.returncode, "viewer" in nobody.stderr) == (1, True)
    done = running.tried(*reset, "lead", COEXIST_STAFF_KEY="key-of-lead")
    assert "cloud: the windows count as empty" in done.stdout
    table = running.coexist("quota", "show")
    assert "cloud (business-central): " in table
    assert "at once" in table
    assert "quota.reset" in running.coexist("audit", "list", "--json")


def test_what_is_wrong_is_said_field_by_field(running: Installation) -> None:
    wrong = call(running, "lead", "POST", "/exceptions/x/discard", json={"revision": -1})
    assert wrong.status_code == 422
    pointers = {it["pointer"] for it in wrong.json()["errors"]}
    assert pointers == {"/revision", "/reason"}
    for query in ({"cause": "unknown-itm"}, {"process": "orders"}, {"entity": "NL01"}):
        (name,) = query
        for path in ("", "/estimate"):
            typo = call(running, "lead", "GET", f"/exceptions{path}", params=query)
            assert (typo.status_code, typo.json()["errors"][0]["pointer"]) == (422, f"/{name}")
    everything = call(running, "lead", "POST", "/exceptions/retry", json={"count": 5})
    assert (everything.status_code, "say what" in everything.text) == (422, True)
    nowhere = call(running, "lead", "GET", "/nothing")
    assert (nowhere.status_code, nowhere.json()["type"]) == (404, "urn:coexist:problem:not-found")


def test_it_describes_itself_and_the_channels_description_does_not_mention_it(
    running: Installation,
) -> None:
    url = running.running["gateway"].url
    described = httpx.get(f"{url}/admin/v1/schema").json()
    assert described["openapi"].startswith("3.1")
    assert set(described["paths"]) == {
        "/admin/v1/exceptions", "/admin/v1/exceptions/estimate", "/admin/v1/exceptions/retry",
        "/admin/v1/exceptions/{transaction_id}", "/admin/v1/exceptions/{transaction_id}/retry",
        "/admin/v1/exceptions/{transaction_id}/discard", "/admin/v1/status", "/admin/v1/backlog",
        "/admin/v1/peak",
    }  # fmt: skip
    assert "/admin" not in httpx.get(f"{url}/schema").text


def test_too_many_calls_of_one_key_are_refused_and_another_key_is_not(
    running: Installation,
) -> None:
    with httpx.Client() as client:
        url = f"{running.running['gateway'].url}/admin/v1/backlog"
        headers = {"Authorization": "Bearer key-of-finance"}
        # The minute may turn in the midst of them: two minutes' worth are refused all the same.
        answers = (client.get(url, headers=headers).status_code for _ in range(2 * LIMIT + 1))
        assert 429 in answers
    assert call(running, "approver", "GET", "/backlog").status_code == 200


def test_a_key_of_two_is_refused_at_start(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    file = made.folder / "coexist.yaml"
    config = yaml.safe_load(file.read_text())
    shared = config["channels"]["ops"]["key_sha256"]
    config["staff"] = {"lee": {"roles": ["lead"], "key_sha256": shared}}
    file.write_text(yaml.safe_dump(config))
    done = made.tried("serve", "--port", "0")
    assert done.returncode != 0
    assert "staff.lee.key_sha256" in done.stderr
