"""What the legacy adapter makes of answers, the odd ones above all."""

from __future__ import annotations

import gzip
from base64 import b64encode

import httpx
import pytest
import respx

from gateway.canonical.outcome import (
    Absent,
    Booked,
    Busy,
    Cause,
    Refused,
    Stored,
    Unknown,
)
from gateway.erp import LegacyAccess
from gateway.erp.legacy import CONFIRM_MAX
from gateway.erp.legacy.answers import STATUSES, Stage, cause_of
from tests.unit.erp.doubles import IDOC, SOAP, fault, legacy, rows, soap
from tests.unit.erp.envelopes import cancellation, envelope, order, reference_of

pytestmark = pytest.mark.anyio
STORED = "<IDOCS><IDOC><DOCNUM>0000000000012345</DOCNUM></IDOC></IDOCS>"


@pytest.fixture
def server() -> respx.Router:
    return respx.Router(assert_all_called=False)


# --------------------------------------------------------------------------- intake


async def test_what_is_sent_where(server: respx.Router) -> None:
    route = server.post(IDOC, params={"sap-client": "100"}).respond(200, text=STORED)
    assert await legacy(server).send(envelope(order())) == Stored("0000000000012345")
    request = route.calls.last.request
    secret = b64encode(b"GATEWAY:made-up").decode()
    assert request.headers["Authorization"] == f"Basic {secret}"
    assert request.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert request.content.startswith(b"<?xml version='1.0' encoding='utf-8'?>")


def test_the_password_is_not_shown() -> None:
    assert "made-up" not in repr(LegacyAccess("http://x", "GATEWAY", "made-up"))


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, STORED, Stored("0000000000012345")),
        (201, STORED, Stored("0000000000012345")),
        (200, "", Unknown),
        (200, "<IDOCS><IDOC/></IDOCS>", Unknown),
        (200, "<IDOCS><IDOC><DOCNUM>0000000000000000</DOCNUM></IDOC></IDOCS>", Unknown),
        (200, STORED[:-10], Unknown),
        (200, "<html><body>Logon</body></html>", Unknown),
        (200, "not a line of XML", Unknown),
        (200, '<!DOCTYPE x [<!ENTITY e "9">]><IDOCS><DOCNUM>&e;</DOCNUM></IDOCS>', Unknown),
        (200, "<IDOCS><DOCNUM>1</DOCNUM><DOCNUM>2</DOCNUM></IDOCS>", Unknown),
        (202, STORED, Unknown),
        (302, "", Unknown),
        (408, "", Unknown),
        (500, "<html>ABAP runtime error</html>", Unknown),
        (502, "", Unknown),
        (504, "", Unknown),
        (418, "", Unknown),
    ],
)
async def test_only_one_document_number_is_proof_of_storage(
    server: respx.Router, status: int, body: str, outcome: object
) -> None:
    server.post(IDOC).respond(status, text=body)
    answer = await legacy(server).send(envelope(order()))
    assert answer == outcome if not isinstance(outcome, type) else isinstance(answer, outcome)


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (400, {}, Refused(Cause.NOT_ACCEPTED, "POST /sap/bc/idoc_xml: 400 why")),
        (413, {}, Refused(Cause.NOT_ACCEPTED, "POST /sap/bc/idoc_xml: 413 why")),
        (503, {}, Busy("POST /sap/bc/idoc_xml: 503 why", closes=True)),
        (503, {"Retry-After": "1"}, Busy("POST /sap/bc/idoc_xml: 503 why", 1_000, closes=True)),
        (503, {"Retry-After": "-1"}, Busy("POST /sap/bc/idoc_xml: 503 why", closes=True)),
        (429, {"Retry-After": "7"}, Busy("POST /sap/bc/idoc_xml: 429 why", 7_000, closes=True)),
        (
            503,
            {"Retry-After": "Sat, 21 Nov 2026 10:00:35 GMT"},
            Busy("POST /sap/bc/idoc_xml: 503 why", 30_000, closes=True),
        ),
        (
            503,
            {"Retry-After": "99999999"},
            Busy("POST /sap/bc/idoc_xml: 503 why", 3_600_000, closes=True),
        ),
    ],
)
async def test_refusals_and_pauses(
    server: respx.Router, status: int, headers: dict[str, str], outcome: object
) -> None:
    server.post(IDOC).respond(status, text="why", headers=headers)
    assert await legacy(server).send(envelope(order())) == outcome


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_trouble_that_hits_every_document_closes_the_erp_and_says_what_to_check(
    server: respx.Router, status: int
) -> None:
    server.post(IDOC).respond(status, text="Logon failed")
    outcome = await legacy(server).send(envelope(order()))
    assert isinstance(outcome, Busy)
    assert outcome.closes
    assert outcome.misconfigured
    assert "check the" in outcome.detail
    assert "made-up" not in outcome.detail


