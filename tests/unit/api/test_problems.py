from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from litestar.testing import AsyncTestClient

from gateway import errors
from gateway.api import problems
from gateway.api.edge import Gateway
from gateway.canonical.outcome import Cause
from tests.unit.api.world import World, client_of, sent_by

#: Their texts are written for channels, in flow/.
SAID_AS_THEY_ARE = {errors.OwnerUndecidable, errors.Overloaded, errors.Recovering}


def subclasses(root: type[errors.CoexistError]) -> Iterator[type[errors.CoexistError]]:
    for child in root.__subclasses__():
        if child.__module__ == "gateway.errors":
            yield child
            yield from subclasses(child)


def test_every_input_error_is_a_problem_of_its_own_type_and_status() -> None:
    seen = set()
    for kind in subclasses(errors.InputError):
        error = kind("what is wrong")
        assert isinstance(error, errors.InputError)
        problem = problems.problem_of(error, "/v1/orders")
        assert problem == {
            "type": f"urn:coexist:problem:{error.code}",
            "title": error.title,
            "status": error.status,
            "detail": "what is wrong",
            "instance": "/v1/orders",
        }
        assert 400 <= error.status < 500
        seen.add(problem["type"])
    assert len(seen) == len(list(subclasses(errors.InputError)))


def test_every_kind_of_unavailability_has_decided_whether_its_reason_is_public() -> None:
    kinds = set(subclasses(errors.Unavailable))
    assert kinds == set(problems.PUBLIC_DETAIL) | SAID_AS_THEY_ARE
    for kind in kinds:
        error = kind("legacy at http://10.0.0.7 refused")
        assert isinstance(error, errors.Unavailable)
        problem = problems.problem_of(error, "/v1/orders")
        assert problem["status"] == 503
        assert ("10.0.0.7" in problem["detail"]) == (kind in SAID_AS_THEY_ARE)


def test_field_errors_are_listed_with_their_pointers() -> None:
    error = errors.Invalid("1 field", [errors.FieldError("/a", "is required")])
    assert problems.problem_of(error, "/x")["errors"] == [
        {"pointer": "/a", "detail": "is required"}
    ]


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_of_a_hold_has_a_public_text(cause: Cause) -> None:
    problem = problems.held_problem(cause.value)
    assert problem["type"] == f"urn:coexist:problem:held:{cause.value}"
    assert problem["detail"].endswith("; staff are on it, do not send it again")


def test_a_cause_nobody_knows_is_not_shown() -> None:
    for cause in ("", "Material TEE-BLK-M is not maintained"):
        assert problems.held_problem(cause)["type"] == "urn:coexist:problem:held:not-accepted"


@pytest.mark.anyio
async def test_an_outage_answers_503_says_when_to_repeat_and_logs_the_reason(
    world: World, client: AsyncTestClient[Gateway]
) -> None:
    world.buffer.failure = errors.StoreUnavailable("redis at 10.0.0.7:6379 timed out", 7)
    with structlog.testing.capture_logs() as logs:
        answer = await client.get(
            "/v1/orders/SHOP-1", headers=sent_by("webshop", x_request_id="r-1")
        )
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "10.0.0.7" not in answer.text
    assert logs == [
        {
            "event": "unavailable",
            "log_level": "warning",
            "code": "buffer-unavailable",
            "stage": "store",
            "detail": "redis at 10.0.0.7:6379 timed out",
            "method": "GET",
            "route": "/v1/orders/{order_ref}",
            "request_id": "r-1",
        }
    ]


@pytest.mark.anyio
async def test_an_unexpected_error_shows_nothing_but_an_id_and_is_logged_without_its_text() -> None:
    world = World()

    async def broken() -> None:
        raise KeyError("robin@example.com")

    world.health["store"] = broken
    async with client_of(world) as client:
        with structlog.testing.capture_logs() as logs:
            answer = await client.get("/readyz", headers={"X-Request-Id": "r-2"})
    assert answer.status_code == 500
    assert answer.json() == {
        "type": "urn:coexist:problem:unexpected",
        "title": "Unexpected failure",
        "status": 500,
        "detail": "the gateway failed; repeating the same request is safe. If it fails again, give "
        "the operator this request id: r-2",
        "instance": "/readyz",
    }
    (log,) = logs
    assert (log["event"], log["error"], log["request_id"]) == ("unexpected", "KeyError", "r-2")
    assert any("test_problems.py" in frame and "broken" in frame for frame in log["frames"])
    assert "robin" not in str(log)


@pytest.mark.anyio
async def test_errors_that_must_not_reach_a_channel_do_not(
    world: World, client: AsyncTestClient[Gateway]
) -> None:
    world.buffer.failure = errors.ConfigError("the password of legacy is wrong")
    answer = await client.get("/v1/orders/SHOP-1", headers=sent_by("webshop"))
    assert answer.status_code == 500
    assert "password" not in answer.text
