"""Several documents under one reference, and enquiries nobody answers."""

from __future__ import annotations

import logging

import pytest

from gateway.canonical.outcome import (
    Absent,
    Booked,
    Busy,
    Cause,
    Outcome,
    Refused,
    Stored,
    Unknown,
)
from gateway.canonical.process import Target
from gateway.erp.lookup import found, unavailable

BOOKED, STORED, UNKNOWN = Booked("1"), Stored("2"), Unknown("52")
REFUSED = Refused(Cause.UNKNOWN_ITEM, "51")


@pytest.mark.parametrize(
    ("documents", "believed"),
    [
        ([], Absent()),
        ([REFUSED], REFUSED),
        ([REFUSED, STORED], STORED),
        ([REFUSED, UNKNOWN], UNKNOWN),
        ([REFUSED, UNKNOWN, BOOKED], BOOKED),
    ],
)
def test_a_booking_is_believed_first_and_a_refusal_last(
    documents: list[Outcome], believed: object, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "coexist.erp"):
        assert found(documents, Target.LEGACY, "CX-1") == believed
    assert not caplog.records


@pytest.mark.parametrize("second", [Booked("9"), STORED], ids=["booked", "about to be"])
def test_a_double_booking_is_logged_with_its_numbers(
    second: Outcome, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "coexist.erp"):
        assert found([BOOKED, second], Target.CLOUD, "CX-1") == BOOKED
    (record,) = caplog.records
    assert record.__dict__["event"] == "double-booking"
    assert record.__dict__["reference"] == "CX-1"
    assert "cloud has 2 documents under CX-1" in record.getMessage()


def test_what_a_channel_reads_names_no_erp_and_the_log_tells_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "coexist.erp"):
        error = unavailable(
            "price of X", Busy("POST /sap: 503", retry_after_ms=2_100), Target.LEGACY
        )
    assert error.detail == "price of X cannot be answered now; ask again in 3 s"
    assert error.retry_after_s == 3
    assert "legacy: POST /sap: 503" in caplog.text
    assert unavailable("price of X", UNKNOWN, Target.LEGACY).retry_after_s == 1