async def test_a_packed_answer_is_unpacked(server: respx.Router) -> None:
    packed = httpx.Response(
        200, content=gzip.compress(STORED.encode()), headers={"Content-Encoding": "gzip"}
    )
    server.post(IDOC).mock(return_value=packed)
    assert await legacy(server).send(envelope(order())) == Stored("0000000000012345")


async def test_nothing_is_sent_of_what_does_not_fit(server: respx.Router) -> None:
    route = server.post(IDOC).respond(200, text=STORED)
    long = envelope(cancellation("R" * 64))
    outcome = await legacy(server).send(long)
    assert isinstance(outcome, Refused)
    assert outcome.cause is Cause.NOT_ACCEPTED
    assert outcome.detail.startswith("not sent: E1EDK02-BELNR holds 35 characters")
    unreadable = envelope(order()).model_copy(update={"body": {}})
    poison = await legacy(server).send(unreadable)
    assert isinstance(poison, Refused)
    assert poison.cause is Cause.POISON
    assert not route.called


# --------------------------------------------------------------------------- statuses


def test_the_table_of_statuses() -> None:
    failed = {status for status, stage in STATUSES.items() if stage is Stage.FAILED}
    pending = {status for status, stage in STATUSES.items() if stage is Stage.PENDING}
    posted = {status for status, stage in STATUSES.items() if stage is Stage.POSTED}
    assert failed == {"51", "56", "60", "63", "65", "68"}
    assert pending == {"50", "62", "64", "66", "75"}
    assert posted == {"53"}


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("Material XYZ is not maintained (item 2)", Cause.UNKNOWN_ITEM),
        ("Material XYZ does not exist", Cause.UNKNOWN_ITEM),
        ("Sales document for customer reference S-1 does not exist", Cause.UNKNOWN_ORDER),
        ("Item 3 does not exist in the order of reference S-1", Cause.NOT_ACCEPTED),
        ("Posting period 2026-10 is not open (document date 2026-10-31)", Cause.CLOSED_PERIOD),
        ("Control total E1EDS01 SUMME is 1.00, the items add up to 2.00", Cause.TOTAL_DIFFERS),
        ("Company code FR01 is not defined", Cause.NOT_ACCEPTED),
        ("", Cause.NOT_ACCEPTED),
    ],
)
def test_causes(text: str, cause: Cause) -> None:
    assert cause_of(text) is cause


@pytest.mark.parametrize(
    ("item", "outcome"),
    [
        ({"DOCNUM": "7", "STATUS": "53", "VBELN": "0000012001"}, Booked("0000012001")),
        (
            {"DOCNUM": "7", "STATUS": "53", "VBELN": "45", "OUTCOME": "too_late"},
            Booked("45", "too_late"),
        ),
        ({"DOCNUM": "7", "STATUS": "53"}, Booked("7")),
        ({"DOCNUM": "7", "STATUS": "64"}, Stored("7")),
        (
            {"DOCNUM": "7", "STATUS": "51", "STATXT": "Material X is not maintained"},
            Refused(Cause.UNKNOWN_ITEM, "IDoc 7: 51 Material X is not maintained"),
        ),
        ({"DOCNUM": "7", "STATUS": "52", "STATXT": "half"}, Unknown("IDoc 7: status '52' half")),
        ({"DOCNUM": "7", "STATUS": ""}, Unknown("IDoc 7: status ''")),
    ],
)
async def test_confirm_reads_each_status(
    server: respx.Router, item: dict[str, str], outcome: object
) -> None:
    server.post(SOAP).respond(200, text=rows("STATUSES", item))
    assert await legacy(server).confirm(["7"]) == {"7": outcome}


