"""How a wave fares: since its own flip, beside the day before."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.canonical.exchange.hypercare import Route
from gateway.flow.hypercare import Hypercare, Records
from tests.unit.flow.governed import Governed, intake, rules
from tests.unit.flow.test_backlog import order
from tests.unit.flow.test_guardrails import GUARDRAIL, Watched, started

pytestmark = pytest.mark.anyio


def hypercare(it: Watched) -> Hypercare:
    return Hypercare(Records(
        it.it.ledger, it.it.ledger, it.reads, it.it.ledger, it.it.ledger, it.it.book,
        it.it.versions, it.it.clock,
    ))  # fmt: skip


async def test_traffic_by_route_errors_held_and_lag(governed: Governed, tmp_path: Path) -> None:
    watched = await started(governed, tmp_path, GUARDRAIL)
    await watched.send(good=3, bad=1)
    await watched.intake.accept(order("W", watched.cloud, 2))
    await watched.project()
    for fared in ("ok", "ok", "error"):
        watched.reads.count("stock-nl", fared)
    await watched.reads.flush()
    governed.wait(30)
    german, dutch = await hypercare(watched).status()
    assert (german.wave, german.messages.keys()) == ("de", dutch.messages.keys())
    assert dutch.messages == {
        Route("order.intake", "cloud", "booked"): (3, 0),
        Route("order.intake", "cloud", "held"): (1, 0),
        Route("order.intake", "cloud", "waiting"): (1, 0),
    }
    assert dutch.reads == {
        ("inventory.availability", "error"): (1, 0), ("inventory.availability", "ok"): (2, 0),
    }  # fmt: skip
    assert (dutch.errors, dutch.answers, dutch.held_objects) == (1, 4, 1)
    assert dutch.said == ((1, 4), (0, 0))
    assert dutch.lag_s == pytest.approx(30, abs=5)
    assert (german.errors, german.held_objects, german.lag_s) == (0, 0, 0)


async def test_another_waves_flip_does_not_start_it_anew_and_yesterday_is_beside_it(
    governed: Governed, tmp_path: Path
) -> None:
    watched = await started(governed, tmp_path, GUARDRAIL)
    flipped = governed.now
    await watched.send(good=2, bad=0)
    governed.wait(3600)
    wave = intake(guardrails=[GUARDRAIL])
    wave["rules"].append(  # type: ignore[attr-defined]
        {"id": "stock-nl", "process": "inventory.availability",
         "when": {"legal_entity": "NL01"}, "mode": "cloud"}
    )  # fmt: skip
    other = rules(tmp_path, {"nl": wave, "de": intake("split", "DE01") | split()})
    await watched.publisher.apply(other, "lee", "")
    (dutch,) = await hypercare(watched).status("nl")
    (german,) = await hypercare(watched).status("de")
    assert dutch.now.start == flipped
    assert german.now.start == governed.now
    governed.wait(24 * 3600)
    (dutch,) = await hypercare(watched).status("nl")
    assert dutch.messages == {Route("order.intake", "cloud", "booked"): (0, 2)}
    assert dutch.said == ((0, 0), (0, 2))
    assert await hypercare(watched).status("nowhere") == []


def split() -> dict[str, object]:
    return {"rules": [{
        "id": "intake-de01", "process": "order.intake", "when": {"legal_entity": "DE01"},
        "mode": "split", "cloud_percent": 10, "sticky_by": "customer_ref",
    }]}  # fmt: skip
