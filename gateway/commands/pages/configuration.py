"""Every setting, from the fields of :class:`gateway.settings.Settings`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from gateway.commands.pages.markdown import page, table
from gateway.erp.cloud.adapter import CLOUD_TIMING
from gateway.erp.legacy.adapter import LEGACY_TIMING
from gateway.settings import Settings

Schema = Mapping[str, Any]
Row = tuple[str, str, str, str]

_INTRO: Final = (
    "One YAML file and the environment, checked once, at start. `COEXIST_CONFIG` names the file; "
    "without it `coexist.yaml` in the working folder is read, if there is one. The environment "
    "wins. `coexist init` writes a first file, `coexist config` prints what is in force, secrets "
    "masked. An unknown key or a value that cannot work ends the start, with every problem listed."
)
_ENVIRONMENT: Final = (
    "A variable is `COEXIST_` and the key in capitals, with `__` between levels: "
    "`COEXIST_ERPS__CLOUD__URL` is `erps.cloud.url`. A list or an object is written as JSON. "
    "Whatever has a name of its own (`channels`, `stores`, `legal_entities`) is best kept in the "
    "file."
)
_TIMINGS_INTRO: Final = (
    "What `request_s` and `absent_final_s` are unless set, by the documented limits of each "
    "product. The sums stand beside the constants `LEGACY_TIMING` and `CLOUD_TIMING` in the code; "
    "[ADR 0005](../adr/0005-probe-before-resend.md) says what hangs on them. Both may be far "
    "shorter against a simulated ERP."
)
_WORDS: Final = {
    "string": "text",
    "password": "text, secret",
    "boolean": "`true`, `false`",
    "object": "object by name",
}
_HEAD: Final = ("key", "value", "default", "meaning")


def configuration() -> str:
    """Return the page. Raises ``KeyError`` for a field without a description."""
    schema = Settings.model_json_schema()
    models: Schema = schema["$defs"]
    parts = [_INTRO, _ENVIRONMENT, "## Top level", table(_HEAD, _rows(schema, models))]
    for key, model in _sections(models).items():
        text = " ".join(model["description"].split())
        parts += [f"## `{key}`", text, table(_HEAD, _rows(model, models))]
    parts += ["## Timings of the dialects", _TIMINGS_INTRO, _timings()]
    return page("Configuration", parts)


def _sections(models: Schema) -> dict[str, Schema]:
    """Return the models of what is nested, by key. The two ERPs share one section."""
    keys = {
        "EntitySettings": "legal_entities.NAME",
        "StoreSettings": "stores.NAME",
        "ChannelSettings": "channels.NAME",
        "ChainSettings": "channels.NAME.chain, channels.NAME.chain_by_entity.ENTITY",
        "TaxSettings": "tax",
        "ShopifySettings": "channels.NAME.shopify",
        "PollSettings": "channels.NAME.shopify.poll",
        "LoopSettings": "channels.NAME.loop",
        "ReturnPollSettings": "channels.NAME.loop.poll",
        "AmazonSettings": "channels.NAME.amazon",
        "QueueSettings": "channels.NAME.amazon.queue",
        "ReportSettings": "channels.NAME.amazon.settlements",
        "StaffSettings": "staff.NAME",
        "GovernanceSettings": "governance",
        "WebhookSettings": "webhooks.NAME",
        "TeamSettings": "teams.NAME",
        "ErpSettings": "erps.legacy, erps.cloud",
        "QuotaSettings": "erps.legacy.quota, erps.cloud.quota",
        "WindowSettings": "erps.ERP.quota.windows",
        "BreakerSettings": "erps.ERP.quota.breaker",
        "AdaptiveSettings": "erps.ERP.quota.adaptive",
        "BatchSettings": "erps.ERP.quota.batch",
        "EvidenceSettings": "evidence",
        "OwnersSettings": "owners",
        "ShadowSettings": "shadow",
        "DeliverySettings": "delivery",
        "MarkSettings": "delivery.marks",
    }
    missing = set(models) - set(keys) - {"ErpsSettings", "Role"}
    if missing:
        raise KeyError(f"no section for {', '.join(sorted(missing))}; give each a key here")
    return {key: models[name] for name, key in keys.items()}


def _rows(model: Schema, models: Schema) -> Iterator[Row]:
    required = model.get("required", ())
    for name, field in model["properties"].items():
        default = "required" if name in required else _shown(field.get("default"))
        meaning = field.get("description") or models[_model_of(field)]["description"]
        yield f"`{name}`", _kind(field), default, meaning


def _timings() -> str:
    dialects = {"legacy": LEGACY_TIMING, "cloud": CLOUD_TIMING}
    rows = [
        (name, f"`{timing.request_ms / 1000:g}`", f"`{timing.absent_final_ms / 1000:g}`")
        for name, timing in dialects.items()
    ]
    return table(("dialect", "`request_s`", "`absent_final_s`"), rows)


def _model_of(field: Schema) -> str:
    return str(field["$ref"]).rpartition("/")[2]


def _shown(default: object) -> str:
    if default is None or default in ("", [], {}):
        return "none"
    if isinstance(default, dict):
        return "see below"
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    return f"`{json.dumps(default)}`" if not isinstance(default, str) else f"`{default}`"


def _kind(field: Schema) -> str:
    """Say what a value looks like, in the words of its JSON schema."""
    if "anyOf" in field:
        (field,) = (each for each in field["anyOf"] if each.get("type") != "null")
    if "$ref" in field:
        return "object"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    kind: str = field.get("format", field["type"])
    if kind == "array":
        return f"list of {_kind(field['items'])}"
    return _WORDS.get(kind, kind) + _bounds(field)


def _bounds(field: Schema) -> str:
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most"}
    return "".join(f", {word} {field[name]:g}" for name, word in words.items() if name in field)