async def test_confirm_asks_for_a_hundred_at_a_time(server: respx.Router) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        asked = request.content.decode().split("<item>")[1:]
        numbers = [each.partition("<")[0] for each in asked]
        assert len(numbers) <= CONFIRM_MAX
        items = [{"DOCNUM": number, "STATUS": "53", "VBELN": f"V{number}"} for number in numbers]
        return httpx.Response(200, text=rows("STATUSES", *items))

    route = server.post(SOAP).mock(side_effect=answer)
    documents = [f"{number:016d}" for number in range(250)]
    outcomes = await legacy(server).confirm(documents)
    assert outcomes == {number: Booked(f"V{number}") for number in documents}
    assert route.call_count == 3


async def test_a_busy_erp_is_not_asked_for_the_rest(server: respx.Router) -> None:
    route = server.post(SOAP).respond(503, headers={"Retry-After": "2"})
    documents = [str(number) for number in range(150)]
    outcomes = await legacy(server).confirm(documents)
    assert list(outcomes) == documents
    assert set(outcomes.values()) == {Busy("POST /sap/bc/soap/rfc: 503", 2_000, closes=True)}
    assert route.call_count == 1


async def test_confirm_says_what_was_left_out_and_what_went_wrong(server: respx.Router) -> None:
    server.post(SOAP).respond(200, text=rows("STATUSES"))
    assert await legacy(server).confirm(["7"]) == {"7": Unknown("IDoc 7: not in the answer")}
    server.post(SOAP).respond(500, text=fault("TOO_MANY_DOCUMENTS"))
    outcomes = await legacy(server).confirm(["7"])
    assert outcomes == {"7": Unknown("status of 1 IDocs: TOO_MANY_DOCUMENTS: why")}
    assert await legacy(server).confirm([]) == {}


# --------------------------------------------------------------------------- probe


async def test_a_probe_asks_for_the_external_reference(server: respx.Router) -> None:
    route = server.post(SOAP).respond(200, text=rows("DOCUMENTS"))
    sent = envelope(order())
    assert await legacy(server).probe(sent) == Absent()
    request = route.calls.last.request
    assert f"<REFERENCE>{reference_of(sent)}</REFERENCE>" in request.content.decode()
    assert "KIND" not in request.content.decode()
    assert request.headers["SOAPAction"].endswith(':Z_DOCUMENT_BY_REFERENCE"')


async def test_a_probe_reports_what_is_booked_over_what_failed(server: respx.Router) -> None:
    failed = {"DOCNUM": "1", "STATUS": "51", "STATXT": "Material X is not maintained"}
    posted = {"DOCNUM": "2", "STATUS": "53", "VBELN": "99"}
    server.post(SOAP).respond(200, text=rows("DOCUMENTS", failed, posted))
    assert await legacy(server).probe(envelope(order())) == Booked("99")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, "", Unknown),
        (200, "<html/>", Unknown),
        (200, soap(""), Unknown),
        (200, rows("DOCUMENTS")[:-9], Unknown),
        (500, fault("SOAP-ENV:Server"), Unknown),
        (500, "<html>dump</html>", Unknown),
        (400, "malformed", Unknown),
        (504, "", Unknown),
        (401, "", Busy),
        (503, "", Busy),
    ],
)
async def test_a_probe_that_gets_no_answer_never_says_absent(
    server: respx.Router, status: int, body: str, kind: type
) -> None:
    server.post(SOAP).respond(status, text=body)
    assert isinstance(await legacy(server).probe(envelope(order())), kind)


async def test_a_probe_that_times_out_is_unknown(server: respx.Router) -> None:
    server.post(SOAP).mock(side_effect=httpx.ReadTimeout("silent"))
    assert isinstance(await legacy(server).probe(envelope(order())), Unknown)
