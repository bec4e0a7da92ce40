"""A gateway as stores see it: takes batches, loses some answers, knows what it took before."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.serving import Asked, served


@dataclass
class Tills:
    """What was taken, by natural key; the first ``lose`` batches are taken and not answered."""

    lose: int = 0
    url: str = ""
    posts: int = 0
    sales: dict[str, dict[str, Any]] = field(default_factory=dict)

    def take(self, batch: dict[str, Any]) -> list[dict[str, Any]]:
        """Take a batch; the results."""
        return [self._taken(batch["store"], it) for it in batch["transactions"]]

    def _taken(self, store: str, item: dict[str, Any]) -> dict[str, Any]:
        if "kind" in item:
            return {"status": "noted"}
        name = f"{store}/{item['business_date']}/{item['register']}/{item['sequence']}"
        known = name in self.sales
        sale = self.sales.setdefault(name, {**item, "transaction_id": f"0a-{len(self.sales)}"})
        status = "replayed" if known else "accepted"
        return {"status": status, "transaction_id": sale["transaction_id"]}


@contextmanager
def tills(lose: int = 0) -> Iterator[Tills]:
    """Serve for as long as the block lasts."""
    taken = Tills(lose)
    lock = threading.Lock()

    def answer(asked: Asked) -> tuple[int, object] | None:
        with lock:
            taken.posts += 1
            results = taken.take(json.loads(asked.body))
            if taken.posts <= taken.lose:
                return None
        return 207, {"results": results}

    with served(answer) as taken.url:
        yield taken
