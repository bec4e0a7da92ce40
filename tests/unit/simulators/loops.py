"""A simulated returns platform on a free port, in a thread of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from simulators.loop.options import LoopOptions
from simulators.loop.site import loop_platform
from tests.unit.simulators.serving import HTTP, served

QUICK: dict[str, Any] = {"latency_ms_min": 0.0, "latency_ms_max": 0.0}


@dataclass
class RunningPlatform:
    """A platform that serves, and what tests ask of it."""

    url: str
    options: LoopOptions

    def ask(self, order: dict[str, Any], lines: dict[int, int], **more: Any) -> dict[str, Any]:
        """Let a buyer send pieces back."""
        asked = {"order_id": order["id"], "lines": lines, **more}
        return self._do("", asked)

    def act(self, made: dict[str, Any], what: str, **asked: Any) -> dict[str, Any]:
        """Let something happen to a return."""
        return self._do(f"/{made['id']}/{what}", asked)

    def _do(self, what: str, asked: dict[str, Any]) -> dict[str, Any]:
        answer = HTTP.post(f"{self.url}/control/returns{what}", json=asked)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def fault(self, name: str, **asked: object) -> None:
        """Switch a fault on."""
        HTTP.put(f"{self.url}/control/faults/{name}", json=asked).raise_for_status()

    def heal(self) -> None:
        """Switch all faults off."""
        HTTP.delete(f"{self.url}/control/faults").raise_for_status()

    def counters(self) -> dict[str, int]:
        """Read the counters."""
        found: dict[str, int] = HTTP.get(f"{self.url}/control/counters").json()
        return found


@contextmanager
def platform(shop_url: str, **options: Any) -> Iterator[RunningPlatform]:
    """Run a platform for as long as the block lasts."""
    wanted = LoopOptions(**{**QUICK, "shop": shop_url, **options})
    with served(lambda: loop_platform(wanted)) as url:
        yield RunningPlatform(url, wanted)
