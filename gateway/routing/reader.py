"""One file of rules: from YAML to values. What rules do to each other is ``check``'s business.

What is wrong goes on the sheet, and reading always goes on to the end of the file, so that one
run shows all problems.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.canonical.process import ERPS, PROCESSES, Kind, Process, Target
from gateway.routing.guardrail_reader import read_guardrails
from gateway.routing.model import (
    DATE,
    HUNDREDTHS,
    Mode,
    OlderOrders,
    Place,
    Rule,
    Vocabulary,
    Wave,
    modes_of,
)
from gateway.routing.sheet import Sheet, Value
from gateway.routing.when import When, read_when

RULE_KEYS: Final = ("id", "process", "when", "mode", "cloud_percent", "sticky_by", "shadow")
#: Keys that only a default has.
DEFAULT_KEYS: Final = ("needs",)
WAVE_KEYS: Final = ("wave", "owner", "depends_on", "older_orders", "guardrails", "rules")
DEFAULTS_KEYS: Final = ("rules",)

_PERCENT: Final = re.compile(r"(\d{1,3})(?:\.(\d{1,2}))?")

_FROM_A_DAY: Final = "business_date: {from: YYYY-MM-DD}"


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known of a rule in a file, valid or not, so that checks across files see them all."""

    place: Place
    rule_id: str | None
    process: str | None
    rule: Rule | None


@dataclass(frozen=True, slots=True)
class WaveDraft:
    """A wave in a file, with the places of its name and of each wave it depends on."""

    wave: Wave
    place: Place
    depends_on: tuple[tuple[str, Place], ...]


def read_defaults(sheet: Sheet, root: Value) -> list[Draft] | None:
    """Return the rules of ``defaults.yaml``, None if it has no rules at all."""
    found = sheet.mapping(root, DEFAULTS_KEYS)
    if found is None or not sheet.required(root, found, "rules"):
        return None
    return _rules(sheet, Vocabulary(), found["rules"], None)


def read_wave(
    sheet: Sheet, root: Value, vocabulary: Vocabulary
) -> tuple[WaveDraft | None, list[Draft]]:
    """Return a wave and its rules; no wave if it has no proper name and owner."""
    found = sheet.mapping(root, WAVE_KEYS)
    if found is None:
        return None, []
    sheet.required(root, found, "wave", "owner", "rules")
    name = sheet.name(found["wave"]) if "wave" in found else None
    owner = sheet.text(found["owner"]) if "owner" in found else None
    before = sheet.texts(found["depends_on"]) if "depends_on" in found else []
    drafts = _rules(sheet, vocabulary, found["rules"], name or "") if "rules" in found else []
    guardrails = read_guardrails(sheet, found["guardrails"]) if "guardrails" in found else ()
    older = OlderOrders.IMPORTED
    if "older_orders" in found:
        said = sheet.choice(found["older_orders"], list(OlderOrders), "way of older orders")
        older = OlderOrders(said) if said else older
    if name is None or owner is None:
        return None, drafts
    wave = Wave(name, owner, tuple(sorted(other for other, _ in before)), guardrails, older)
    depends_on = tuple((other, sheet.place(at)) for other, at in before)
    return WaveDraft(wave, sheet.place(found["wave"]), depends_on), drafts


def _rules(sheet: Sheet, vocabulary: Vocabulary, at: Value, wave: str | None) -> list[Draft]:
    drafts = [_RuleReader(sheet, vocabulary, wave).read(item) for item in sheet.items(at)]
    return [draft for draft in drafts if draft is not None]


