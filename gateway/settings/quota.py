"""What an ERP allows: a published profile by name, and what is different here.

Profiles are YAML files of this package, each with its sources. A key that is given in the
configuration replaces the profile's; what is nowhere given has the default shown.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from gateway.canonical.exchange import Adaptive, Batching, Breaker, Limits, Shares, Traffic, Window
from gateway.settings.section import Section


class WindowSettings(Section):
    """At most so many calls (units of cost) in any span of so many seconds."""

    calls_max: int = Field(ge=1, description="calls, or units of cost, per window")
    window_s: float = Field(gt=0, description="length of the sliding window; 86400 is a daily cap")


class BreakerSettings(Section):
    """When to leave an ERP alone that fails."""

    failures: int = Field(default=5, ge=1, description="failed calls in a row that open it")
    open_s: float = Field(default=1, gt=0, description="how long it stays open at first")
    open_s_max: float = Field(default=30, gt=0, description="… and after probes that failed")


class AdaptiveSettings(Section):
    """Bounds within which calls at once are found where no limit is published."""

    first: int = Field(default=4, ge=1, description="calls at once to begin with")
    least: int = Field(default=1, ge=1, description="never fewer")
    most: int = Field(default=64, ge=1, description="never more")


class BatchSettings(Section):
    """When several documents go in one request. None do where that gains nothing."""

    documents_max: int = Field(default=100, ge=1, le=100, description="documents of one request")
    counts_inner: bool = Field(
        default=True, description="whether each document counts as a call for the windows"
    )
    overhead_ms: float = Field(
        default=0, ge=0, description="what a call takes beside its documents' work, as measured"
    )
    work_ms: float = Field(
        default=0, ge=0, description="what one document takes, as measured; 0: not measured"
    )


class QuotaSettings(Section):
    """What an ERP allows. Keys that are not given are the profile's."""

    profile: str = Field(
        default="",
        description="a published profile (`coexist quota profiles`); default: legacy-4-sessions "
        "or business-central",
    )
    concurrent_max: int | None = Field(default=None, ge=1, description="calls at once")
    queue_use: int | None = Field(
        default=None, ge=0, description="calls that may wait in the ERP's own queue, at most"
    )
    queue_ms: int = Field(
        default=100, ge=0, description="fewer where they would wait longer than this there"
    )
    calls_max: int | None = Field(
        default=None, ge=1, description="calls per window, where there is one; goes with window_s"
    )
    window_s: float | None = Field(default=None, gt=0, description="length of that window")
    windows: list[WindowSettings] | None = Field(
        default=None, description="all windows, if it is not one: instead of calls_max, window_s"
    )
    daily_max: int | None = Field(default=None, ge=1, description="calls in any 24 hours, besides")
    costs: dict[str, int] | None = Field(
        default=None,
        description="units of the windows a call takes, by kind of traffic; else 1",
    )
    read: float | None = Field(
        default=None, ge=0, le=0.9, description="part of each window kept for readers"
    )
    read_places: int | None = Field(
        default=None, ge=0, description="calls at once kept for readers"
    )
    read_idle_s: float = Field(
        default=60, ge=0, description="both are lent to others after nobody read for so long"
    )
    foreign: float = Field(
        default=0, ge=0, le=0.95, description="part of each window other programs use"
    )
    foreign_places: int = Field(default=0, ge=0, description="calls at once they use")
    replay: float = Field(default=1, gt=0, le=1, description="most of a window for bulk retries")
    shadow: float = Field(default=0.1, gt=0, le=1, description="most of a window for shadow calls")
    network_ms: int = Field(
        default=100, ge=0, description="longest a request is on its way after it was written"
    )
    breaker: BreakerSettings = BreakerSettings()
    adaptive: AdaptiveSettings | None = Field(
        default=None, description="find concurrent_max instead of setting it"
    )
    batch: BatchSettings | None = Field(
        default=None, description="several documents in one request, where the ERP takes them"
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.profile and self.profile not in profiles():
            raise ValueError(
                f"profile: {self.profile!r} is none; there are {', '.join(profiles())}"
            )
        if (self.calls_max is None) != (self.window_s is None):
            given = "calls_max" if self.window_s is None else "window_s"
            missing = "window_s" if self.window_s is None else "calls_max"
            raise ValueError(f"{given} is given without {missing}; a window takes both")
        if self.windows is not None and self.calls_max is not None:
            raise ValueError(
                "windows is given besides calls_max and window_s; put that window among the others"
            )
        for kind, cost in (self.costs or {}).items():
            if kind not in KINDS:
                raise ValueError(f"costs: {kind!r} is no kind of traffic; use {', '.join(KINDS)}")
            if cost < 1:
                raise ValueError(f"costs: {kind} has {cost}; a call takes at least 1")
        return self

    def limits(self, default: str, call_ms_max: int) -> Limits:
        """Return the limits in force; ``default`` is the profile if none is named."""
        profile = profiles()[self.profile or default]
        windows = self.windows if self.windows is not None else profile.windows
        if self.calls_max is not None and self.window_s is not None:
            windows = [WindowSettings(calls_max=self.calls_max, window_s=self.window_s)]
        if self.daily_max is not None:
            windows = [*windows, WindowSettings(calls_max=self.daily_max, window_s=86_400)]
        own_places = self.concurrent_max is not None
        adaptive = self.adaptive or (None if own_places else profile.adaptive)
        costs = profile.costs if self.costs is None else self.costs
        places = self.concurrent_max or profile.concurrent_max
        read_places = profile.read_places if self.read_places is None else self.read_places
        batch = self.batch or profile.batch or BatchSettings(documents_max=1)
        return Limits(
            places=places,
            queue=profile.queue_use if self.queue_use is None else self.queue_use,
            queue_ms=self.queue_ms,
            windows=tuple(Window(it.calls_max, round(it.window_s * 1000)) for it in windows),
            call_ms_max=call_ms_max,
            network_ms=self.network_ms,
            costs={KINDS[kind]: cost for kind, cost in costs.items()},
            shares=Shares(
                read=profile.read if self.read is None else self.read,
                read_places=min(read_places, places - 1),
                read_idle_ms=round(self.read_idle_s * 1000),
                foreign=self.foreign,
                foreign_places=min(self.foreign_places, places - 1),
                replay=self.replay,
                shadow=self.shadow,
            ),
            breaker=Breaker(
                self.breaker.failures,
                round(self.breaker.open_s * 1000),
                round(max(self.breaker.open_s, self.breaker.open_s_max) * 1000),
            ),
            adaptive=None
            if adaptive is None
            else Adaptive(adaptive.first, adaptive.least, adaptive.most),
            batching=Batching(
                batch.documents_max, batch.counts_inner, batch.overhead_ms, batch.work_ms
            ),
        )


class Profile(Section):
    """A published profile, as its file has it."""

    profile: str
    system: str
    windows: list[WindowSettings]
    concurrent_max: int = Field(ge=1)
    queue_use: int = Field(default=0, ge=0)
    costs: dict[str, int] = Field(default_factory=dict)
    read: float = Field(default=0, ge=0, le=0.9)
    read_places: int = Field(default=0, ge=0)
    adaptive: AdaptiveSettings | None = None
    batch: BatchSettings | None = None
    notes: str
    sources: list[str] = Field(min_length=1)


KINDS = {kind.label: kind for kind in Traffic}


@cache
def profiles() -> dict[str, Profile]:
    """Return all profiles by name. Raises ``ValueError`` naming file and key of a wrong one."""
    found = {}
    for file in sorted(files("gateway.settings").joinpath("profiles").iterdir(), key=str):
        if file.name.endswith(".yaml"):
            profile = read_profile(file.name, yaml.safe_load(file.read_text(encoding="utf-8")))
            found[profile.profile] = profile
    return found


def read_profile(name: str, content: Any) -> Profile:  # noqa: ANN401 -- checked here
    """Check one profile's content; its name is its file's."""
    try:
        profile = Profile.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise ValueError(f"{name}: {key}: {first['msg']}; see custom.yaml for every key") from error
    if name != f"{profile.profile}.yaml":
        raise ValueError(f"{name}: profile is {profile.profile!r}; name it as its file")
    for kind in profile.costs:
        if kind not in KINDS:
            raise ValueError(f"{name}: costs.{kind}: no kind of traffic; use {', '.join(KINDS)}")
    return profile
