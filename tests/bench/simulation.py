"""Simulators: what each can serve, so that a load run measures the gateway and not them.

Each runs as a process of its own, without limits and without time in service, and is asked by 16
connections for what a gateway asks it most: the ERPs book orders, the tax engine calculates one,
the channels show one. Stores are asked by nobody: theirs is what a customer at a till costs.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from simulators.amazon.options import MarketOptions
from simulators.cloud import exact
from simulators.loop.options import LoopOptions
from simulators.options import CloudOptions, LegacyOptions
from simulators.shopify.options import ShopOptions
from simulators.tax.options import TaxOptions
from tests.bench.client import closed
from tests.bench.figure import Figure
from tests.bench.servers import Server, announced
from tests.processes import spawned
from tests.unit.simulators.cloud_bodies import cloud_order
from tests.unit.simulators.drivers import order_idoc

CONNECTIONS = 16
QUICK = {"latency-ms-min": "0", "latency-ms-max": "0", "max-seconds": "300"}

Requests = Callable[[], bytes]


def run(quick: bool) -> list[Figure]:
    """Measure one after the other: each has the machine, with the client, to itself."""
    seconds = 2.0 if quick else 6.0
    found = []
    for system, (options, requests_of) in SYSTEMS.items():
        with simulator(system, options) as server:
            found += measured(server, requests_of(server.url), seconds)
    with simulator("shopify", SYSTEMS["shopify"][0]) as shop:  # whose order comes back
        options = {"calls-per-min": "1000000", "shop": shop.url}
        with simulator("loop", options) as server:
            found += measured(server, _loop(server.url, shop.url), seconds)
    return found


def measured(server: Server, requests: Requests, seconds: float) -> list[Figure]:
    """Return what a simulator served, and what it cost it."""
    before_s = server.cpu_s()
    load = closed(server.url, CONNECTIONS, seconds, requests)
    served = sum(count for status, count in load.statuses.items() if 200 <= status < 300)
    if served != sum(load.statuses.values()):
        raise RuntimeError(f"{server.name} answered {dict(load.statuses)}")
    cpu_us = (server.cpu_s() - before_s) / served * 1e6
    return [
        Figure(f"simulators: {server.name}", served / load.duration_s, "/s", WHAT[server.name]),
        Figure(f"simulators: {server.name}, CPU", cpu_us, "µs/request"),
    ]


@contextmanager
def simulator(system: str, options: Mapping[str, str]) -> Iterator[Server]:
    """A simulator as a process."""
    with tempfile.TemporaryDirectory() as folder:
        announce = Path(folder) / "up.json"
        command = [sys.executable, "-m", "simulators", system, "--announce", str(announce)]
        for name, value in {**QUICK, **options}.items():
            command += [f"--{name}", value]
        with spawned(command, {}) as child:
            url = str(announced(announce, child)["url"])
            yield Server(system, url, [child.pid], child.pid)


def _legacy(url: str) -> Requests:
    numbers = itertools.count()
    known = LegacyOptions()
    key = b64encode(f"{known.user}:{known.password}".encode()).decode()

    def make() -> bytes:
        number = next(numbers)
        packet = f"<PACKET>{order_idoc(f'CX-{number}', f'SHOP-{number}')}</PACKET>"
        return request(
            f"{url}/sap/bc/idoc_xml?sap-client=100", packet.encode(),
            {"Authorization": f"Basic {key}", "Content-Type": "application/xml"},
        )  # fmt: skip

    return make


def _cloud(url: str) -> Requests:
    numbers = itertools.count()
    known = CloudOptions()
    form = {"grant_type": "client_credentials", "client_id": known.client_id,
            "client_secret": known.client_secret}  # fmt: skip
    answer = httpx.post(f"{url}/tenant/oauth2/v2.0/token", data=form).raise_for_status()
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}",
               "Content-Type": "application/json"}  # fmt: skip
    address = f"{url}/api/v2.0/companies(NL01)/salesOrders"

    def make() -> bytes:
        number = next(numbers)
        body = exact.dumps(cloud_order(f"CX-{number}", f"SHOP-{number}"))
        return request(address, body.encode(), headers)

    return make


def _shopify(url: str) -> Requests:
    placed = httpx.post(f"{url}/control/orders", json={"count": 1}).raise_for_status().json()
    address = f"{url}/admin/api/2026-07/orders/{placed['orders'][0]['id']}.json"
    asked = request(address, b"", {"X-Shopify-Access-Token": ShopOptions().access_token})
    return lambda: asked


def _amazon(url: str) -> Requests:
    known = MarketOptions()
    form = {"grant_type": "refresh_token", "client_id": known.client_id,
            "client_secret": known.client_secret, "refresh_token": known.refresh_token}  # fmt: skip
    token = httpx.post(f"{url}/auth/o2/token", data=form).raise_for_status().json()
    placed = httpx.post(f"{url}/control/orders", json={"count": 1}).raise_for_status().json()
    address = f"{url}/orders/2026-01-01/orders/{placed['orders'][0]['id']}"
    asked = request(address, b"", {"x-amz-access-token": token["access_token"]})
    return lambda: asked


def _tax(url: str) -> Requests:
    known = TaxOptions()
    key = b64encode(f"{known.account}:{known.license_key}".encode()).decode()
    address = {"line1": "Dam 1", "city": "Amsterdam", "postalCode": "1012 JS", "country": "NL"}
    lines = [
        {"number": str(n), "itemCode": "TEE-BLK-M", "amount": 19.95, "quantity": 1}
        for n in range(1, 6)
    ]
    body = {
        "type": "SalesOrder", "code": "SHOP-1", "companyCode": "NL01", "date": "2026-11-27",
        "customerCode": "C-1", "addresses": {"shipTo": address}, "lines": lines,
        "currencyCode": "EUR",
    }  # fmt: skip
    asked = request(
        f"{url}/api/v2/transactions/create", json.dumps(body).encode(),
        {"Authorization": f"Basic {key}", "Content-Type": "application/json"},
    )  # fmt: skip
    return lambda: asked


def _pos(url: str) -> Requests:
    asked = request(f"{url}/control/sell", b'{"count": 1}', {"Content-Type": "application/json"})
    return lambda: asked


def _loop(url: str, shop_url: str) -> Requests:
    placed = httpx.post(f"{shop_url}/control/orders", json={"count": 1}).raise_for_status().json()
    asked = {"order_id": placed["orders"][0]["id"]}
    httpx.post(f"{url}/control/returns", json=asked).raise_for_status()
    address = f"{url}/api/v1/warehouse/return/list"
    listing = request(address, b"", {"X-Authorization": LoopOptions().api_key})
    return lambda: listing


def request(url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """Build a POST, or a GET if there is no body."""
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    lines = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


#: The options that take its limits away, and what makes its requests.
SYSTEMS: dict[str, tuple[dict[str, str], Callable[[str], Requests]]] = {
    "legacy": ({"sessions": "1000"}, _legacy),
    "cloud": ({"limit": "1000000", "window-s": "1", "concurrency": "1000"}, _cloud),
    "shopify": ({"bucket": "10000", "leak-per-s": "10000"}, _shopify),
    "amazon": ({"rate-scale": "1000000", "search-lag-s": "0", "pending-s": "0"}, _amazon),
    "tax": ({"calls-per-min": "1000000"}, _tax),
    "pos": ({}, _pos),
}
WHAT = {
    "legacy": "an order is stored", "cloud": "an order is booked",
    "shopify": "an order is shown", "amazon": "an order is shown",
    "tax": "five lines are calculated", "pos": "a customer pays at a till",
    "loop": "a return is listed",
}  # fmt: skip