class _RuleReader:
    """Reads the rules of one file; ``wave`` is None for defaults."""

    def __init__(self, sheet: Sheet, vocabulary: Vocabulary, wave: str | None) -> None:
        self._sheet = sheet
        self._vocabulary = vocabulary
        self._wave = wave

    def read(self, value: Value) -> Draft | None:
        """Return one rule; the draft holds no rule if there is a problem with it."""
        problems_before = len(self._sheet.problems)
        keys = RULE_KEYS if self._wave is not None else RULE_KEYS + DEFAULT_KEYS
        found = self._sheet.mapping(value, RULE_KEYS + DEFAULT_KEYS, keys)
        if found is None:
            return None
        self._sheet.required(value, found, "id", "process", "mode")
        rule_id = self._sheet.name(found["id"]) if "id" in found else None
        process = self._process(found)
        rule = None if process is None else self._rule(value, found, process, rule_id or "")
        if len(self._sheet.problems) > problems_before:
            rule = None
        return Draft(self._sheet.place(value), rule_id, process.name if process else None, rule)

    def _process(self, found: Mapping[str, Value]) -> Process | None:
        if "process" not in found:
            return None
        name = self._sheet.choice(found["process"], PROCESSES, "process")
        return None if name is None else PROCESSES[name]

    def _rule(
        self, value: Value, found: Mapping[str, Value], process: Process, rule_id: str
    ) -> Rule | None:
        problems_before = len(self._sheet.problems)
        when = self._when(value, found, process)
        mode = self._mode(found["mode"], process) if "mode" in found else None
        if mode is Mode.CLOUD and len(self._sheet.problems) == problems_before:
            self._check_first_day(found["mode"], process, when)
        percent_hundredths, sticky_by = self._split(value, found, process, mode)
        shadow = self._shadow(found["shadow"], mode) if "shadow" in found else None
        if mode is None:
            return None
        return Rule(
            rule_id=rule_id,
            process=process.name,
            mode=mode,
            when=when.values,
            dates=when.dates,
            percent_hundredths=percent_hundredths,
            sticky_by=sticky_by,
            shadow=shadow,
            wave=self._wave or "",
            needs=self._needs(found["needs"], process) if "needs" in found else (),
            place=self._sheet.place(value),
        )

    def _when(self, value: Value, found: Mapping[str, Value], process: Process) -> When:
        at = found.get("when")
        empty = at is None or (at.is_mapping and at.is_empty)
        if self._wave is None:
            if at is not None and not empty:
                self._sheet.report(
                    at, "a default matches every request", "remove it, or move the rule to a wave"
                )
            return When()
        if empty:
            self._sheet.report(
                at or value, "a rule of a wave must say when it applies",
                f"name some of {', '.join(process.basis)} in 'when', or change the default in "
                "defaults.yaml instead",
            )  # fmt: skip
        return When() if at is None else read_when(self._sheet, self._vocabulary, at, process)

    def _needs(self, at: Value, process: Process) -> tuple[str, ...]:
        """Return the processes this one needs; what they do to each other is for ``check``."""
        if self._wave is not None:
            self._sheet.report(
                at, "what a process needs holds for all its rules",
                f"write it at the default of {process.name} in defaults.yaml",
            )  # fmt: skip
        elif process.kind is Kind.FOLLOW_UP:
            self._sheet.report(
                at, f"{process.name} {_why_not(Mode.CLOUD, process).removeprefix('it ')}",
                "write it at the process that begins its business object",
            )  # fmt: skip
        named = [self._sheet.choice(it, PROCESSES, "process")
                 for it in (self._sheet.items(at) if at.is_list else [at])]  # fmt: skip
        return tuple(sorted({it for it in named if it is not None}))

    def _mode(self, at: Value, process: Process) -> Mode | None:
        word = self._sheet.choice(at, list(Mode), "mode")
        if word is None or Mode(word) in modes_of(process):
            return None if word is None else Mode(word)
        self._sheet.report(
            at, f"{process.name} cannot have mode '{word}': {_why_not(Mode(word), process)}",
            f"use {' or '.join(modes_of(process))}",
        )  # fmt: skip
        return None

    def _check_first_day(self, at: Value, process: Process, when: When) -> None:
        """See to it that what routes by business date moves from a day on, never all days."""
        if DATE not in process.basis or (when.dates and when.dates.first):
            return
        if self._wave is None:
            problem = f"as a default it would move days of {process.name} that are long closed"
            remedy = f"keep legacy, and write a rule of a wave with {_FROM_A_DAY}"
        else:
            problem = f"{process.name} moves from a business day on, and 'when' names none"
            remedy = f"add {_FROM_A_DAY}: late sales of earlier days still reach those days' ERP"
        self._sheet.report(at, problem, remedy)

    def _split(
        self, value: Value, found: Mapping[str, Value], process: Process, mode: Mode | None
    ) -> tuple[int, str]:
        """Return percentage and sticky key; 0 and "" for other modes, which may not have them."""
        given = {key: found[key] for key in ("cloud_percent", "sticky_by") if key in found}
        if mode not in (Mode.SPLIT, None):
            for at in given.values():
                self._sheet.report(at, f"means nothing with mode '{mode}'", "remove it")
            return 0, ""
        if mode is Mode.SPLIT:
            self._sheet.required(value, given, "cloud_percent", "sticky_by")
        percent = self._percent(given["cloud_percent"]) if "cloud_percent" in given else None
        sticky_by = None
        if "sticky_by" in given and process.sticky_keys:
            keys = process.sticky_keys
            sticky_by = self._sheet.choice(given["sticky_by"], keys, "sticky key")
        return percent or 0, sticky_by or ""

    def _percent(self, at: Value) -> int | None:
        """Return hundredths of a percent, from the digits as written: no float is involved."""
        text = self._sheet.text(at)
        if text is None:
            return None
        digits = _PERCENT.fullmatch(text) if at.is_number else None
        if digits is not None:
            hundredths = int(digits[1]) * 100 + int((digits[2] or "0").ljust(2, "0"))
            if hundredths <= HUNDREDTHS:
                return hundredths
        self._sheet.report(
            at, f"'{text}' is not a percentage",
            "write a number from 0 to 100, with at most two decimals and without quotes or %",
        )  # fmt: skip
        return None

    def _shadow(self, at: Value, mode: Mode | None) -> Target | None:
        word = self._sheet.choice(at, ERPS, "shadow")
        if word is None or mode is None:
            return None
        if mode not in (Mode.LEGACY, Mode.CLOUD):
            self._sheet.report(
                at, f"mode '{mode}' has no shadow", "remove it: only legacy and cloud have one"
            )
        elif word == mode:
            other = Target.LEGACY if mode is Mode.CLOUD else Target.CLOUD
            self._sheet.report(
                at, f"'{word}' serves already, it cannot be its own shadow", f"use {other}"
            )
        return Target(word)


def _why_not(mode: Mode, process: Process) -> str:
    if process.kind is Kind.FOLLOW_UP:
        return "it goes to the owner of its business object, whichever ERP that is"
    if mode is Mode.OWNER:
        return "it follows no earlier message, so there is no owner to ask"
    if mode is Mode.HOLD:
        return "reads go on while writes are held"
    return "it moves by legal entity or store, never by percentage"
