from __future__ import annotations

import re
from typing import Any

import pytest
from litestar import Request

from gateway.api import headers
from gateway.api.auth import Channel
from gateway.api.calls import Call, Facade
from gateway.errors import BadRequest
from tests.unit.api.world import World

CHANNEL = Channel("webshop", frozenset({"orders"}), ("NL01",))


def call_with(*sent: tuple[str, str]) -> Call:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in sent]
    scope: Any = {"type": "http", "headers": raw, "path": "/", "method": "POST"}
    request: Request[Any, Any, Any] = Request(scope)
    return Call(request, dict(raw), CHANNEL, Facade.of(World().services()))


@pytest.mark.parametrize(
    ("sent", "wait_s"),
    [
        ("wait=5", 5),
        ("WAIT = 5", 5),
        ('wait="5"', 5),
        ("respond-async, wait=7", 7),
        ("wait=5; some=thing", 5),
        ("wait=5, wait=9", 5),
        ('note="a, wait=9", wait=3', 3),
        ('note="an \\" escaped, wait=9", wait=3', 3),
        ("wait=31", 30),
        ("wait=999999999", 30),
        ("wait=0", 0),
        ("wait=-1", 0),
        ("wait=1.5", 0),
        ("wait=soon", 0),
        ("wait", 0),
        ("wait=", 0),
        ("await=5", 0),
        ("wait=5 seconds", 0),
        ("wait=99999999999999999999", 0),
        (',,=;"', 0),
        ("", 0),
    ],
)
def test_prefer_is_read_as_rfc_7240_says_and_ignored_where_it_makes_no_sense(
    sent: str, wait_s: float
) -> None:
    assert headers.wait_s(call_with(("Prefer", sent))) == wait_s


def test_several_prefer_headers_are_one_list() -> None:
    assert headers.wait_s(call_with(("Prefer", "respond-async"), ("Prefer", "wait=4"))) == 4
    assert headers.wait_s(call_with()) == 0


@pytest.mark.parametrize("sent", ["a", "0b9f-…"[:5], "x" * 255, "with space ~!"])
def test_an_idempotency_key_is_any_printable_ascii(sent: str) -> None:
    assert headers.idempotency_key(call_with(("Idempotency-Key", sent))) == sent


def test_no_idempotency_key_is_none() -> None:
    assert headers.idempotency_key(call_with()) is None


@pytest.mark.parametrize(("sent", "size"), [("", 0), ("x" * 256, 256), ("caf\xe9", 4), ("a\tb", 3)])
def test_an_unreadable_idempotency_key_is_refused(sent: str, size: int) -> None:
    with pytest.raises(BadRequest) as refused:
        headers.idempotency_key(call_with(("Idempotency-Key", sent)))
    assert refused.value.detail == (
        f"Idempotency-Key has {size} bytes of which some may be unreadable; send 1 to 255 "
        "printable ASCII characters, such as a UUID"
    )


def test_two_idempotency_keys_are_refused() -> None:
    with pytest.raises(BadRequest, match="was sent 2 times; send it once"):
        headers.idempotency_key(call_with(("Idempotency-Key", "a"), ("Idempotency-Key", "a")))


def test_a_plain_request_id_is_kept_and_anything_else_replaced() -> None:
    assert headers.request_id(b"abc-1.2_3") == b"abc-1.2_3"
    for sent in (None, b"", b"x" * 65, b'with "quotes"', b"line\nbreak"):
        assert re.fullmatch(rb"[0-9a-f]{16}", headers.request_id(sent))
    assert headers.request_id(None) != headers.request_id(None)
