"""What a run is asked to do, checked before Locust is even imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from loadtests.errors import BadFile, LoadTestError
from loadtests.files import json_of
from loadtests.scenario import Scenario, load_scenario

#: The channel each kind of user sends as, that is, whose API key it uses.
CHANNELS = {
    "webshop": "webshop",
    "marketplace": "marketplace",
    "pos": "pos",
    "returns-desk": "returns-desk",
    "shoppers": "webshop",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A run. ``keys`` by channel; ``today`` is the last business day of the run.

    ``duration_s`` is what the curve and the business days are laid over. A run whose ``longest_s``
    is longer goes on at the curve's last rate until it is asked to stop, or until then.
    """

    scenario: Scenario
    gateways: tuple[str, ...]
    keys: Mapping[str, str]
    journal: Path
    seed: int
    rate_per_s: float
    duration_s: float
    longest_s: float
    today: date


def make_plan(
    *,
    scenario: Path,
    gateways: Sequence[str],
    keys: Path,
    journal: Path,
    seed: int,
    rate_per_s: float,
    duration_s: float,
    today: date,
) -> Plan:
    """Read and check everything; raises LoadTestError naming what is wrong."""
    loaded = load_scenario(scenario)
    return Plan(
        scenario=loaded,
        gateways=tuple(_base_url(url) for url in gateways),
        keys=_keys(keys, loaded),
        journal=journal,
        seed=seed,
        rate_per_s=rate_per_s,
        duration_s=duration_s,
        longest_s=duration_s,
        today=today,
    )


def _keys(path: Path, scenario: Scenario) -> Mapping[str, str]:
    keys = json_of(path)
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise BadFile(path, "", "not an object of API keys by channel")
    for kind in scenario.users.taking_part():
        if CHANNELS[kind] not in keys:
            reason = f"no key for this channel, which {kind} sends as; add it"
            raise BadFile(path, CHANNELS[kind], reason)
    return keys


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise LoadTestError(f"--gateway {url}: not a base URL; write http://HOST:PORT")
    return url.rstrip("/")
