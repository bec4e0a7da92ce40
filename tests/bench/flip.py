"""Flips under load: eight gateway processes, and not one request by old rules after ``apply``.

Orders and reads go to all gateways at once while rules are flipped to and fro, 200 ms after each
other. Whatever was sent after an ``apply`` returned must be decided under its epoch or a later one:
for orders the epoch is in the buffer's events, for reads the answer tells which ERP served it,
because their stock of the SKU differs. The latency of accepts is taken without flips first.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import yaml

from gateway.flow.publish import Publisher
from gateway.routing.loader import load as load_rules
from gateway.routing.ruleset import RuleSet
from gateway.settings import load
from gateway.wiring import Parts, opened
from tests.bench.accept import order
from tests.bench.figure import Figure, at_least, at_most
from tests.bench.installation import environment, gateways, simulated_erps

GATEWAYS = 8
#: Between two flips, and how long accepts are timed without any.
PAUSE_S = 0.2

#: What changes its ERP: orders, the reads that show who decides, and what orders need there.
MOVED = {"order.intake", "inventory.availability", "catalog.product"}
CALM_S = 6.0
SKU = "TEE-BLK-M"
PULLED = 500


@dataclass
class Flips:
    """When each ``apply`` returned, and what it brought."""

    returned_s: list[float] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)

    def before(self, sent_s: float) -> int | None:
        """Return the number of the last flip that had returned when something was sent."""
        done = [n for n, at in enumerate(self.returned_s) if at <= sent_s]
        return done[-1] if done else None


@dataclass
class Seen:
    """What the load saw: orders by transaction id, how long accepts took, reads by their stock."""

    orders: dict[str, float] = field(default_factory=dict)
    accepts: list[tuple[float, float]] = field(default_factory=list)
    reads: list[tuple[float, float, int]] = field(default_factory=list)
    unserved: int = 0


def run(quick: bool) -> list[Figure]:
    """Flip to and fro under load and count what went by old rules."""
    flips_wanted = 6 if quick else 20
    with simulated_erps() as urls, gateways(GATEWAYS, **urls) as (servers, keys, folder):
        os.environ.update(environment(folder, (folder / "redis_url").read_text(), **urls))
        bases = [server.url for server in servers]
        return asyncio.run(_measure(bases, keys, folder, flips_wanted))


async def _measure(
    bases: list[str], keys: dict[str, str], folder: Path, flips_wanted: int
) -> list[Figure]:
    settings = load()
    await _pull_stock(settings.erps.cloud.url)
    seen, flips, stop = Seen(), Flips(), asyncio.Event()
    async with opened(settings) as parts, httpx.AsyncClient(timeout=10) as client:
        writers = [_orders(client, base, keys["webshop"], seen, stop) for base in bases * 2]
        readers = [_reads(client, base, keys["webshop"], seen, stop) for base in bases]
        load_tasks = [asyncio.create_task(it) for it in (*writers, *readers)]
        try:
            await asyncio.sleep(CALM_S)
            await _flip(parts, folder, flips_wanted, flips)
            await asyncio.sleep(0.5)
        finally:
            stop.set()
            await asyncio.gather(*load_tasks)
        stale_orders = await _stale_orders(parts, seen, flips)
    stale_reads = _stale_reads(seen, flips)
    (old_share, old_ms), (calm_ms, flipping_ms) = _last_old_read(seen, flips), _p99_ms(seen, flips)
    return [
        at_least("flip: flips under load", len(flips.epochs), "", f"{GATEWAYS} gateways", 20),
        at_most("flip: orders by old rules", stale_orders, "", f"{len(seen.orders)} orders", 0),
        at_most("flip: reads by old rules", stale_reads, "", f"{len(seen.reads)} reads", 0),
        Figure("flip: reads answered without a stock", seen.unserved, ""),
        Figure("flip: apply, median", statistics.median(flips.took_ms), "ms"),
        Figure("flip: apply, longest", max(flips.took_ms), "ms"),
        at_most(
            "flip: last read by old rules, of the time apply takes",
            old_share,
            "",
            "longest of all",
            1,
        ),
        Figure("flip: from the start of apply until all read by new rules, longest", old_ms, "ms"),
        Figure("flip: accepts without flips, p99", calm_ms, "ms"),
        Figure("flip: accepts while flipping, p99", flipping_ms, "ms"),
        Figure("flip: accepts, p99 while flipping / without", flipping_ms / calm_ms, "x"),
    ]


async def _flip(parts: Parts, folder: Path, wanted: int, flips: Flips) -> None:
    settings = parts.settings
    publisher = Publisher(
        parts.book, parts.ledger, parts.clock, settings.partitions, settings.rule_lease_ms
    )
    sets = {target: rules_to(folder, target) for target in ("cloud", "legacy")}
    for n in range(wanted):
        target = ("cloud", "legacy")[n % 2]
        started_s = time.monotonic()
        marker = await publisher.apply(sets[target], "bench", f"flip {n}")
        flips.returned_s.append(time.monotonic())
        flips.took_ms.append((flips.returned_s[-1] - started_s) * 1000)
        flips.epochs.append(marker.epoch)
        flips.targets.append(target)
        await asyncio.sleep(PAUSE_S)


def rules_to(folder: Path, target: str) -> RuleSet:
    """Write and load rules that send orders and reads to ``target``."""
    directory = folder / f"rules-{target}"
    directory.mkdir()
    rules = yaml.safe_load(Path("routing_rules/defaults.yaml").read_text())
    for rule in rules["rules"]:
        if rule["process"] in MOVED:
            rule["mode"] = target
    (directory / "defaults.yaml").write_text(yaml.safe_dump(rules))
    return load_rules(directory)


async def _orders(
    client: httpx.AsyncClient, base: str, key: str, seen: Seen, stop: asyncio.Event
) -> None:
    prefix = f"FLIP-{id(asyncio.current_task()) % 10**9}"
    n = 0
    while not stop.is_set():
        n += 1
        body = json.dumps(order(f"{prefix}-{n}")).encode()
        sent_s = time.monotonic()
        answer = await client.post(f"{base}/v1/orders", content=body, headers=_headers(key))
        seen.accepts.append((sent_s, time.monotonic() - sent_s))
        if answer.status_code != 202:
            raise RuntimeError(f"an order was answered {answer.status_code}: {answer.text}")
        seen.orders[answer.json()["transaction_id"]] = sent_s


async def _reads(
    client: httpx.AsyncClient, base: str, key: str, seen: Seen, stop: asyncio.Event
) -> None:
    while not stop.is_set():
        sent_s = time.monotonic()
        url = f"{base}/v1/inventory/{SKU}?legal_entity=NL01"
        answer = await client.get(url, headers=_headers(key))
        if answer.status_code == 200:
            seen.reads.append((sent_s, time.monotonic(), answer.json()["available"]))
        else:
            seen.unserved += 1


async def _stale_orders(parts: Parts, seen: Seen, flips: Flips) -> int:
    """Count orders accepted under an epoch older than the last flip before they were sent."""
    stale = 0
    for partition in range(parts.settings.partitions):
        after = "0-0"
        while events := await parts.feed.events(partition, after, 5000):
            after = events[-1].sequence
            for event in events:
                sent_s = seen.orders.get(event.transaction_id)
                flip = None if sent_s is None else flips.before(sent_s)
                if event.kind == "accepted" and flip is not None:
                    stale += int(event.fields["epoch"]) < flips.epochs[flip]
    return stale


def _p99_ms(seen: Seen, flips: Flips) -> tuple[float, float]:
    """Return the latency of accepts before the first flip began, and from then on."""
    began_s = flips.returned_s[0] - flips.took_ms[0] / 1000
    sides = (
        [took for sent_s, took in seen.accepts if sent_s + took < began_s],
        [took for sent_s, took in seen.accepts if began_s <= sent_s < flips.returned_s[-1]],
    )
    calm, flipping = (statistics.quantiles(side, n=100)[98] * 1000 for side in sides)
    return calm, flipping


def _last_old_read(seen: Seen, flips: Flips) -> tuple[float, float]:
    """Return when the last read that old rules answered was sent: of its apply, and in ms."""
    most = max(available for _, _, available in seen.reads)
    shares, after_ms = [0.0], [0.0]
    for returned_s, took_ms, target in zip(
        flips.returned_s, flips.took_ms, flips.targets, strict=True
    ):
        began_s = returned_s - took_ms / 1000
        for sent_s, _, available in seen.reads:
            served = "cloud" if available <= most - PULLED // 2 else "legacy"
            if began_s <= sent_s <= returned_s + PAUSE_S / 2 and served != target:
                after_ms.append((sent_s - began_s) * 1000)
                shares.append(after_ms[-1] / took_ms)
    return max(shares), max(after_ms)


def _stale_reads(seen: Seen, flips: Flips) -> int:
    """Count reads served by the other ERP though no flip began while they were under way."""
    most = max(available for _, _, available in seen.reads)
    stale = 0
    for sent_s, answered_s, available in seen.reads:
        flip = flips.before(sent_s)
        if flip is None:
            continue
        following = flip + 1
        if following < len(flips.returned_s):
            began_s = flips.returned_s[following] - flips.took_ms[following] / 1000
            if answered_s >= began_s:
                continue  # the next flip was under way: either ERP is right
        served = "cloud" if available <= most - PULLED // 2 else "legacy"
        stale += served != flips.targets[flip]
    return stale


async def _pull_stock(url: str) -> None:
    """Order pieces in the cloud ERP directly, so that its stock of the SKU is lower."""
    async with httpx.AsyncClient(base_url=url) as client:
        grant = {
            "grant_type": "client_credentials",
            "client_id": "gateway",
            "client_secret": "gateway-cloud",
        }
        token = (await client.post("/contoso/oauth2/v2.0/token", data=grant)).json()
        body = {
            "externalDocumentNumber": "BENCH-STOCK",
            "channelOrderReference": "BENCH-STOCK",
            "orderDate": "2026-01-02",
            "customerNumber": "C-1",
            "currencyCode": "EUR",
            "pricesIncludeTax": True,
            "salesOrderLines": [
                {"sequence": 10000, "lineType": "Item", "lineObjectNumber": SKU,
                 "quantity": PULLED, "unitPrice": 19.95}
            ],
        }  # fmt: skip
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        answer = await client.post(
            "/api/v2.0/companies(NL01)/salesOrders", json=body, headers=headers
        )
        if answer.status_code != 201:
            raise RuntimeError(answer.text)


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
