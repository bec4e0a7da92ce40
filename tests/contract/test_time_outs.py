"""The time-out configured for a process is what a send of it gets, in each dialect.

The answer trickles in for longer than the short time-out and for less than the long one: what was
cut off is an outcome nobody knows, all else is an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from gateway.canonical.outcome import Unknown
from gateway.canonical.process import Target
from gateway.commands.setup import first_configuration
from gateway.erp.cloud.adapter import CLOUD_TIMING
from gateway.erp.legacy.adapter import LEGACY_TIMING
from gateway.errors import ConfigError
from gateway.ports import Erp
from gateway.settings import ErpSettings, Settings, load
from gateway.wiring import limits_of, timing_of
from tests.contract.erp_simulators import Simulator, new_order
from tests.unit.erp.envelopes import cancellation, envelope, returned, sale

pytestmark = pytest.mark.anyio

USUAL = {"legacy": LEGACY_TIMING, "cloud": CLOUD_TIMING}
DRIP_MS = 900
SHORT_S, LONG_S = 0.3, 20.0
CHANNELS = ("webshop", "marketplace", "pos", "returns-desk", "ops")
SOME = ("order.intake", "return.credit")


@pytest.mark.parametrize(("usual_s", "some_s"), [(LONG_S, SHORT_S), (SHORT_S, LONG_S)])
async def test_a_send_gets_the_time_out_of_its_process(
    simulator: Simulator, adapters: Callable[..., Erp], usual_s: float, some_s: float
) -> None:
    configured = ErpSettings(
        url=simulator.url, request_s=usual_s, request_s_by_process=dict.fromkeys(SOME, some_s)
    )
    erp = adapters(timing_of(configured, USUAL[simulator.system]))
    await erp.has_order("webshop", "any", "NL01")  # so that the token is there
    messages = [
        new_order(), envelope(returned()), envelope(cancellation("SHOP-NONE")), envelope(sale()),
    ]  # fmt: skip
    simulator.fault("slow_drip", delay_ms=DRIP_MS, count=len(messages))
    outcomes = await asyncio.gather(*(erp.send(it) for it in messages))
    cut_off = {it.process for it, said in zip(messages, outcomes, strict=True)
               if isinstance(said, Unknown)}  # fmt: skip
    short = {it.process for it in messages if erp.timing.request_of(it.process) == SHORT_S * 1000}
    assert cut_off == short
    assert 0 < len(short) < len(messages)


@pytest.mark.parametrize(
    ("by_process", "said"),
    [
        ({"order.intak": 5}, "'order.intak' is no process; there are order.intake, order.canc"),
        ({"catalog.price": 5}, "'catalog.price' is only read, within seconds; there are order.in"),
        ({"store.sale": 0}, "store.sale has 0; give seconds above 0"),
        ({"store.sale": -3}, "store.sale has -3; give seconds above 0"),
        ({"store.sale": "soon"}, "request_s_by_process.store.sale: Input should be a valid numb"),
        ({"store.sale": float("nan")}, "request_s_by_process.store.sale: Input should be a finite"),
        ({"store.sale": float("inf")}, "request_s_by_process.store.sale: Input should be a finite"),
        ({"store.sale": 25}, "absent_final_s 50 is too short: a request may take request_s 25"),
    ],
)
def test_a_time_out_that_cannot_work_is_refused_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_process: dict[str, Any], said: str
) -> None:
    config = first_configuration({name: f"key-{name}" for name in CHANNELS})
    config["erps"]["cloud"] |= {"absent_final_s": 50, "request_s_by_process": by_process}
    (tmp_path / "coexist.yaml").write_text(yaml.safe_dump(config))
    monkeypatch.setenv("COEXIST_CONFIG", str(tmp_path / "coexist.yaml"))
    with pytest.raises(ConfigError) as caught:
        load()
    assert said in caught.value.detail
    assert "erps.cloud" in caught.value.detail


def test_one_that_outlasts_the_dialect_s_final_absence_is_refused_at_start() -> None:
    """Only with the dialect's own figures is it known to be too long."""
    longest_s = CLOUD_TIMING.absent_final_ms / 2000
    configured = ErpSettings(url="http://erp", request_s_by_process={"store.sale": longest_s})
    with pytest.raises(ConfigError, match=r"raise absent_final_s above that"):
        timing_of(configured, CLOUD_TIMING)
    configured = ErpSettings(url="http://erp", request_s_by_process={"store.sale": longest_s - 1})
    assert timing_of(configured, CLOUD_TIMING).request_of("store.sale") == (longest_s - 1) * 1000


def test_a_permit_outlives_the_longest_call_of_any_process() -> None:
    """Or the place of a killed worker's call would be given away while it is still served."""
    cloud = ErpSettings(url="http://erp", request_s_by_process={"store.sale": 200})
    erps = SimpleNamespace(legacy=ErpSettings(url="http://erp"), cloud=cloud)
    limits = limits_of(cast("Settings", SimpleNamespace(erps=erps)))
    assert limits[Target.CLOUD].call_ms_max >= 200_000
    assert limits[Target.LEGACY].call_ms_max >= LEGACY_TIMING.request_ms
