"""A gateway process cut off from Valkey while rules are applied by the command."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.bench.servers import valkey
from tests.e2e.installation import Installation, order, until
from tests.link import Link, link_to

#: `unit/flow/test_cut_off.py` does the same with a gateway's parts, in every run.
pytestmark = [pytest.mark.timeout(120), pytest.mark.long]

#: An item that only the cloud ERP has: a read of it tells who served it.
SKU = "ONLY-CLOUD"


@pytest.fixture
def link(installation: Installation) -> Iterator[Link]:
    """An installation on a Valkey of its own, and a link that leads there."""
    with valkey() as (url, _):
        installation.environment["COEXIST_REDIS_URL"] = url
        with link_to(int(url.rpartition(":")[2])) as made:
            yield made
            installation.stop()


def read(installation: Installation) -> int:
    """200 from the cloud ERP, 404 from legacy, 503 from neither."""
    return installation.call("GET", f"/v1/products/{SKU}?legal_entity=NL01").status_code


def test_it_answers_503_until_it_is_back_and_then_by_the_new_rules(
    installation: Installation, link: Link
) -> None:
    installation.erps()
    url = f"{installation.running['cloud'].url}/control/items/{SKU}"
    httpx.put(url, json={"like": "TEE-BLK-M"}, timeout=10).raise_for_status()
    installation.rules("legacy")
    installation.gateway(COEXIST_REDIS_URL=f"redis://127.0.0.1:{link.port}")
    assert read(installation) == 404
    link.fail("cut")
    marker = installation.rules("cloud")  # it returns, though the gateway cannot say a word
    assert [read(installation) for _ in range(5)] == [503] * 5
    assert installation.call("POST", "/v1/orders", json=order("CUT-1")).status_code == 503
    link.heal()
    answers: list[int] = []

    def back() -> bool:
        answers.append(read(installation))
        return answers[-1] == 200

    until(back, 20, "the gateway reads by the new rules")
    assert 404 not in answers
    assert installation.call("POST", "/v1/orders", json=order("CUT-1")).status_code == 202
    assert marker["epoch"] == 2
