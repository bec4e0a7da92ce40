"""A wave that goes wrong, after the traffic: its guardrail sends its reads back by itself.

After the evidence is gathered, so that it stands beside the audited story and not in it.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from pathlib import Path

from loadtests.demo.board import Board
from loadtests.demo.errors import DemoError
from loadtests.demo.gateway import Gateway
from loadtests.demo.stage import Stage

CHANNEL = "webshop"
SKU = "TEE-BLK-M"
#: Reads that fail until the guardrail has seen enough of them.
READS = 8
#: The guardrail looks every second, and its flip takes less than another.
PAUSED_WITHIN_S = 30.0
OUTAGE_S = 60.0


def bad_wave(stage: Stage, gateway: Gateway, board: Board, key: str, rules: Path) -> None:
    """Bring a wave into force whose reads fail, and wait until it is paused.

    Raises DemoError if nothing pauses it, or if its reads do not come back.
    """
    board.phase = "guardrail"
    stage.control("cloud").switch_on("outage", {"duration_s": OUTAGE_S, "mode": "503"})
    gateway.apply(rules, "a wave that goes wrong")
    board.note("wave 3: German product reads go to a cloud ERP that is down", "flip")
    url = f"{stage.gateways[0].url}/v1/products/{SKU}?legal_entity=DE01"
    failed = sum(_status(url, key) >= 500 for _ in range(READS))
    board.note(f"{failed} of {READS} reads failed", "fault")
    until = time.monotonic() + PAUSED_WITHIN_S
    while _newest_kind(gateway) != "guardrail":
        if time.monotonic() > until:
            raise DemoError(f"no guardrail paused the bad wave within {PAUSED_WITHIN_S:g} s")
        time.sleep(0.5)
    line = gateway.history()["history"][0]
    board.note(f"paused by {line['by']}: {line['note']}", "good")
    status = _status(url, key)
    if status != 200:
        raise DemoError(f"a read of the paused wave was answered {status}")
    board.note("its reads are answered again, by the legacy ERP", "good")


def _newest_kind(gateway: Gateway) -> str:
    return str(gateway.history()["history"][0]["kind"])


def _status(url: str, key: str) -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 -- our own
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
