"""B11: a validate-only call tells what would become of a document, and books nothing."""

from __future__ import annotations

from itertools import count

import pytest

from gateway.canonical.outcome import Absent, Cause, Refused
from gateway.canonical.validation import Difference, NotOffered, Valid
from gateway.ports import Erp
from tests.contract.erp_simulators import OLD, Simulator, an_order_of, new_order
from tests.unit.erp.envelopes import cancellation, envelope, returned, sale

pytestmark = pytest.mark.anyio
_NUMBERS = count(5001)


async def test_a_validation_books_nothing(erp: Erp, simulator: Simulator) -> None:
    documents = [new_order(), envelope(sale(sequence=next(_NUMBERS)), channel="pos")]
    documents += [envelope(cancellation(OLD[simulator.system]))]
    documents += [envelope(returned(order_ref=OLD[simulator.system]))]
    for sent in documents:
        validated = await erp.validate(sent)
        if simulator.system == "legacy":
            assert isinstance(validated, NotOffered)
        else:
            assert validated == Valid(), sent.process
        assert simulator.booked(sent) == []
        assert await erp.probe(sent) == Absent()
    missing = await erp.validate(an_order_of("NO-SUCH-SKU"))
    if simulator.system == "cloud":
        assert isinstance(missing, Refused)
        assert missing.cause is Cause.UNKNOWN_ITEM


async def test_a_validation_tells_what_would_be_kept_otherwise(
    erp: Erp, simulator: Simulator
) -> None:
    if simulator.system == "legacy":
        return  # it has none, as the test above says
    ship_to = {"name": "A", "street": "S 1", "city": "C" * 40, "country": "NL"}
    sent = new_order(ship_to=ship_to | {"postal_code": "1234 AB", "region": "Noord"})
    validated = await erp.validate(sent)
    assert validated == Valid((Difference("ship_to.city", "C" * 40, "C" * 30),))
