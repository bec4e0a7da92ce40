"""A checked set of rules, and its canonical text: what is stored, and what names the version."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final

import msgspec

from gateway.canonical.process import PROCESSES, Target
from gateway.errors import RulesUnavailable
from gateway.routing.implied import implied
from gateway.routing.model import DateRange, Mode, OlderOrders, Rule, Wave

#: Raised whenever a text written before could be read differently.
FORMAT: Final = 1

_VERSION_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules and waves in canonical order, their canonical JSON, and the version it has.

    The ``version`` is the first 12 hex digits of the text's SHA-256: it depends on what the rules
    say, not on how the files are laid out, ordered or commented. Made by ``load`` and ``parse``;
    :meth:`of` does not check anything.
    """

    rules: tuple[Rule, ...]
    waves: tuple[Wave, ...]
    text: str
    version: str

    @classmethod
    def of(cls, rules: Iterable[Rule], waves: Iterable[Wave] = ()) -> RuleSet:
        """Order rules by process and id, waves by name, and write the canonical text."""
        in_order = tuple(sorted(rules, key=lambda rule: (rule.process, rule.rule_id)))
        waves_in_order = tuple(sorted(waves, key=lambda wave: wave.name))
        text = _render(in_order, waves_in_order)
        return cls(in_order, waves_in_order, text, _version_of(text))

    def rules_of(self, process: str) -> tuple[Rule, ...]:
        """Return the rules of one process, its default among them, also one nobody wrote."""
        found = [rule for rule in self.rules if rule.process == process]
        return (*found, *(it for it in implied(found) if it.process == process))


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A rule as the canonical text has it."""

    id: str
    process: str
    mode: Mode
    when: dict[str, tuple[str, ...] | dict[str, str]] = {}
    cloud_percent_hundredths: int = 0
    sticky_by: str = ""
    shadow: Target | None = None
    wave: str = ""
    needs: tuple[str, ...] = ()


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rules: tuple[_Record, ...]
    waves: tuple[Wave, ...]
    format: int = 0


class _Head(msgspec.Struct, frozen=True):
    """What every format has."""

    format: int = 0


_decode: Final = msgspec.json.Decoder(_Document).decode
_head: Final = msgspec.json.Decoder(_Head).decode


def parse(text: str, version: str) -> RuleSet:
    """Read back what is stored as ``version``; raise :class:`RulesUnavailable` if it is not that.

    The text was checked before it was stored, so overlaps are not looked for again: a text that
    has its version's digest is the one :meth:`RuleSet.of` wrote, in its order.
    """
    if _version_of(text) != version:
        raise RulesUnavailable(
            f"what is stored as rule version {version} is another text: somebody edited it; "
            "apply the rule files again"
        )
    try:
        if (found := _head(text).format) != FORMAT:
            raise RulesUnavailable(
                f"the stored rules have format {found}, this release reads {FORMAT}; "
                "run a release that knows it, or apply the rules anew"
            )
        document = _decode(text)
        rules = tuple(_rule(record) for record in document.rules)
    except (msgspec.DecodeError, ValueError) as error:
        raise RulesUnavailable(
            f"the stored rules cannot be read ({error}); apply the rule files again"
        ) from error
    return RuleSet(rules, document.waves, text, version)


def _version_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:_VERSION_DIGITS]


def _render(rules: Iterable[Rule], waves: Iterable[Wave]) -> str:
    record = {
        "format": FORMAT,
        "rules": [_record(rule) for rule in rules],
        "waves": [_wave_record(wave) for wave in waves],
    }
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


def _wave_record(wave: Wave) -> dict[str, Any]:
    record: dict[str, Any] = {
        "name": wave.name,
        "owner": wave.owner,
        "depends_on": sorted(wave.depends_on),
    }
    if wave.guardrails:
        record["guardrails"] = [asdict(it) for it in wave.guardrails]
    if wave.older_orders is not OlderOrders.IMPORTED:
        record["older_orders"] = wave.older_orders.value
    return record


def _record(rule: Rule) -> dict[str, Any]:
    """Write a rule without what does not apply to it, so that a new key changes no old version."""
    when: dict[str, Any] = {name: list(values) for name, values in rule.when}
    if rule.dates is not None:
        bounds = {"from": rule.dates.first, "to": rule.dates.last}
        when["business_date"] = {word: day for word, day in bounds.items() if day}
    record: dict[str, Any] = {"id": rule.rule_id, "process": rule.process, "mode": rule.mode.value}
    if when:
        record["when"] = when
    if rule.mode is Mode.SPLIT:
        record["cloud_percent_hundredths"] = rule.percent_hundredths
        record["sticky_by"] = rule.sticky_by
    if rule.shadow is not None:
        record["shadow"] = rule.shadow.value
    if rule.wave:
        record["wave"] = rule.wave
    if rule.needs:
        record["needs"] = list(rule.needs)
    return record


def _rule(record: _Record) -> Rule:
    process = PROCESSES.get(record.process)
    if process is None:
        raise ValueError(f"no process '{record.process}' in this release")
    strange = record.when.keys() - set(process.basis)
    if strange:
        raise ValueError(f"{process.name} is not routed by {', '.join(sorted(strange))}")
    when, dates = [], None
    for name, values in record.when.items():
        if isinstance(values, tuple):
            when.append((name, values))
        else:
            dates = DateRange(values.get("from", ""), values.get("to", ""))
    return Rule(
        rule_id=record.id,
        process=process.name,
        mode=record.mode,
        when=tuple(when),
        dates=dates,
        percent_hundredths=record.cloud_percent_hundredths,
        sticky_by=record.sticky_by,
        shadow=record.shadow,
        wave=record.wave,
        needs=record.needs,
    )
