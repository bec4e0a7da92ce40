"""The token's life: fetched once, renewed in time, dropped when refused."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

import httpx
import pytest
import respx

from gateway.canonical.outcome import Booked, Busy, Unknown
from tests.unit.erp.doubles import API, CLOUD, TOKEN, StillClock, cloud
from tests.unit.erp.envelopes import envelope, order

pytestmark = pytest.mark.anyio
ORDERS = f"{API}/salesOrders"


@pytest.fixture
def server() -> respx.Router:
    router = respx.Router(assert_all_called=False)
    router.post(ORDERS).respond(201, json={"number": "S-1"})
    return router


def giving(server: respx.Router, lifetime_s: object = 3600) -> respx.Route:
    """Give token-1, token-2 and so on."""

    def give(request: httpx.Request, route: respx.Route) -> httpx.Response:
        body = {"access_token": f"token-{route.call_count + 1}", "token_type": "Bearer"}
        return httpx.Response(200, json=body | {"expires_in": lifetime_s})

    return server.post(TOKEN, name="token").mock(side_effect=give)


async def test_the_grant(server: respx.Router) -> None:
    route = giving(server)
    await cloud(server).send(envelope(order()))
    request = route.calls.last.request
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.content.decode()) == {
        "grant_type": ["client_credentials"], "client_id": ["gateway"],
        "client_secret": ["made-up"], "scope": ["api"],
    }  # fmt: skip


async def test_many_callers_fetch_one_token(server: respx.Router) -> None:
    asked = 0

    async def give(_: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.02)
        return httpx.Response(200, json={"access_token": "good", "expires_in": 3600})

    server.post(TOKEN, name="token").mock(side_effect=give)
    erp = cloud(server)
    outcomes = await asyncio.gather(*(erp.send(envelope(order())) for _ in range(20)))
    assert outcomes == [Booked("S-1")] * 20
    assert asked == 1


async def test_who_gives_up_does_not_take_the_token_from_the_others(server: respx.Router) -> None:
    async def give(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.05)
        return httpx.Response(200, json={"access_token": "good", "expires_in": 3600})

    server.post(TOKEN, name="token").mock(side_effect=give)
    erp = cloud(server)
    impatient = asyncio.create_task(erp.send(envelope(order())))
    patient = asyncio.create_task(erp.send(envelope(order())))
    await asyncio.sleep(0.01)
    impatient.cancel()
    assert await patient == Booked("S-1")
    assert impatient.cancelled()


@pytest.mark.parametrize(
    ("lifetime_s", "good_for_s"),
    [(3600, 3540), (100, 90), ("3600", 3540), (None, 270), (0, 270), (-5, 270), ("soon", 270)],
)
async def test_it_is_renewed_before_it_expires(
    server: respx.Router, lifetime_s: object, good_for_s: float
) -> None:
    route, clock = giving(server, lifetime_s), StillClock()
    erp = cloud(server, clock)
    await erp.send(envelope(order()))
    clock.pass_s(good_for_s - 0.1)
    await erp.send(envelope(order()))
    assert route.call_count == 1
    clock.pass_s(0.2)
    await erp.send(envelope(order()))
    assert route.call_count == 2
    assert server.calls.last.request.headers["Authorization"] == "Bearer token-2"


async def test_a_refused_token_is_renewed_and_the_request_repeated_once(
    server: respx.Router,
) -> None:
    route = giving(server)
    answers = [httpx.Response(401), httpx.Response(201, json={"number": "S-1"})]
    orders = server.post(ORDERS).mock(side_effect=answers)
    assert await cloud(server).send(envelope(order())) == Booked("S-1")
    assert (route.call_count, orders.call_count) == (2, 2)
    sent = [call.request for call in orders.calls]
    assert [request.headers["Authorization"] for request in sent] == [
        "Bearer token-1", "Bearer token-2",
    ]  # fmt: skip
    assert sent[0].content == sent[1].content


async def test_a_second_refusal_is_busy_and_closes(server: respx.Router) -> None:
    route = giving(server)
    orders = server.post(ORDERS).respond(401)
    outcome = await cloud(server).send(envelope(order()))
    assert isinstance(outcome, Busy)
    assert outcome.closes
    assert "check the client" in outcome.detail
    assert (route.call_count, orders.call_count) == (2, 2)


async def test_an_unknown_outcome_is_never_repeated_for_the_token(server: respx.Router) -> None:
    giving(server)
    orders = server.post(ORDERS).mock(side_effect=httpx.ReadTimeout("silent"))
    assert isinstance(await cloud(server).send(envelope(order())), Unknown)
    assert orders.call_count == 1


async def test_a_token_renewed_meanwhile_is_not_dropped(server: respx.Router) -> None:
    """Two calls use the stale token; the second is refused only after the first renewed it."""
    route = giving(server)
    refusals = 0
    renewed = asyncio.Event()

    async def check(request: httpx.Request) -> httpx.Response:
        nonlocal refusals
        if request.headers["Authorization"] != "Bearer token-1":
            renewed.set()
            return httpx.Response(201, json={"number": "S-1"})
        refusals += 1
        if refusals == 2:
            await renewed.wait()
        return httpx.Response(401)

    server.post(ORDERS).mock(side_effect=check)
    erp = cloud(server)
    both = [asyncio.create_task(erp.send(envelope(order()))) for _ in range(2)]
    assert await asyncio.gather(*both) == [Booked("S-1")] * 2
    assert (refusals, route.call_count) == (2, 2)


@pytest.mark.parametrize(
    ("answer", "closes", "retry_after_ms"),
    [
        (httpx.Response(401, json={"error": "invalid_client"}), True, None),
        (httpx.Response(400, json={"error": "invalid_scope"}), True, None),
        (httpx.Response(429, headers={"Retry-After": "3"}), True, 3_000),
        (httpx.Response(500, text="<html>"), True, None),
        (httpx.Response(200, text="<html>"), True, None),
        (httpx.Response(200, json=["token"]), True, None),
        (httpx.Response(200, json={"access_token": ""}), True, None),
        (httpx.Response(200, json={"access_token": "two\r\nX-Other: lines"}), True, None),
        (httpx.Response(200, json={"expires_in": 3600}), True, None),
        (httpx.ConnectError("refused"), True, None),
        (httpx.ReadTimeout("silent"), True, None),
    ],
)
async def test_without_a_token_nothing_is_sent_so_it_is_busy(
    server: respx.Router,
    answer: httpx.Response | Exception,
    closes: bool,
    retry_after_ms: int | None,
) -> None:
    server.post(TOKEN, name="token").mock(side_effect=[answer])
    orders = server.post(ORDERS).respond(201, json={"number": "S-1"})
    outcome = await cloud(server).send(envelope(order()))
    assert isinstance(outcome, Busy)
    assert (outcome.closes, outcome.retry_after_ms) == (closes, retry_after_ms)
    assert outcome.detail.startswith("no token: ")
    assert "made-up" not in outcome.detail
    assert not orders.called


async def test_a_failed_fetch_is_tried_anew_by_the_next_call(server: respx.Router) -> None:
    good = httpx.Response(200, json={"access_token": "good", "expires_in": 3600})
    server.post(TOKEN, name="token").mock(side_effect=[httpx.Response(500), good])
    erp = cloud(server)
    assert isinstance(await erp.send(envelope(order())), Busy)
    assert await erp.send(envelope(order())) == Booked("S-1")


async def test_a_token_that_takes_too_long_is_busy(server: respx.Router) -> None:
    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    server.post(TOKEN, name="token").mock(side_effect=never)
    erp = cloud(server)
    erp.timing = type(erp.timing)(request_ms=50, absent_final_ms=100, poll_ms=10)
    outcome = await erp.send(envelope(order()))
    assert outcome == Busy("no token before the deadline; the request was not sent")
    await erp.close()
    assert not [task for task in asyncio.all_tasks() if "_fetch" in repr(task)]


async def test_tokens_may_come_from_another_host(server: respx.Router) -> None:
    elsewhere = server.post("http://login.example.com/acme/oauth2/v2.0/token")
    elsewhere.respond(200, json={"access_token": "good", "expires_in": 60})
    erp = cloud(server, token_url="http://login.example.com")
    assert await erp.send(envelope(order())) == Booked("S-1")
    assert not any(str(call.request.url).startswith(f"{CLOUD}/acme") for call in server.calls)
    await erp.close()
