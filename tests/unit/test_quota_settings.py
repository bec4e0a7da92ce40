"""Quota profiles: each is whole, and what a configuration says replaces what it has."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.canonical.exchange import Traffic, Window
from gateway.policy.quotas import token_bucket
from gateway.settings.quota import QuotaSettings, profiles, read_profile


def quota(**keys: Any) -> QuotaSettings:
    return QuotaSettings.model_validate(keys)


def test_business_central_is_as_published() -> None:
    limits = quota(profile="business-central").limits("custom", 1000)
    assert limits.windows == (Window(6000, 300_000),)
    assert (limits.places, limits.queue, limits.adaptive) == (5, 12, None)
    assert (limits.shares.read, limits.shares.read_places) == (0.05, 1)


def test_every_profile_has_sources_and_makes_limits() -> None:
    names = set(profiles())
    assert {"netsuite-standard", "netsuite-premium", "netsuite-enterprise"} <= names
    assert {"amazon-sp-api-orders", "shopify-standard", "legacy-4-sessions", "custom"} <= names
    for name, profile in profiles().items():
        assert profile.sources
        assert quota(profile=name).limits("custom", 1000).places >= 1


@pytest.mark.parametrize(
    ("name", "rate", "burst"),
    [("amazon-sp-api-orders", 0.5, 30), ("amazon-sp-api-shipments", 2, 10),
     ("shopify-standard", 2, 40), ("shopify-graphql-standard", 100, 1000)],
)  # fmt: skip
def test_a_token_bucket_is_a_window_of_its_burst(name: str, rate: float, burst: int) -> None:
    (window,) = quota(profile=name).limits("custom", 1000).windows
    assert (window.calls_max, window.span_ms) == token_bucket(rate, burst)


def test_what_is_given_replaces_the_profile_and_what_is_not_stays() -> None:
    given = quota(
        profile="business-central", calls_max=100, window_s=10, daily_max=5000, read_places=0,
        costs={"read": 2}, foreign=0.2,
    )  # fmt: skip
    limits = given.limits("custom", 1000)
    assert limits.windows == (Window(100, 10_000), Window(5000, 86_400_000))
    assert (limits.places, limits.shares.read, limits.shares.read_places) == (5, 0.05, 0)
    assert (limits.costs, limits.shares.foreign) == ({Traffic.READ: 2}, 0.2)


def test_a_given_number_of_calls_at_once_is_not_adapted() -> None:
    assert quota().limits("custom", 1000).adaptive is not None
    assert quota(concurrent_max=3).limits("custom", 1000).adaptive is None
    assert quota(concurrent_max=1, read_places=5).limits("custom", 1000).shares.read_places == 0


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"profile": "bc"}, "profile: 'bc' is none; there are amazon-sp-api-orders"),
        ({"calls_max": 5}, "calls_max is given without window_s; a window takes both"),
        ({"window_s": 5}, "window_s is given without calls_max; a window takes both"),
        ({"windows": [], "calls_max": 5, "window_s": 5}, "put that window among the others"),
        ({"costs": {"reads": 1}}, "'reads' is no kind of traffic; use read, critical"),
        ({"costs": {"read": 0}}, "costs: read has 0; a call takes at least 1"),
        ({"calls": 5}, "Extra inputs are not permitted"),
    ],
)
def test_what_cannot_work_is_refused(keys: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        quota(**keys)


WHOLE = {
    "profile": "x", "system": "X", "windows": [], "concurrent_max": 1, "notes": "",
    "sources": ["s"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"sources": []}, "x.yaml: sources: "),
        ({"concurent_max": 4}, "x.yaml: concurent_max: Extra inputs are not permitted; see custom"),
        ({"profile": "y"}, "x.yaml: profile is 'y'; name it as its file"),
        ({"costs": {"order": 1}}, "x.yaml: costs.order: no kind of traffic; use read"),
    ],
)
def test_a_wrong_profile_names_file_key_and_remedy(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_profile("x.yaml", {**WHOLE, **change})
