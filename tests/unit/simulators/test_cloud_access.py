from __future__ import annotations

from random import Random

import pytest

from simulators.cloud.tokens import Tokens
from tests.unit.simulators.cloud_bodies import cloud_order
from tests.unit.simulators.drivers import HandClock, cloud, error_of

pytestmark = pytest.mark.anyio


async def test_a_token_is_granted_for_the_right_credentials() -> None:
    async with cloud(token_lifetime_s=90.0) as erp:
        answer = (await erp.token()).raise_for_status().json()
        assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 90)
        assert len(answer["access_token"]) == 64


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "wrong"}, 401, "invalid_client"),
        ({"client_id": "", "client_secret": ""}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_no_token_for_others(form: dict[str, str], status: int, error: str) -> None:
    async with cloud() as erp:
        answer = await erp.token(**form)
        assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_a_stale_token_is_refused_and_a_new_one_taken() -> None:
    clock = HandClock()
    async with cloud(clock, token_lifetime_s=60.0) as erp:
        clock.at_s += 59
        assert (await erp.get("items")).status_code == 200
        clock.at_s += 1
        stale = await erp.post("salesOrders", cloud_order())
        assert error_of(stale)[:2] == (401, "Authentication_InvalidCredentials")
        assert stale.headers["WWW-Authenticate"] == "Bearer"
        assert await erp.books() == []
        await erp.sign_in()
        assert (await erp.post("salesOrders", cloud_order())).status_code == 201


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer made-up", "Basic Z2F0ZXdheTp4"])
async def test_no_token_no_entry(header: str) -> None:
    async with cloud() as erp:
        erp.client.headers["Authorization"] = header
        assert (await erp.get("items")).status_code == 401
        assert (await erp.counters())["unauthorized_401"] == 1
        assert (await erp.counters())["window_peak"] == 0


async def test_the_lifetime_of_new_tokens_can_be_changed() -> None:
    async with cloud() as erp:
        await erp.setting(token_lifetime_s=7)
        assert (await erp.token()).json()["expires_in"] == 7


def test_tokens_overlap_and_dead_ones_are_forgotten() -> None:
    tokens = Tokens("id", "secret", Random(1))
    first = tokens.issue(0.0, 10.0)
    second = tokens.issue(5.0, 10.0)
    assert tokens.good(first, 9.9)
    assert tokens.good(second, 9.9)
    assert not tokens.good(first, 10.0)
    tokens.issue(100.0, 10.0)
    assert len(tokens._ends_s) == 1
