"""A checked set of rules, and its canonical text: what is stored, and what names the version."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final

from gateway.canonical.guardrail import Guardrail, Signal
from gateway.canonical.process import PROCESSES, Target
from gateway.errors import RulesUnavailable
from gateway.routing.model import DateRange, Mode, Rule, Wave

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
        version = sha256(text.encode()).hexdigest()[:_VERSION_DIGITS]
        return cls(in_order, waves_in_order, text, version)

    def rules_of(self, process: str) -> tuple[Rule, ...]:
        """Return the rules of one process, its default among them."""
        return tuple(rule for rule in self.rules if rule.process == process)


def parse(text: str) -> RuleSet:
    """Read a rule set back from its canonical text; raise :class:`RulesUnavailable` if damaged.

    The text was checked before it was stored, so overlaps are not looked for again; but it must
    be exactly the canonical one, or its version would name something else.
    """
    try:
        record = json.loads(text)
        if record["format"] != FORMAT:
            raise RulesUnavailable(
                f"the stored rules have format {record['format']!r}, this release reads {FORMAT}; "
                "run a release that knows it, or apply the rules anew"
            )
        rules = [_rule(each) for each in record["rules"]]
        waves = [_wave(each) for each in record["waves"]]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RulesUnavailable(
            f"the stored rules cannot be read ({type(error).__name__}: {error}); "
            "apply the rule files again"
        ) from error
    rule_set = RuleSet.of(rules, waves)
    if rule_set.text != text:
        raise RulesUnavailable(
            "the stored rules are not the canonical text that was applied: somebody edited them; "
            "apply the rule files again"
        )
    return rule_set


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
    return record


def _wave(record: Mapping[str, Any]) -> Wave:
    guardrails = [
        Guardrail(**{**each, "signal": Signal(each["signal"])})
        for each in record.get("guardrails", ())
    ]
    return Wave(record["name"], record["owner"], tuple(record["depends_on"]), tuple(guardrails))


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
    return record


def _rule(record: Mapping[str, Any]) -> Rule:
    when = dict(record.get("when", {}))
    bounds = when.pop("business_date", None)
    process = PROCESSES.get(record["process"])
    if process is None:
        raise ValueError(f"no process '{record['process']}' in this release")
    strange = set(when) - set(process.basis)
    if strange:
        raise ValueError(f"{process.name} is not routed by {', '.join(sorted(strange))}")
    shadow = record.get("shadow")
    return Rule(
        rule_id=record["id"],
        process=process.name,
        mode=Mode(record["mode"]),
        when=tuple(sorted((name, tuple(sorted(values))) for name, values in when.items())),
        dates=None if bounds is None else DateRange(bounds.get("from", ""), bounds.get("to", "")),
        percent_hundredths=record.get("cloud_percent_hundredths", 0),
        sticky_by=record.get("sticky_by", ""),
        shadow=None if shadow is None else Target(shadow),
        wave=record.get("wave", ""),
    )
