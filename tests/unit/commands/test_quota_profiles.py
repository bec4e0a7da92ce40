"""`coexist quota profiles`, which needs no installation, and what `quota show` says in words."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from gateway.canonical.exchange import Limits, QuotaUse, WindowUse
from gateway.canonical.process import Target
from gateway.cli import coexist
from gateway.commands.quota import _print


def test_the_profiles_a_configuration_may_name_are_listed_with_their_sources() -> None:
    told = CliRunner().invoke(coexist, ["quota", "profiles", "--json"])
    assert told.exit_code == 0, told.output
    profiles = {it["profile"]: it for it in json.loads(told.output)}
    assert {"business-central", "netsuite-premium", "legacy-4-sessions"} <= set(profiles)
    assert all(it["sources"] for it in profiles.values() if it["profile"] != "custom")
    table = CliRunner().invoke(coexist, ["quota", "profiles"]).output
    assert "6,000 in 300 s" in " ".join(table.split())
    assert "shopify-graphql-standard" in table, "a name that is to be typed is whole"


def test_why_nothing_is_sent_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    window = WindowUse(300_000, 6000, 6000, 0, 300, 0, 0, 0, free_in_ms=42_500)
    use = QuotaUse(0, 6000, 9_000, 5, windows=(window,), breaker="open", open_ms=500, failures=5)
    _print(Target.CLOUD, "business-central", Limits(5, (), 1000), use)
    told = capsys.readouterr().out
    assert "cloud (business-central): 0 of 5 + 0 at once" in told
    assert "the window of 300 s is full: free in 42.5 s" in told
    assert "closed for 9.0 s more" in told
    assert "breaker open after 5 failures, 500 ms more" in told
