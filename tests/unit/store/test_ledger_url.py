"""What COEXIST_LEDGER_URL may be."""

from __future__ import annotations

import pytest

from gateway.errors import ConfigError
from gateway.store.ledger import upgrade
from gateway.store.ledger.engine import masked, parse


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ledger", "is not a URL: use sqlite:////var"),
        ("", "is not a URL"),
        ("postgres://ada:pw@[::1", "is not a URL"),
        ("sqlite://", "sqlite:// does not name a plain file"),
        ("sqlite:///:memory:", "does not name a plain file"),
        ("sqlite:///x.sqlite?mode=ro", "does not name a plain file"),
        ("mysql://ada:pw@host/db", "no ledger on 'mysql'"),
        ("postgresql+asyncpg://ada:pw@host/db", "no ledger on 'postgresql.asyncpg'"),
    ],
)
def test_a_url_that_cannot_work_is_refused_at_start(url: str, why: str) -> None:
    with pytest.raises(ConfigError, match=f"^COEXIST_LEDGER_URL.*{why}") as refusal:
        upgrade(url)
    assert "pw" not in refusal.value.detail


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_way_to_write_postgresql_means_psycopg_3(scheme: str) -> None:
    assert parse(f"{scheme}://ada@host/db").drivername == "postgresql+psycopg"


def test_secrets_are_masked_wherever_they_stand() -> None:
    url = parse("postgresql://ada:t0p@db:5432/ledger?password=t0p&sslmode=require&sslpassword=t0p")
    assert masked(url) == (
        "postgresql+psycopg://ada:***@db:5432/ledger?password=hidden&sslmode=require"
        "&sslpassword=hidden"
    )
