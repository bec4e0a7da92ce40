"""End-to-end tests run real processes on free ports; everything stops with the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.installation import Installation


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """An installation with nothing started yet."""
    made = Installation(tmp_path)
    yield made
    made.stop()
