"""Eight gateway processes, orders and reads at all of them, and a flip every 200 ms."""

from __future__ import annotations

import pytest

from tests.bench import flip

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


def test_no_gateway_process_decides_by_older_rules_once_apply_returned() -> None:
    found = {it.name: it for it in flip.run(quick=True)}
    for name in ("flip: orders by old rules", "flip: reads by old rules"):
        assert found[name].value == 0, found[name]
        assert not str(found[name].against).startswith("0 "), "nothing was sent"
