"""`coexist quota profiles`, which needs no installation."""

from __future__ import annotations

import json

from click.testing import CliRunner

from gateway.cli import coexist


def test_the_profiles_a_configuration_may_name_are_listed_with_their_sources() -> None:
    told = CliRunner().invoke(coexist, ["quota", "profiles", "--json"])
    assert told.exit_code == 0, told.output
    profiles = {it["profile"]: it for it in json.loads(told.output)}
    assert {"business-central", "netsuite-premium", "legacy-4-sessions"} <= set(profiles)
    assert all(it["sources"] for it in profiles.values() if it["profile"] != "custom")
    table = CliRunner().invoke(coexist, ["quota", "profiles"]).output
    assert "6,000 in 300 s" in " ".join(table.split())
