"""The guardrails of a wave's file: from YAML to values."""

from __future__ import annotations

import re
from typing import Final

from gateway.canonical.guardrail import SIGNALS, Guardrail, Signal
from gateway.routing.sheet import Sheet, Value

GUARDRAIL_KEYS: Final = (
    "signal", "above", "window_s", "samples_min", "no_data", "cool_down_s"
)  # fmt: skip
_REQUIRED: Final = ("signal", "above", "window_s", "samples_min")
NO_DATA: Final = ("pass", "trip")

#: Longest window and cool-down: a day.
SECONDS_MAX: Final = 86_400

_NUMBER: Final = re.compile(r"\d{1,9}(\.\d{1,3})?")


def read_guardrails(sheet: Sheet, at: Value) -> tuple[Guardrail, ...]:
    """Return the guardrails of a list, by signal; what is wrong goes on the sheet."""
    found: dict[Signal, Guardrail] = {}
    for item in sheet.items(at):
        guardrail = _guardrail(sheet, item)
        if guardrail is None:
            continue
        if guardrail.signal in found:
            sheet.report(item, f"'{guardrail.signal}' is guarded twice", "keep one of them")
        found[guardrail.signal] = guardrail
    return tuple(found[signal] for signal in sorted(found))


def _guardrail(sheet: Sheet, item: Value) -> Guardrail | None:
    before = len(sheet.problems)
    found = sheet.mapping(item, GUARDRAIL_KEYS)
    if found is None or not sheet.required(
        item, found, "signal", "above", "window_s", "samples_min"
    ):
        return None
    signal = sheet.choice(found["signal"], list(SIGNALS), "signal")
    above = _number(sheet, found["above"])
    window_s = _seconds(sheet, found["window_s"])
    samples_min = _count(sheet, found["samples_min"])
    no_data = sheet.choice(found["no_data"], NO_DATA, "rule") if "no_data" in found else "pass"
    cool_down_s = _seconds(sheet, found["cool_down_s"]) if "cool_down_s" in found else 1800
    if len(sheet.problems) > before or signal is None or above is None:
        return None
    return Guardrail(
        signal=Signal(signal),
        above=above,
        window_s=window_s or 0,
        samples_min=samples_min or 0,
        trips_without_data=no_data == "trip",
        cool_down_s=cool_down_s or 0,
    )


def _number(sheet: Sheet, at: Value) -> float | None:
    text = sheet.text(at)
    if text is None:
        return None
    if not at.is_number or not _NUMBER.fullmatch(text):
        sheet.report(at, f"'{text}' is not a limit", "write a number of at least 0, as 5 or 0.5")
        return None
    return float(text)


def _count(sheet: Sheet, at: Value) -> int | None:
    text = sheet.text(at)
    if text is None:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 10**9:
        sheet.report(at, f"'{text}' is not a number of samples", "write a whole number from 1 up")
        return None
    return int(text)


def _seconds(sheet: Sheet, at: Value) -> int | None:
    text = sheet.text(at)
    if text is None:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= SECONDS_MAX:
        remedy = f"write whole seconds from 1 to {SECONDS_MAX}"
        sheet.report(at, f"'{text}' is not a number of seconds", remedy)
        return None
    return int(text)
