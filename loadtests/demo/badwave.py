"""A wave that goes wrong, after the traffic: its guardrail sends its reads back by itself.

While the last sends are still waited for, so that it costs a watcher little time. Its rules say
nothing of writes: what is booked where is not touched by it.
"""

from __future__ import annotations

import time
import urllib.error
from collections.abc import Callable
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from loadtests.demo.board import Board
from loadtests.demo.errors import Unmet
from loadtests.demo.stage import Stage

CHANNEL = "webshop"
SKU = "TEE-BLK-M"
#: Reads at first; the guardrail wants to see five calls fail, and not every read makes one.
READS = 8
#: The guardrail looks every second, and its flip and its notice take less than another.
PAUSED_WITHIN_S = 30.0
OUTAGE_S = 60.0
KIND = "wave.tripped"
LOOK_S = 0.2

#: Waits for a webhook of a kind for so long, in s; what it said, or None.
Told = Callable[[str, float], dict[str, Any] | None]

_OPENER = build_opener(ProxyHandler({}))


def bad_wave(
    stage: Stage,
    board: Board,
    key: str,
    apply: Callable[[], object],
    told: Told,
) -> str:
    """Bring a wave into force whose reads fail, and wait until it is paused and said to be.

    Return its name as the webhook gave it. ``key`` reads products; ``apply`` brings the wave into
    force; ``told`` waits for a webhook. Raises Unmet if nothing pauses the wave, or if its reads
    do not come back.
    """
    board.phase = "guardrail"
    apply()
    stage.control("cloud").switch_on("outage", {"duration_s": OUTAGE_S, "mode": "503"})
    url = f"{stage.gateways[0].url}/v1/products/{SKU}?legal_entity=DE01"
    failed = sum(_status(url, key) >= 500 for _ in range(READS))
    board.note(f"the cloud ERP is down: {failed} of {READS} product reads failed", "fault")
    notice = _paused(url, key, told)
    board.note(
        f"webhook: {notice['wave']} is paused by its guardrail, {notice['signal']} "
        f"{_figures(notice)}",
        "good",
    )
    _read_again(url, key)
    board.note("its reads are answered again, by the legacy ERP", "good")
    return str(notice["wave"])


def _paused(url: str, key: str, told: Told) -> dict[str, Any]:
    """Go on reading until somebody is told. Raises Unmet."""
    until = time.monotonic() + PAUSED_WITHIN_S
    while (notice := told(KIND, LOOK_S)) is None:
        if time.monotonic() > until:
            raise Unmet(f"nobody was told of a paused wave within {PAUSED_WITHIN_S:g} s")
        _status(url, key)
    return notice


def _figures(notice: dict[str, Any]) -> str:
    return f"{notice['value']} against {notice['above']}, {notice['samples']} samples"


def _read_again(url: str, key: str) -> None:
    """See a read answered. Raises Unmet."""
    until = time.monotonic() + PAUSED_WITHIN_S
    while (status := _status(url, key)) != 200:
        if time.monotonic() > until:
            raise Unmet(f"a read of the paused wave was answered {status}")
        time.sleep(LOOK_S)


def _status(url: str, key: str) -> int:
    request = Request(url, headers={"Authorization": f"Bearer {key}"})  # noqa: S310 -- the URL of our own process
    try:
        with _OPENER.open(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
