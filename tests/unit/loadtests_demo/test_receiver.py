"""The receiver of webhooks believes what the gateway signs, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from gateway.notify.webhooks import key_of, signature
from loadtests.demo.receiver import Receiver

OPENER = build_opener(ProxyHandler({}))
BODY = json.dumps({"type": "wave.tripped", "data": {"wave": "bad-wave"}}).encode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with closing(Receiver()) as receiver:
        yield receiver


def post(receiver: Receiver, secret: str, body: bytes = BODY) -> int:
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1700000000",
        "webhook-signature": signature(key_of("it", secret), "msg_1", "1700000000", BODY),
    }
    try:
        with OPENER.open(Request(receiver.url, body, headers), timeout=5) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_what_the_gateway_signs_is_taken_and_told(receiver: Receiver) -> None:
    assert receiver.told("wave.tripped", 0.01) is None
    assert post(receiver, receiver.secret) == 204
    assert receiver.told("wave.tripped", 5) == {"wave": "bad-wave"}
    assert receiver.told("schedule.suspended", 0.01) is None


def test_another_secret_or_another_body_is_refused(receiver: Receiver) -> None:
    assert post(receiver, "another-secret-altogether") == 401
    assert post(receiver, receiver.secret, BODY.replace(b"bad", b"good")) == 401
    assert receiver.told("wave.tripped", 0.01) is None
