from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.observe import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written = io.StringIO()
    logs.configure(written)
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json_with_time_and_level(stream: io.StringIO) -> None:
    structlog.get_logger("gateway.test").warning("attempt", erp="cloud", attempt=2)
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "attempt", "level": "warning", "erp": "cloud", "attempt": 2}


@pytest.mark.usefixtures("stream")
def test_a_full_disk_costs_the_line_and_not_the_work() -> None:
    with Path("/dev/full").open("w") as full:
        logs.configure(full)
        structlog.get_logger().info("erp_call", outcome="booked")
        with suppress(OSError):  # closing it writes what is left
            full.close()
    structlog.get_logger().info("erp_call", outcome="booked")  # closed


def test_levels_below_the_chosen_one_are_left_out(stream: io.StringIO) -> None:
    structlog.get_logger().debug("noise")
    logging.getLogger("redis").debug("noise")
    assert lines(stream) == []


def test_keys_and_customers_are_masked_wherever_they_are_nested(stream: io.StringIO) -> None:
    structlog.get_logger().info(
        "odd",
        Authorization="Bearer abc",
        order={"order_ref": "SHOP-1", "customer": {"name": "Robin Example"}},
        lines=[{"email": "robin@example.com", "sku": "TEE-BLK-M"}],
        api_key="abc",
    )
    text = stream.getvalue()
    for secret in ("abc", "Robin", "robin"):
        assert secret not in text
    (line,) = lines(stream)
    assert line["order"] == {"order_ref": "SHOP-1", "customer": "***"}
    assert line["lines"] == [{"email": "***", "sku": "TEE-BLK-M"}]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "sent Authorization: Bearer abc.def-123, refused",
            "sent Authorization: Bearer ***, refused",
        ),
        (
            "postgresql://coexist:pa55@db:5432/x is down",
            "postgresql://coexist:***@db:5432/x is down",
        ),
        ("redis://:pa55@cache:6379 timed out", "redis://:***@cache:6379 timed out"),
        ("mail to robin.e+x@shop.example.com failed", "mail to *** failed"),
        ("order SHOP-1 at 10:00", "order SHOP-1 at 10:00"),
    ],
)
def test_secrets_inside_texts_are_masked(text: str, shown: str, stream: io.StringIO) -> None:
    structlog.get_logger().info("odd", detail=text)
    assert lines(stream)[0]["detail"] == shown


def test_other_libraries_records_come_out_masked_in_the_same_form(stream: io.StringIO) -> None:
    logging.getLogger("httpx").error("POST %s", "https://user:pa55@erp/api")
    try:
        raise ValueError("robin@example.com")
    except ValueError:
        logging.getLogger("litestar").exception("failed")
    first, second = lines(stream)
    assert (first["level"], first["event"]) == ("error", "POST https://user:***@erp/api")
    assert "ValueError: ***" in second["exception"]
    assert "robin" not in stream.getvalue()
