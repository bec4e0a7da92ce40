"""For whoever sets it up: a first configuration, API keys, what is configured, how it stands."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import rich_click as click
import yaml

from gateway.canonical.exchange import Backlog
from gateway.canonical.process import PROCESSES, Kind, Priority
from gateway.commands.common import installation, json_option, print_json, run
from gateway.errors import ConfigError
from gateway.policy.pressure import Refusal
from gateway.settings import Settings, load
from gateway.store.redis import embedded

#: Where rules are looked for unless `rules_dir` says otherwise.
RULES_DIR = Settings.model_fields["rules_dir"].default

_FIRST_CHANNELS = {
    "webshop": ["orders", "returns", "read"],
    "marketplace": ["orders", "returns", "read"],
    "pos": ["store-sales", "read"],
    "returns-desk": ["returns", "read"],
    "ops": ["ops"],
}
_FIRST_STORES = {
    **{f"NL-{n:03}": "NL01" for n in range(1, 7)},
    **{f"DE-{n:03}": "DE01" for n in range(1, 5)},
}


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path(), help="Where to write the files."
)
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
def init(folder: Path, *, force: bool) -> None:
    """Write a first coexist.yaml with five channels, and keys.json with their API keys.

    coexist.yaml holds only hashes of the keys; keys.json is what you hand to the channels. Where
    there are no routing_rules yet, they are begun: the legacy ERP serves everything.
    """
    config, keys = folder / "coexist.yaml", folder / "keys.json"
    for file in (config, keys):
        if file.exists() and not force:
            raise ConfigError(f"{file} exists already; --force overwrites it")
    issued = {channel: new_key(channel) for channel in _FIRST_CHANNELS}
    folder.mkdir(parents=True, exist_ok=True)
    config.write_text(yaml.safe_dump(first_configuration(issued), sort_keys=False))
    keys.touch(mode=0o600)
    keys.chmod(0o600)  # one that was there may have been open to all
    keys.write_text(json.dumps(issued, indent=2))
    click.echo(f"wrote {config} (hashes of the keys) and {keys} (the keys themselves: keep safe)")
    rules = folder / RULES_DIR / "defaults.yaml"
    if not rules.parent.exists():
        rules.parent.mkdir()
        rules.write_text(first_rules())
        click.echo(f"wrote {rules} (the legacy ERP serves everything)")
    click.echo("next: `coexist up --simulators` in that folder, or enter your ERPs under `erps`")


def new_key(channel: str) -> str:
    """Make an API key: 256 bits of chance behind the channel's name."""
    return f"cx_{channel}_{secrets.token_urlsafe(32)}"


def key_hash(key: str) -> str:
    """Return what the configuration keeps of a key."""
    return sha256(key.encode()).hexdigest()


def first_configuration(keys: dict[str, str]) -> dict[str, Any]:
    """Return a configuration for two entities, ten stores, five channels and the simulators."""
    return {
        "legal_entities": {
            "NL01": {"currencies": ["EUR"], "country": "NL"},
            "DE01": {"currencies": ["EUR"], "country": "DE"},
        },
        "stores": {name: {"legal_entity": entity} for name, entity in _FIRST_STORES.items()},
        "channels": {
            name: {"key_sha256": [key_hash(keys[name])], "scopes": scopes}
            for name, scopes in _FIRST_CHANNELS.items()
        },
        "erps": {
            "legacy": {
                "url": "http://127.0.0.1:8101",
                "user": "GATEWAY",
                "secret": "gateway-legacy",
                "quota": {"profile": "legacy-4-sessions"},
                "request_s": 5,
                "absent_final_s": 12,
                "poll_s": 1,
            },
            "cloud": {
                "url": "http://127.0.0.1:8102",
                "tenant": "contoso",
                "user": "gateway",
                "secret": "gateway-cloud",
                "quota": {"profile": "business-central"},
                "request_s": 5,
                "absent_final_s": 12,
            },
        },
    }


