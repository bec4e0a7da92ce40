"""``coexist pulls``: how far each marketplace is, and what is still to be asked."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from gateway.canonical.exchange.pulling import Noticed, NoticedLine, Pull
from gateway.commands.common import installation
from gateway.errors import ConfigError
from gateway.pulling import pulling
from gateway.settings import load
from gateway.store.ledger import open_ledger
from tests.contract.command_line import coexist

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
ACCOUNT = {
    "endpoint": "https://sellingpartnerapi-eu.amazon.com", "client_id": "id",
    "client_secret": "hush-secret", "refresh_token": "hush-token",
    "marketplaces": ["A1805IZSGTT6HS"], "legal_entity": "NL01", "country": "NL",
    "since": "2026-11-01T00:00:00Z",
}  # fmt: skip


def configure(home: Path, **change: object) -> None:
    file = home / "coexist.yaml"
    config = yaml.safe_load(file.read_text())
    config["channels"]["amazon-nl"] = {"scopes": [], "amazon": ACCOUNT | change}
    file.write_text(yaml.safe_dump(config))


async def leave(home: Path) -> None:
    ledger = await open_ledger(load().ledger)
    await ledger.keep_pull(Pull("amazon-nl", NOW, polled_at=NOW, problem="getOrder: 429"))
    lines = (NoticedLine("7", "TEE-BLK-M", 3, 0),)
    told = Noticed("amazon-nl", "403-1", NOW, "PENDING", "retailer", lines, NOW, NOW)
    await ledger.notice([told])
    await ledger.close()


def test_what_stands_in_the_way_is_said(home: Path) -> None:
    assert "no channel is pulled" in coexist("pulls")
    configure(home)
    assert "amazon-nl: not searched yet" in coexist("pulls")
    asyncio.run(leave(home))
    said = coexist("pulls", "--orders")
    assert "every change until 2026-11-26 12:00:00 UTC was taken" in said
    assert "1 order(s) of 3 piece(s)" in said
    assert "getOrder: 429" in said
    assert "403-1  PENDING  3 TEE-BLK-M" in said
    configure(home, settlements={"poll_s": 60})
    assert "amazon-nl/settlements: not searched yet" in coexist("pulls")
    found, reports = json.loads(coexist("pulls", "--json"))
    assert (reports["channel"], reports["orders"]) == ("amazon-nl/settlements", [])
    assert (found["channel"], found["orders"][0]["order_ref"]) == ("amazon-nl", "403-1")
    assert "hush" not in coexist("config")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"legal_entity": "MOON"}, "'MOON' is not a legal entity"),
        ({"endpoint": "https://sellingpartnerapi-eu.amazon.com/"}, "leave out the slash"),
        ({"queue": {"url": "order-changes"}}, r"amazon\.queue\.url"),
        ({"since": "2026-11-01"}, "since"),
    ],
)
def test_an_account_that_cannot_work_is_refused_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    coexist("init")
    configure(tmp_path, **change)
    with pytest.raises(ConfigError, match=said):
        load()


async def channels_of_a_gateway() -> set[str]:
    async with installation() as parts, AsyncExitStack() as stack:
        return {it.channel for it in pulling(parts, "me", stack).pullers}


def test_what_is_configured_is_pulled_and_said(home: Path) -> None:
    configure(home, settlements={})
    file = home / "coexist.yaml"
    config = yaml.safe_load(file.read_text())
    since = "2026-11-01T00:00:00Z"
    entity = {"legal_entity": "NL01"}
    config["channels"] |= {
        "shop": {"scopes": [], "shopify": entity | {
            "domain": "voorbeeld.myshopify.com", "secrets": ["hush-1"], "country": "NL",
            "since": since, "poll": {"access_token": "hush-2"},
        }},
        "loop": {"scopes": [], "loop": entity | {
            "secrets": ["hush-3"], "order_channel": "shop",
            "poll": {"api_key": "hush-4", "since": since},
        }},
    }  # fmt: skip
    file.write_text(yaml.safe_dump(config))
    channels = {name for name, it in load().channels.items() if it.is_pulled}
    assert channels == {"amazon-nl", "shop", "loop"}, "for these a gateway begins to pull"
    pulled = {*channels, "amazon-nl/settlements"}
    assert asyncio.run(channels_of_a_gateway()) == pulled
    assert {it["channel"] for it in json.loads(coexist("pulls", "--json"))} == pulled
    assert "hush" not in coexist("config")
