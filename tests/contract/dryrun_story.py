"""Recorded traffic that a dry run's figures can be counted from by hand, and a draft to decide it.

The story is told twice: to the recorder, and as a plain list of what was asked, where it went, and
where the draft's rules, read aloud, would send it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

from gateway.canonical.process import PROCESSES, Kind
from gateway.routing.facts import Facts
from gateway.routing.model import Mode, Rule
from gateway.routing.recorded import Recorder, Said
from gateway.routing.ruleset import RuleSet
from gateway.store.ledger import SqlLedger

HOUR_S, HOURS = 3600, 4
START_S = 1_795_000_000 // HOUR_S * HOUR_S


@dataclass(frozen=True)
class Asked:
    """One request as it was, and where it went."""

    process: str
    channel: str
    entity: str
    minute: int
    went: str
    goes: str = ""
    value: Decimal = Decimal(0)
    customer: str = ""
    ref: str = ""
    store: str = ""

    @property
    def hour(self) -> int:
        return self.minute // 60


def draft() -> RuleSet:
    """Web orders of NL01 go to the cloud, those of DE01 back; prices of apps; a kiosk's sales."""
    defaults = [
        Rule(f"d-{name}", name, Mode.OWNER if it.kind is Kind.FOLLOW_UP else Mode.LEGACY)
        for name, it in PROCESSES.items()
        if name != "catalog.product"  # a process the draft has forgotten
    ]
    return RuleSet.of([
        *defaults,
        Rule("nl", "order.intake", Mode.CLOUD,
             (("channel", ("web",)), ("legal_entity", ("NL01",)))),
        Rule("app", "catalog.price", Mode.CLOUD, (("channel", ("app",)),)),
        Rule("kiosk", "store.sale", Mode.CLOUD, (("channel", ("kiosk",)),)),
        Rule("fr", "order.intake", Mode.SPLIT, (("legal_entity", ("FR01",)),),
             percent_hundredths=10_000, sticky_by="customer_ref"),
    ])  # fmt: skip


def story(chance: Random) -> list[Asked]:
    """What happened: DE01 in the cloud, everything else in legacy; then where it would go."""
    asked: list[Asked] = []
    owners: dict[str, tuple[str, str]] = {}
    days: dict[str, str] = {}
    for n in range(600):
        minute = n * HOURS * 60 // 600
        entity, channel = chance.choice(("NL01", "DE01", "FR01")), chance.choice(("web", "app"))
        what = chance.choice(("order.intake", "order.intake", "catalog.price", "return.credit",
                              "store.sale", "catalog.product"))  # fmt: skip
        it = Asked(what, channel, entity, minute, "legacy", "legacy")
        value = Decimal(chance.randrange(100, 90_000)) / 100
        if what == "order.intake":
            customer = chance.choice([f"C-{at}" for at in range(40)] + ["", ""])
            went = "cloud" if entity == "DE01" else "legacy"
            goes = "cloud" if entity == "NL01" and channel == "web" else "legacy"
            if entity == "FR01":
                goes = "cloud" if customer else "legacy"
            owners[f"O-{n}"] = (went, goes)
            it = replace(it, went=went, goes=goes, customer=customer, ref=f"O-{n}", value=value)
        elif what == "return.credit" and owners:
            ref = chance.choice(list(owners))
            went, goes = owners[ref]
            it = replace(it, went=went, goes=goes, ref=ref, value=value)
        elif what == "return.credit":
            continue
        elif what == "store.sale":
            store = f"S-{chance.randrange(12)}"
            channel = chance.choice(("till", "kiosk"))
            wanted = "cloud" if channel == "kiosk" else "legacy"
            goes = days.setdefault(store, wanted)
            it = replace(it, channel=channel, store=store, goes=goes, value=value)
        elif what == "catalog.price":
            it = replace(it, goes="cloud" if channel == "app" else "legacy")
        asked.append(it)
    # A rush of web orders in the last hour, more than the cloud ERP may be asked in a minute.
    for n in range(120):
        customer = f"R-{n}"
        asked.append(Asked("order.intake", "web", "NL01", 200 + n // 40, "legacy", "cloud",
                           Decimal("10.00"), customer, f"RUSH-{n}"))  # fmt: skip
    return sorted(asked, key=lambda it: it.minute)


def key(it: Asked) -> str:
    return f"order:{it.ref}" if it.ref else f"store-day:{it.store}" if it.store else ""


async def keep(ledger: SqlLedger, asked: list[Asked]) -> None:
    recorder = Recorder("a test")
    for first in range(0, len(asked), 50):
        rows = []
        for n, it in enumerate(asked[first : first + 50]):
            facts = Facts(
                it.process, channel=it.channel, legal_entity=it.entity, customer_ref=it.customer,
                order_ref=it.ref, store=it.store,
                business_date="2026-11-21" if it.store else "",
            )  # fmt: skip
            at_ms = (START_S + it.minute * 60) * 1000 + n
            money = (str(it.value), "EUR") if it.value else ("", "")
            rows.append(recorder.of(facts, Said(it.went, "r", "v0"), at_ms, key(it), money))
        await ledger.keep_decisions("test", first, rows)