def first_rules() -> str:
    """Return the rules before the first wave, as YAML."""
    lines = []
    for name, process in PROCESSES.items():
        mode = "owner" if process.kind is Kind.FOLLOW_UP else "legacy"
        identity = f"default-{name.replace('.', '-')}"
        lines.append(f"  - {{id: {identity}, process: {name}, mode: {mode}}}\n")
    return (
        "# One rule per process, for whatever no wave speaks about. `owner`: what follows an\n"
        "# order goes to the ERP that has it. Waves are files beside this one, in waves/.\n"
        "rules:\n"
    ) + "".join(lines)


@click.group()
def keys() -> None:
    """API keys of channels and staff."""


@keys.command("new")
@click.argument("name")
@click.option("--staff", is_flag=True, help="NAME is a person, not a channel.")
def keys_new(name: str, *, staff: bool) -> None:
    """Make an API key for channel NAME: shown once, its hash goes into coexist.yaml."""
    key = new_key(name)
    holder, section = ("person", "staff") if staff else ("channel", "channels")
    click.echo(f"key (hand to the {holder}, it is not kept): {key}")
    click.echo(f"under {section}.{name}.key_sha256 add: {key_hash(key)}")


@click.command()
def config() -> None:
    """Check the configuration and print it, secrets masked."""
    print_json(json.loads(load().model_dump_json()))


@click.command("stop-store")
def stop_store() -> None:
    """Stop the embedded store, all it took on disk; whoever needs it next starts it again.

    Without this it stops by itself, some time after its last client has left.
    """
    settings = load()
    if settings.redis_url:
        raise ConfigError("the store is the one of COEXIST_REDIS_URL, which is not ours to stop")
    stopped = embedded.stop(settings.data_dir)
    click.echo("the embedded store has stopped" if stopped else "no embedded store runs")


@click.command()
@json_option
def status(*, as_json: bool) -> None:
    """Show rules in force, backlog, quotas, and who is alive."""
    found = run(_status())
    if as_json:
        print_json(found)
        return
    rules = found["rules"]
    click.echo(f"rules    version {rules['version'] or 'none'}, epoch {rules['epoch']}")
    if rules["open"]:
        click.echo(f"         a flip to {rules['open']} is open; `coexist rules apply --resume`")
    click.echo("waiting  " + ", ".join(f"{name} {n}" for name, n in found["backlog"].items()))
    pressure = found["pressure"]
    click.echo("classes  " + ", ".join(f"{name} {n}" for name, n in pressure["waiting"].items()))
    if pressure["refused"]:
        said = (f"{name} ({mark})" for name, mark in pressure["refused"].items())
        click.echo("refused  " + ", ".join(said))
    if found["peak"]:
        click.echo(f"peak     on since {found['peak']['at']} by {found['peak']['by']}")
    for erp, use in found["quotas"].items():
        closed = f", closed for {use['closed_ms']} ms" if use["closed_ms"] else ""
        click.echo(f"{erp:<8} {use['in_flight']} calls open, {use['in_window']} in window{closed}")
    click.echo(f"alive    {found['gateways']} gateway(s), {found['workers']} worker(s)")


async def _status() -> dict[str, Any]:
    from gateway.flow.standing import standing

    async with installation() as parts:
        found = await standing(
            parts.book, parts.quotas, parts.erps, parts.lanes.backlog, parts.lanes.alive
        )
        backlog = await parts.pressure.measure()
        peak = await parts.peaks.peak()
        return {
            **found,
            "pressure": _pressure(backlog, parts.pressure.refused),
            "peak": asdict(peak) if peak else None,
        }


def _pressure(backlog: Backlog, refused: Sequence[Refusal | None]) -> dict[str, Any]:
    return {
        "waiting": backlog.by_class(),
        "oldest_s": {it.name.lower(): backlog.oldest_ms[it] / 1000 for it in Priority},
        "events": backlog.events,
        "memory_bytes": backlog.memory_bytes,
        "refused": {
            it.name.lower(): refusal.mark for it in Priority if (refusal := refused[it]) is not None
        },
    }
