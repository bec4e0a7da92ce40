"""The JSON Schema of rule files, for editors; ``load`` checks the same and more, with remedies.

``python -m gateway.routing.schema > routing_rules/rules.schema.json`` writes it anew.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from gateway.canonical.guardrail import SIGNALS
from gateway.canonical.process import ERPS, PROCESSES, Process
from gateway.routing.guardrail_reader import NO_DATA, SECONDS_MAX
from gateway.routing.model import DATE, OlderOrders, modes_of

_NAME = {"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$"}
_DAY = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}

_VALUE = {
    "type": ["string", "number", "boolean"],
    "pattern": "^[^*]+[*]?$",
    "description": "A value as it is written, or a prefix: NL-* is all that begins with NL-.",
}


def schema() -> str:
    """Return the schema as JSON text (draft 2020-12), generated from the process table."""
    names = dict.fromkeys(name for process in PROCESSES.values() for name in process.basis)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Routing rules: defaults.yaml and waves/*.yaml",
        "oneOf": [{"$ref": "#/$defs/defaults"}, {"$ref": "#/$defs/wave"}],
        "$defs": {
            "defaults": _object({"rules": _rules("default")}, required=["rules"]),
            "wave": _object(
                {
                    "wave": {**_NAME, "description": "The wave's name."},
                    "owner": {"type": "string", "description": "The team that answers for it."},
                    "depends_on": {
                        "description": "Waves that come before this one.",
                        **_one_or_more(_NAME, at_least=0),
                    },
                    "older_orders": {
                        "enum": [str(it) for it in OlderOrders],
                        "description": "How orders older than the gateway get their owner: "
                        "imported from a file before the wave moves (default), looked-up in both "
                        "ERPs one by one, or none are older.",
                    },
                    "guardrails": {
                        "type": "array",
                        "items": {"$ref": "#/$defs/guardrail"},
                        "description": "What is watched while the wave is in force.",
                    },
                    "rules": _rules("rule"),
                },
                required=["wave", "owner", "rules"],
            ),
            "guardrail": _guardrail(),
            "rule": _of_a_wave(),
            "default": _default(),
            "dimensions": {name: _dimension(name) for name in names},
        },
    }
    return json.dumps(document, indent=2) + "\n"


def _rule(required: list[str]) -> dict[str, Any]:
    return {
        **_object(
            {
                "id": {**_NAME, "description": "Unique over all files."},
                "process": {"enum": list(PROCESSES)},
                "when": {"type": "object", "description": "All dimensions must match."},
                "mode": {"description": "What becomes of the requests this rule wins."},
                "cloud_percent": {
                    "type": "number", "minimum": 0, "maximum": 100,
                    "description": "mode split: the share in percent, at most two decimals.",
                },
                "sticky_by": {"description": "mode split: the fact whose hash decides."},
                "shadow": {"enum": [str(erp) for erp in ERPS]},
            },
            required=required,
        ),
        "allOf": [*map(_of_process, PROCESSES.values()), _split(), *_shadows()],
    }  # fmt: skip


def _of_a_wave() -> dict[str, Any]:
    found = _rule(["id", "process", "when", "mode"])
    found["properties"]["when"]["minProperties"] = 1
    for process in PROCESSES.values():
        if DATE in process.basis:
            found["allOf"].append(_from_a_day(process))
    return found


def _default() -> dict[str, Any]:
    found = _rule(["id", "process", "mode"])
    found["properties"]["needs"] = {
        "description": "Processes the cloud ERP must serve wherever it serves this one.",
        **_one_or_more({"enum": list(PROCESSES)}, at_least=0),
    }
    for process in PROCESSES.values():
        if DATE in process.basis:  # as a default it would move days that are long closed
            never = {"properties": {"mode": {"not": {"const": "cloud"}}}}
            named = {"properties": {"process": {"const": process.name}}}
            found["allOf"].append({"if": named, "then": never})
    return found


def _guardrail() -> dict[str, Any]:
    signals = [{"const": str(name), "description": text} for name, text in SIGNALS.items()]
    seconds = {"type": "integer", "minimum": 1, "maximum": SECONDS_MAX}
    return _object(
        {
            "signal": {"oneOf": signals},
            "above": {"type": "number", "minimum": 0, "description": "Trips above this."},
            "window_s": {**seconds, "description": "Seconds looked back, at most to the flip."},
            "samples_min": {
                "type": "integer", "minimum": 1, "description": "Fewer samples say nothing.",
            },
            "no_data": {
                "enum": list(NO_DATA),
                "description": "What silence over a whole window means; pass unless given.",
            },
            "cool_down_s": {
                **seconds, "description": "After a trip it does not trip again so long; 1800.",
            },
        },
        required=["signal", "above", "window_s", "samples_min"],
    )  # fmt: skip


def _of_process(process: Process) -> dict[str, Any]:
    """Say what a rule of one process may look at, and what it may do."""
    then: dict[str, Any] = {
        "when": _object({name: {"$ref": f"#/$defs/dimensions/{name}"} for name in process.basis}),
        "mode": {"enum": [str(mode) for mode in modes_of(process)]},
    }
    if process.sticky_keys:
        then["sticky_by"] = {"enum": list(process.sticky_keys)}
    return {
        "if": {"properties": {"process": {"const": process.name}}},
        "then": {"properties": then},
    }


def _split() -> dict[str, Any]:
    return {
        "if": {"properties": {"mode": {"const": "split"}}},
        "then": {"required": ["cloud_percent", "sticky_by"]},
        "else": {"properties": {"cloud_percent": False, "sticky_by": False}},
    }


def _shadows() -> list[dict[str, Any]]:
    """Only what one ERP serves has a shadow, which is the other."""
    legacy, cloud = (str(erp) for erp in ERPS)
    served = [
        {
            "if": {"properties": {"mode": {"const": erp}}},
            "then": {"properties": {"shadow": {"const": other}}},
        }
        for erp, other in ((legacy, cloud), (cloud, legacy))
    ]
    neither = {
        "if": {"properties": {"mode": {"enum": [legacy, cloud]}}},
        "else": {"properties": {"shadow": False}},
    }
    return [*served, neither]


def _from_a_day(process: Process) -> dict[str, Any]:
    """What is routed by business day moves from a day on."""
    moves = {"process": {"const": process.name}, "mode": {"const": "cloud"}}
    when = {"required": [DATE], "properties": {DATE: {"required": ["from"]}}}
    return {"if": {"properties": moves}, "then": {"properties": {"when": when}}}


def _dimension(name: str) -> dict[str, Any]:
    if name == DATE:
        return {**_object({"from": _DAY, "to": _DAY}), "minProperties": 1}
    return _one_or_more({"anyOf": [_VALUE, _NUMBERS]}, at_least=1)


def _rules(definition: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/$defs/{definition}"}}


def _object(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    bare = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**bare, "required": required} if required else bare


_END = {"type": ["string", "number"], "pattern": "[0-9]$"}
_NUMBERS = {
    **_object({"from": _END, "to": _END}, required=["from", "to"]),
    "description": "All values from one to the other, alike but for the number at their end.",
}


def _one_or_more(item: dict[str, Any], at_least: int) -> dict[str, Any]:
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": at_least}]}


if __name__ == "__main__":
    sys.stdout.write(schema())
