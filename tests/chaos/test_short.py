"""A short chaos run, whole: real processes, a fifth of all faults, chosen by the seed of this run.

A failure has printed the timeline, the history of each offender and how to replay it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.options import Options
from tests.chaos.story import run

pytestmark = pytest.mark.timeout(400)  # a minute on idle cores, and room for busy ones


def test_nothing_is_lost_doubled_misrouted_or_out_of_order(seed: int, tmp_path: Path) -> None:
    outcome = run(Options(seed, minutes=None, folder=tmp_path / "chaos"), Console(width=120))
    assert outcome.reasons == []
    assert outcome.report is not None
    assert outcome.report.booked_once == outcome.report.accepted > 0
