"""Enquire: decide by the rules in force, ask that ERP through its quota, answer canonically."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from pydantic import BaseModel

from gateway.canonical.enquiry import Availability, Price, Product
from gateway.canonical.process import Target
from gateway.errors import CoexistError, ErpUnavailable, NotFound
from gateway.flow.calls import Caller
from gateway.flow.shadow import Shadows
from gateway.flow.versions import RuleVersions
from gateway.ports import Erp
from gateway.routing.facts import Decision, Facts

T = TypeVar("T", bound=BaseModel)


class Enquiries:
    """Reads that shoppers and tills wait for."""

    def __init__(
        self,
        versions: RuleVersions,
        erps: Mapping[Target, Erp],
        caller: Caller,
        note: Callable[[Facts, Decision], None] = lambda _facts, _decision: None,
        shadows: Shadows | None = None,
        fared: Callable[[str, str], None] = lambda _rule_id, _how: None,
    ) -> None:
        self._versions = versions
        self._erps = erps
        self._caller = caller
        self._note = note
        self._shadows = shadows
        self._fared = fared

    async def availability(self, facts: Facts) -> Availability:
        """Return what may be promised of ``facts.sku``."""
        return await self._ask(facts, lambda erp: erp.availability(facts.sku, facts.legal_entity))

    async def price(self, facts: Facts) -> Price:
        """Return the price of ``facts.sku``."""
        return await self._ask(facts, lambda erp: erp.price(facts.sku, facts.legal_entity))

    async def product(self, facts: Facts) -> Product:
        """Return the item ``facts.sku``."""
        return await self._ask(facts, lambda erp: erp.product(facts.sku, facts.legal_entity))

    async def _ask(self, facts: Facts, question: Callable[[Erp], Awaitable[T | None]]) -> T:
        target, decision = await self._serving(facts)
        erp = self._erps[target]
        try:
            answer = await self._caller.call(
                erp.name, lambda: question(erp), lasts_ms=erp.timing.enquiry_ms,
                process=facts.process,
            )  # fmt: skip
        except CoexistError:
            self._fared(decision.rule_id, "error")
            raise
        self._fared(decision.rule_id, "ok")
        if self._shadows is not None:
            self._shadows.read(facts, decision, answer, question)
        if answer is None:
            raise NotFound(f"no item with SKU {facts.sku!r} is known; check the SKU")
        return answer

    async def _serving(self, facts: Facts) -> tuple[Target, Decision]:
        _, rules = await self._versions.current()
        decision = rules.decide(facts)
        self._note(facts, decision)
        target = decision.target
        if target is None or target is Target.HOLD:
            raise ErpUnavailable("this enquiry is on hold for a moment; repeat later", 5)
        return target, decision
