from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.api.auth import Channel, Keys, require
from gateway.errors import ConfigError, Forbidden, Unauthenticated
from tests.unit.api.world import Plan, key_of, sender

NO_KEY = "no API key was sent; send 'Authorization: Bearer <api key>' or 'X-API-Key: <api key>'"

NOT_UNDERSTOOD = NO_KEY.replace(
    "no API key was sent", "this Authorization scheme is not understood"
)


@pytest.mark.parametrize(
    "headers",
    [
        {b"authorization": b"Bearer key-of-webshop"},
        {b"authorization": b"bearer   key-of-webshop "},
        {b"x-api-key": b"key-of-webshop"},
        {b"authorization": b"Basic d3Jvbmc6d3Jvbmc=", b"x-api-key": b"key-of-webshop"},
    ],
)
def test_a_key_shows_its_channel(headers: dict[bytes, bytes]) -> None:
    channel = Keys(Plan()).channel_of(headers)
    assert channel.name == "webshop"
    assert channel.scopes == {"orders", "returns", "read"}


def test_no_list_of_entities_means_all_of_them() -> None:
    keys = Keys(Plan())
    webshop = keys.channel_of({b"x-api-key": b"key-of-webshop"})
    outlet = keys.channel_of({b"x-api-key": b"key-of-outlet"})
    assert webshop.legal_entities == ("NL01", "DE01", "JP01")
    assert (webshop.only_entity, outlet.only_entity) == ("", "NL01")


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, NO_KEY),
        ({b"x-api-key": b""}, NO_KEY),
        (
            {b"authorization": b"Bearer "},
            NOT_UNDERSTOOD,
        ),
        (
            {b"authorization": b"key-of-webshop"},
            NOT_UNDERSTOOD,
        ),
        (
            {b"x-api-key": b"key-of-nobody"},
            "the API key belongs to no channel; check it, or ask the operator for a new one",
        ),
        (
            {b"x-api-key": b"\xff\x00"},
            "the API key belongs to no channel; check it, or ask the operator for a new one",
        ),
    ],
)
def test_what_is_no_key_is_refused_without_being_repeated(
    headers: dict[bytes, bytes], detail: str
) -> None:
    with pytest.raises(Unauthenticated) as refused:
        Keys(Plan()).channel_of(headers)
    assert refused.value.detail == detail


def test_both_keys_of_a_rotation_count_and_hex_may_be_in_capitals() -> None:
    plan = Plan()
    old, new = sender("old", ()).key_sha256[0], sender("new", ()).key_sha256[0]
    both = replace(plan.channels["webshop"], key_sha256=(old, new.upper()))
    keys = Keys(Plan(channels={"webshop": both}))
    for name in ("old", "new"):
        assert keys.channel_of({b"x-api-key": key_of(name).encode()}).name == "webshop"


def test_one_key_of_two_channels_is_a_configuration_error() -> None:
    one = sender("webshop", ("orders",))
    with pytest.raises(ConfigError) as refused:
        Keys(Plan(channels={"webshop": one, "marketplace": one}))
    assert refused.value.detail == (
        f"channels.marketplace.key_sha256: {one.key_sha256[0][:8]}… is also a key of channel "
        "webshop; give each channel its own keys"
    )


def test_one_scope_of_those_that_will_do_is_enough() -> None:
    channel = Channel("pos", frozenset({"read"}), ("NL01",))
    require(channel, ("orders", "read"))
    with pytest.raises(Forbidden) as refused:
        require(channel, ("orders", "returns"))
    assert refused.value.detail == (
        "channel 'pos' may not use this: it needs scope 'orders' or 'returns' and has 'read'; "
        "ask the operator for the scope"
    )


def test_a_channel_without_scopes_is_told_so() -> None:
    with pytest.raises(Forbidden, match="needs scope 'ops' and has none; ask"):
        require(Channel("pos", frozenset(), ("NL01",)), ("ops",))
