from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Request
from litestar.exceptions import HTTPException

from gateway.api import intake
from gateway.api.auth import Channel
from gateway.api.calls import Call, Facade
from gateway.errors import BadRequest, TooLarge
from tests.unit.api.world import Plan, World

CHANNEL = Channel("webshop", frozenset({"orders"}), ("NL01",))

names = st.text(max_size=4)
leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
values = leaves | st.lists(leaves, max_size=3) | st.dictionaries(names, leaves, max_size=4)
documents = st.dictionaries(names, values, max_size=4)


def call_with(*chunks: bytes, headers: dict[bytes, bytes] | None = None, limit: int = 1000) -> Call:
    given = {b"content-type": b"application/json"} | (headers or {})
    events = [
        {"type": "http.request", "body": chunk, "more_body": at < len(chunks) - 1}
        for at, chunk in enumerate(chunks)
    ] or [{"type": "http.disconnect"}]

    async def receive() -> Any:
        return events.pop(0)

    scope: Any = {"type": "http", "headers": [*given.items()], "path": "/", "method": "POST"}
    request: Request[Any, Any, Any] = Request(scope, receive)
    services = World(plan=Plan(body_bytes_max=limit)).services()
    return Call(request, given, CHANNEL, Facade.of(services))


async def read(body: bytes) -> Any:
    return (await intake.read(call_with(body))).document


@pytest.mark.anyio
@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1}',
        b' \r\n{ "a" : 1 } ',
        '{"a":"h\u00e9 \u2603 \U0001f600"}'.encode(),
        b'{"a":"\\u00e9\\n\\ud83d\\ude00","b":"c: \\": d"}',
        b'{"a":[{"b":1},{"b":2}],"c":{"a":"12:30:00"}}',
        b"{}",
    ],
)
async def test_json_is_read_as_any_parser_reads_it(body: bytes) -> None:
    assert await read(body) == json.loads(body)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "the body is not JSON: Expecting value at line 1, column 1; send one JSON object"),
        (
            b'{"order_ref": ',
            "the body is not JSON: Expecting value at line 1, column 15; send one JSON object",
        ),
        (
            b'{"a":1}\n{"b":2}',
            "the body is not JSON: Extra data at line 2, column 1; send one JSON object",
        ),
        (b"[1, 2]", "the body is an array of 2; send one JSON object"),
        (b'"text"', 'the body is "text"; send one JSON object'),
        (b"null", "the body is null; send one JSON object"),
        (b'{"a":"\xff"}', "the body is not UTF-8 at byte 6; send UTF-8"),
        ('{"a":1}'.encode("utf-16"), "the body is not UTF-8 at byte 0; send UTF-8"),
        (b'{"a":"\\ud800"}', "the body has half of a surrogate pair (\\ud800 to \\udfff)"),
        (b'{"a":NaN}', "the body has NaN, which is not JSON; amounts are strings like '19.95'"),
        (b"[" * 100_000, "the body is nested too deeply; send it as the schema says"),
        (
            b'{"a":' + b"9" * 5000 + b"}",
            "the body has a number that is too long; see the schema",
        ),
    ],
)
async def test_what_is_no_json_object_is_refused_with_its_place(body: bytes, detail: str) -> None:
    with pytest.raises(BadRequest) as refused:
        await intake.read(call_with(body, limit=1_000_000))
    assert refused.value.detail == detail


@pytest.mark.anyio
@pytest.mark.parametrize(
    "body",
    [
        b'{"total":"1","total":"2"}',
        b'{ "total" : "1" , "total" : "1" }',
        b'{"total":"1","\\u0074otal":"2"}',
        b'{"total":"1","a":"\\u003a","total":"2"}',
        b'{"a":1,"lines":[{"total":1,"total":2}]}',
        b'{"a":{"b":[[{"total":{},"total":{"a":1}}]]}}',
    ],
)
async def test_a_key_that_stands_twice_is_refused_wherever_it_stands(body: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        await read(body)
    assert refused.value.detail == ('an object of the body has the key "total" twice; send it once')


@given(documents)
def test_the_canonical_text_is_that_of_rfc_8785(document: dict[str, Any]) -> None:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert intake.canonical(document) == text.encode()


@pytest.mark.anyio
async def test_order_white_space_and_escapes_do_not_change_a_digest_and_values_do() -> None:
    async def digest(body: bytes, address: str = "order.intake|A") -> bytes:
        return intake.digest(address, (await intake.read(call_with(body))).canonical)

    first = await digest(b'{"a":"x","b":[1,2]}')
    assert len(first) == 16
    assert first == await digest(b'{ "b": [1, 2],\n "a": "\\u0078" }')
    assert first != await digest(b'{"a":"x","b":[2,1]}')
    assert first != await digest(b'{"a":"x","b":[1,2]}', "order.intake|B")


def test_digests_are_the_same_in_every_release() -> None:
    # Claims live for weeks: a release that digests otherwise would refuse every repeat.
    text = intake.canonical({"b": 'é\u2028\x7f/\\"', "a": {"z": None, "y": True, "x": 17}})
    assert intake.digest("order.intake|SHOP-1", text).hex() == "7009735dbd408ac1dd6e1efcf8713185"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "sent",
    [b"application/json", b"application/json; charset=utf-8", b'Application/JSON;charset="UTF-8"'],
)
async def test_json_may_be_declared_as_one_likes(sent: bytes) -> None:
    call = call_with(b"{}", headers={b"content-type": sent})
    assert (await intake.read(call)).document == {}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b"text/plain", "'text/plain'"),
        (b"", "''"),
        (b"application/json; charset=latin-1", "'application/json; charset=latin-1'"),
        (b"application/jsonp", "'application/jsonp'"),
        (b"x" * 60, f"'{'x' * 40}'"),
    ],
)
async def test_anything_else_than_json_is_415(sent: bytes, shown: str) -> None:
    with pytest.raises(HTTPException) as refused:
        await intake.read(call_with(b"{}", headers={b"content-type": sent}))
    assert refused.value.status_code == 415
    assert refused.value.detail == (f"Content-Type is {shown}; send 'application/json' in UTF-8")


@pytest.mark.anyio
async def test_a_body_is_put_together_up_to_the_limit_and_not_a_byte_more() -> None:
    at_limit = call_with(b'{"a":', b"", b'"12"}', limit=10)
    assert (await intake.read(at_limit)).document == {"a": "12"}
    with pytest.raises(TooLarge, match="the body has more than 10 bytes; send less at a time"):
        await intake.read(call_with(b'{"a":', b'"123"}', b"never read", limit=10))


@pytest.mark.anyio
async def test_a_body_that_is_announced_too_large_is_not_even_read() -> None:
    call = call_with(headers={b"content-length": b"11"}, limit=10)
    with pytest.raises(TooLarge):
        await intake.read(call)


@pytest.mark.anyio
async def test_a_caller_that_hangs_up_is_no_failure_of_ours() -> None:
    with pytest.raises(BadRequest, match="closed before the body had ended"):
        await intake.read(call_with())
