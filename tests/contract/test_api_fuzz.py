"""The API under whatever its own description allows, and whatever that does not.

A fuzzer reads the OpenAPI document and makes requests of it: by the book, and broken in one place
each. Nothing may be answered with a 500, with a status, media type or body that the document does
not have, or be taken although it is broken.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.processes import free_port, spawned, wait_for_port
from tests.unit.api.world import key_of

Operation = APIOperation[Any, Any, Any, Any]

#: A run of 80 each, three minutes, found nothing either.
EXAMPLES = 4
SENDERS = {"/v1/store-sales": "pos"}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where the API over its fakes is served."""
    port = free_port()
    command = [sys.executable, "-m", "tests.contract.api_server", str(port)]
    with spawned(command, {}) as running:
        wait_for_port(port, running)
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("mode", GenerationMode)
def test_every_answer_is_one_that_is_described(url: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_dict(httpx.get(f"{url}/schema").json())
    operations = [it.ok() for it in schema.get_all_operations() if isinstance(it, Ok)]
    assert len(operations) == schema.statistic.operations.total
    for operation in operations:
        _tried(operation, mode, url)


def _tried(operation: Operation, mode: GenerationMode, url: str) -> None:
    sender = SENDERS.get(operation.path, "webshop")
    headers = {"Authorization": f"Bearer {key_of(sender)}"}

    @settings(
        max_examples=EXAMPLES, phases=[Phase.explicit, Phase.generate], database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy(generation_mode=mode))
    def one(case: Case[Any]) -> None:
        case.call_and_validate(base_url=url, headers=headers, checks=CHECKS)

    # Of a request without anything to choose no wrong one can be made.
    with suppress(Unsatisfiable):
        one()
