"""Windows bind whatever is called, not deliveries alone: reads, look-ups, shadows, staff's probes.

Each is asked with its own deadline. A call that may last longer than an enquiry has to start
earlier, and what is about one process waits for a window of that process.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from random import Random
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest

from gateway.canonical.enquiry import Price
from gateway.canonical.envelope import Envelope
from gateway.canonical.exchange import Limits
from gateway.canonical.outcome import Booked
from gateway.canonical.process import Target
from gateway.canonical.validation import Valid, Validated
from gateway.errors import Conflict, ErpUnavailable, NotFound
from gateway.flow.calls import Caller
from gateway.flow.correct import Corrector
from gateway.flow.enquire import Enquiries
from gateway.flow.owners import Found, OwnerFinder, Undecided
from gateway.flow.reconcile import Reconciler
from gateway.flow.shadow import How, Shadows
from gateway.policy.windows import MARGIN_MS
from gateway.routing.facts import Decision, Facts
from tests.unit.erp.envelopes import envelope, order
from tests.unit.flow.doubles import Notes, OpenQuotas, ScriptedErp, StillClock
from tests.unit.flow.test_closed import closing
from tests.valkey import Buffer

pytestmark = pytest.mark.anyio

LEGACY, CLOUD = Target.LEGACY, Target.CLOUD
REQUEST_S, LONG_S, ENQUIRY_S = 30, 45, 5
PRICE, INTAKE = "catalog.price", "order.intake"
FACTS = Facts(PRICE, channel="webshop", legal_entity="NL01", sku="S-1")
ORDER = envelope(order())
HOW = How(in_flight_max=4, controls_one_in=0, money_tolerance=Decimal(0), skew_s=300)


class Asked(ScriptedErp):
    """An ERP that answers everything, and counts."""

    def __init__(self) -> None:
        super().__init__(LEGACY)
        self.timing = replace(
            self.timing, request_ms=REQUEST_S * 1000, by_process={INTAKE: LONG_S * 1000}
        )
        self.found, self.probes, self.orders = [["D-1"]], [Booked("D-1")], {"A-1"}

    async def price(self, sku: str, legal_entity: str) -> Price | None:
        self.asked.append(("price", sku))
        return None

    async def validate(self, envelope: Envelope) -> Validated:
        self.asked.append(("validate", envelope.transaction_id))
        return Valid()


class Anybody:
    """Whatever else these use cases know, and do not ask here."""

    def __getattr__(self, _: str) -> Any:
        async def answer(*_: object, **__: object) -> None:
            return None

        return answer


def caller(buffer: Buffer, in_s: float, process: str) -> Caller:
    quotas = OpenQuotas(buffer.client, {LEGACY: Limits(5, (), 3000)})
    windows = closing(in_s, 600, process=process)
    return Caller(quotas, StillClock(), windows, patience_ms=0)


async def an_enquiry(erp: Asked, by: Caller) -> None:
    rules = SimpleNamespace(decide=lambda _: Decision(LEGACY, "r", "v", "", None))

    class Versions(Anybody):
        async def current(self) -> tuple[None, Any]:
            return None, rules

    await Enquiries(cast("Any", Versions()), {LEGACY: erp}, by).price(FACTS)


async def a_shadow(erp: Asked, by: Caller, *, write: bool) -> None:
    notes, chance = Notes(), Random(1)
    shadows = Shadows(cast("Any", Anybody()), {LEGACY: erp}, by, HOW, StillClock(), notes, chance)
    decision = Decision(CLOUD, "r", "v", "", LEGACY)
    if write:
        shadows.write(ORDER, decision, Booked("D-1"))
    else:
        shadows.read(FACTS, decision, None, lambda it: it.price("S-1", "NL01"))
    await shadows.settled()
    assert notes.troubles == []


async def a_look_for_the_owner(erp: Asked, by: Caller) -> None:
    finder = OwnerFinder(cast("Any", Anybody()), {LEGACY: erp}, by)
    found = await finder.find("order:webshop:A-1", "webshop", "A-1", ["NL01"])
    assert isinstance(found, Found | Undecided)


async def a_second_look(erp: Asked, by: Caller) -> None:
    record = SimpleNamespace(owner=LEGACY, envelope=ORDER, transaction_id="T", state="booked")

    class Looks(Anybody):
        async def second_looks(self, *_: object) -> list[Any]:
            return [] if erp.asked or told else [SimpleNamespace(record=record, looks=0)]

    told: list[Any] = []
    it: Any = Anybody()
    reconciler = Reconciler(cast("Any", Looks()), {LEGACY: erp}, by, it, it, StillClock())
    async for each in reconciler.sweep():
        told.append(each)  # noqa: PERF401 -- the look-ups stop when it is there


async def a_probe_of_staff(erp: Asked, by: Caller) -> None:
    case = SimpleNamespace(
        attempts=1, owner=LEGACY, transaction_id="T", open_ms=None,
        payload=ORDER.model_dump_json().encode(),
    )  # fmt: skip
    corrector = Corrector(cast("Any", SimpleNamespace(lanes=Anybody())), {LEGACY: erp}, by)
    await corrector._absent(cast("Any", case))


Act = Callable[[Asked, Caller], Awaitable[None]]
CALLS: Final[dict[str, tuple[Act, float, str]]] = {
    "enquiry": (an_enquiry, ENQUIRY_S, PRICE),
    "shadow of a read": (lambda e, by: a_shadow(e, by, write=False), ENQUIRY_S, PRICE),
    "shadow of a write": (lambda e, by: a_shadow(e, by, write=True), LONG_S, INTAKE),
    "look for an owner": (a_look_for_the_owner, ENQUIRY_S, ""),
    "second look": (a_second_look, REQUEST_S, INTAKE),
    "probe of staff": (a_probe_of_staff, REQUEST_S, INTAKE),
}


@pytest.mark.parametrize("name", CALLS)
async def test_what_could_not_end_before_the_window_is_not_asked(buffer: Buffer, name: str) -> None:
    act, deadline_s, process = CALLS[name]
    longest_s = deadline_s + MARGIN_MS / 1000
    for about in {process, ""}:
        erp = Asked()
        with suppress(ErpUnavailable):
            await act(erp, caller(buffer, longest_s - 0.1, about))
        assert erp.asked == [], "it could have reached into the window"
        with suppress(NotFound, Conflict):  # of what it says when it is asked
            await act(erp, caller(buffer, longest_s + 0.1, about))
        assert len(erp.asked) == 1
