"""What the demo reads of the gateway's own output, as the gateway writes it."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.canonical.exchange import Listed
from gateway.flow.exceptions import Listing
from gateway.flow.readout import listing
from gateway.policy.triage import Team
from loadtests.demo.gateway import held_of


def line(transaction_id: str, state: str) -> tuple[Listed, Team]:
    at = datetime(2026, 11, 25, tzinfo=UTC)
    listed = Listed(
        transaction_id, "order.intake", "webshop", "NL01", "order:webshop:A-1", "A-1", "cloud",
        state, "poison", "", at, 0, "", None,
    )  # fmt: skip
    return listed, Team("operations")


def test_held_is_what_waits_for_somebody() -> None:
    found = listing(Listing([], [line("T1", "held"), line("T2", "waiting")], 2), 0)
    assert held_of(found) == ["T1"]
    assert held_of(listing(Listing([], [], 0), 0)) == []
