"""What the admin API reads and answers."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Counts = dict[str, int]
Money = dict[str, str]


class Model(BaseModel):
    """A field nobody declared is an error, both ways."""

    model_config = ConfigDict(extra="forbid")


class Group(Model):
    """What has one cause; ``waits`` is what is tried again by itself until that ends."""

    cause: str = Field(examples=["unknown-item"])
    waits: bool
    count: int
    money: Money = Field(description="decimal text by currency", examples=[{"EUR": "44.85"}])
    oldest_at: str
    first_deadline_at: str
    processes: Counts
    erps: Counts
    teams: Counts
    stewards: list[str]
    what_to_do: str


class Line(Model):
    """One transaction that is held or waits."""

    transaction_id: str
    process: str
    channel: str
    legal_entity: str
    object: str
    reference: str
    erp: str
    cause: str
    waits: bool
    erp_said: str
    accepted_at: str
    deadline_at: str
    currency: str | None
    amount: str | None
    team: str
    steward: str


class Listing(Model):
    """Groups, and one page of lines: the first deadline first, then the most money."""

    total: int
    groups: list[Group]
    items: list[Line]
    next_first: int | None


class Follower(Model):
    """What waits behind a held transaction in its object."""

    transaction_id: str
    process: str
    reference: str


class Shown(Model):
    """One transaction; customers' data are masked unless that was asked for."""

    transaction_id: str
    process: str
    channel: str
    object: str
    reference: str
    erp: str
    state: str
    waits: bool
    cause: str
    erp_said: str
    document: str
    accepted_at: str
    attempts: int
    open_attempt_s: float | None
    revision: int | None
    rule: str
    rule_version: str
    shaped_by: str
    team: str
    steward: str
    next_step: str
    facts: dict[str, str]
    body: dict[str, Any]
    original: dict[str, Any] | None
    followers: list[Follower]
    history: list[dict[str, Any]]


class Drain(Model):
    """How long an ERP takes: at least ``quota_s``, and ``measured_s`` at its busiest minute."""

    erp: str
    count: int
    ahead: int
    quota_s: float | None
    measured_s: float | None


class Estimate(Model):
    """What a release would set going.

    While the peak mode is on, what is released in bulk waits until it is switched off.
    """

    count: int
    money: Money
    drains: list[Drain]
    groups: list[Group]
    waits_for_peak_to_end: bool


class Released(Model):
    """What a release did; ``gone`` were no longer held when it came to them."""

    released: int
    gone: int


class Change(Model):
    """One value that is another now, as JSON text; customers' data masked."""

    pointer: str
    before: str
    after: str


class Corrected(Model):
    """A change that was made; ``revision`` is what the next has to name."""

    transaction_id: str
    revision: int
    changes: list[Change]


class GivenUp(Model):
    """What was discarded, and what is held now because it follows."""

    discarded: list[str]
    held: str | None


class Wish(Model):
    """Why."""

    reason: str = Field(default="", max_length=500)


class Edit(Model):
    """A JSON merge patch (RFC 7396) on the body, of the revision that was looked at."""

    patch: dict[str, Any] = Field(examples=[{"payment": {"method": "invoice"}}])
    revision: int = Field(ge=0)
    reason: str = Field(min_length=1, max_length=500)


class Discard(Model):
    """Why it is given up, and the revision that was looked at."""

    revision: int = Field(ge=0)
    reason: str = Field(min_length=1, max_length=500)
    with_followers: bool = False


class Bulk(Model):
    """What to release, and how many at most: as many as the estimate said."""

    count: int = Field(ge=1)
    reason: str = Field(default="", max_length=500)
    cause: str = ""
    process: str = ""
    channel: str = ""
    legal_entity: str = ""
    sku: str = ""
    team: str = ""


class Quota(Model):
    """How much of an ERP's quota is used."""

    in_flight: int
    in_window: int
    closed_ms: int


class Rules(Model):
    """What is in force; ``open`` is the version of a flip that is under way."""

    epoch: int
    version: str
    open: str


class Standing(Model):
    """How the installation stands."""

    rules: Rules
    backlog: Counts
    quotas: dict[str, Quota]
    gateways: int
    workers: int


class Waiting(Model):
    """What waits, over all partitions."""

    backlog: Counts


class PeakWish(Model):
    """Whether the peak mode is to be on, and why."""

    on: bool
    reason: str = Field(min_length=1, max_length=500)


class PeakStatus(Model):
    """``pauses`` is the most urgent class that waits while it is on."""

    on: bool
    pauses: str = Field(examples=["low"])
    by: str = ""
    reason: str = ""
    at: str = Field(default="", examples=["2026-11-27T07:55:00+00:00"])
