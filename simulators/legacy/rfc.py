"""The RFC functions, called over SOAP 1.1 (document/literal, as rfc.wsdl describes them)."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from simulators.books import money
from simulators.catalogue import COMPANIES
from simulators.legacy.idoc import quantity_text
from simulators.legacy.markup import tag, text_of
from simulators.legacy.store import Idoc, IdocStore
from simulators.options import LegacyOptions
from simulators.refusals import Refusal, Why
from simulators.shell import Shell

NAMESPACE = "urn:sap-com:document:sap:rfc:functions"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
DOCNUMS_MAX = 100
CREATE = "Z_CUSTOMER_CREATE"
CUSTOMER_LENGTHS = {
    "NAME1": 35, "NAME2": 35, "STRAS": 35, "ORT01": 35, "PSTLZ": 10, "LAND1": 3, "REGIO": 3,
    "SMTP_ADDR": 241, "REFERENCE": 35,
}  # fmt: skip
"""The lengths of KNA1's fields, and of the customer extension that keeps our reference."""


class SoapFault(Exception):
    """A call that ends in a SOAP fault: `code` is the faultcode, the message the faultstring."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


class Functions:
    """The functions by name; each takes the call's element and returns the answer's content."""

    def __init__(self, store: IdocStore, shell: Shell[LegacyOptions]) -> None:
        self._store = store
        self._shell = shell
        self._trade = shell.trade
        self._functions: dict[str, Callable[[Element], str]] = {
            "Z_IDOC_STATUS": self._idoc_status,
            "Z_DOCUMENT_BY_REFERENCE": self._document_by_reference,
            "Z_STOCK_ENQUIRY": self._stock,
            "Z_PRICE_ENQUIRY": self._price,
            "Z_PRODUCT_ENQUIRY": self._product,
            "Z_CUSTOMER_BY_REFERENCE": self._customer_by_reference,
            CREATE: self._create_customer,
        }

    def writes(self, envelope: Element) -> bool:
        """Whether the call changes anything; checked first, so that only its answer can fail."""
        call = envelope.find(f"Body/{CREATE}")
        if call is None:
            return False
        _customer_fields(call)
        return True

    def call(self, envelope: Element) -> str:
        """The response envelope. Raises `SoapFault`."""
        body = envelope.find("Body")
        if envelope.tag != "Envelope" or body is None or not len(body):
            raise SoapFault("SOAP-ENV:Client", "the message is no SOAP envelope with a body")
        call = body[0]
        function = self._functions.get(call.tag)
        if function is None:
            known = ", ".join(self._functions)
            raise SoapFault("FUNCTION_NOT_FOUND", f"Function {call.tag} does not exist: {known}")
        try:
            content = function(call)
        except Refusal as refusal:
            raise _fault(refusal) from None
        name = f"rfc:{call.tag}.Response"
        return _enveloped(f'<{name} xmlns:rfc="{NAMESPACE}">{content}</{name}>')

    def _idoc_status(self, call: Element) -> str:
        docnums = [(item.text or "").strip() for item in call.findall("DOCNUMS/item")]
        if len(docnums) > DOCNUMS_MAX:
            raise SoapFault(
                "TOO_MANY_DOCUMENTS", f"{len(docnums)} documents asked for, at most {DOCNUMS_MAX}"
            )
        items = "".join(self._status_of(docnum) for docnum in docnums)
        return f"<STATUSES>{items}</STATUSES>"

    def _status_of(self, docnum: str) -> str:
        idoc = self._store.get(docnum)
        if idoc is None:
            text = f"IDoc {docnum} does not exist"
            fields = {"DOCNUM": docnum, "STATUS": "", "STATXT": text, "VBELN": "", "OUTCOME": ""}
            return _item(fields)
        return _item(_status_fields(idoc))

    def _document_by_reference(self, call: Element) -> str:
        reference, kind = _given(call, "REFERENCE"), text_of(call, "KIND")
        if kind not in ("", "ORDER_REF"):
            raise SoapFault("KIND_NOT_FOUND", f"KIND is {kind}, it may be empty or ORDER_REF")
        channel = text_of(call, "CHANNEL")
        found = self._store.find_orders(reference, channel) if kind else self._store.find(reference)
        items = [
            _item({**_status_fields(idoc), "KIND": idoc.kind.value if idoc.kind else ""})
            for idoc in found
        ]
        return f"<DOCUMENTS>{''.join(items)}</DOCUMENTS>"

    def _stock(self, call: Element) -> str:
        sku, company = _given(call, "MATNR"), _given(call, "BUKRS")
        quantity = quantity_text(self._trade.stock(company, sku))
        return tag("QTY", quantity) + tag("MEINS", self._trade.item(sku).unit)

    def _price(self, call: Element) -> str:
        item, company = self._trade.item(_given(call, "MATNR")), _given(call, "BUKRS")
        if company not in COMPANIES:
            raise Refusal(Why.UNKNOWN_COMPANY, company=company)
        currency = COMPANIES[company].currency
        return tag("PRICE", money(item.price)) + tag("CURRENCY", currency) + tag("TAXINCL", "X")

    def _customer_by_reference(self, call: Element) -> str:
        reference, company = _given(call, "REFERENCE"), _given(call, "BUKRS")
        now_s = self._shell.clock.monotonic_s()
        rows = self._trade.customers.find(reference, company, now_s)
        items = "".join(_item({"KUNNR": row.number, "NAME1": row.name}) for row in rows)
        return f"<CUSTOMERS>{items}</CUSTOMERS>"

    def _create_customer(self, call: Element) -> str:
        """As BAPI_CUSTOMER_CREATEFROMDATA1 and its commit: a number from the internal range."""
        return tag("KUNNR", self._shell.create_customer(**_customer_fields(call)).number)

    def _product(self, call: Element) -> str:
        item = self._trade.item(_given(call, "MATNR"))
        fields = {
            "MAKTX": item.name,
            "EAN11": item.ean,
            "MEINS": item.unit,
            "TAXKM": item.tax_category,
        }
        return "".join(tag(name, value) for name, value in fields.items())


def _customer_fields(call: Element) -> dict[str, str]:
    company = _given(call, "BUKRS")
    if company not in COMPANIES:
        raise SoapFault("COMPANY_CODE_NOT_FOUND", f"Company code {company} is not defined")
    for name, most in CUSTOMER_LENGTHS.items():
        if len(text_of(call, name)) > most:
            raise SoapFault("FIELD_TOO_LONG", f"{name} holds {most} characters")
    return {
        "reference": _given(call, "REFERENCE"),
        "company": company,
        "name": " ".join(filter(None, (_given(call, "NAME1"), text_of(call, "NAME2")))),
        "city": text_of(call, "ORT01"),
        "country": _given(call, "LAND1"),
        "email": text_of(call, "SMTP_ADDR"),
    }


def fault_envelope(fault: SoapFault) -> str:
    """The envelope of a fault."""
    inside = tag("faultcode", fault.code) + tag("faultstring", str(fault))
    return _enveloped(f"<SOAP-ENV:Fault>{inside}</SOAP-ENV:Fault>")


def wsdl(location: str) -> str:
    """The service description, with the address the service is reached at."""
    text = files("simulators.legacy").joinpath("rfc.wsdl").read_text(encoding="utf-8")
    return text.replace('"LOCATION"', quoteattr(location))


def _fault(refusal: Refusal) -> SoapFault:
    if refusal.why is Why.UNKNOWN_ITEM:
        sku = refusal.facts["sku"]
        return SoapFault("MATERIAL_NOT_FOUND", f"Material {sku} is not maintained")
    company = refusal.facts["company"]
    return SoapFault("COMPANY_CODE_NOT_FOUND", f"Company code {company} is not defined")


def _given(call: Element, name: str) -> str:
    value = text_of(call, name)
    if not value:
        raise SoapFault("PARAMETER_MISSING", f"{call.tag} needs the parameter {name}")
    return value


def _status_fields(idoc: Idoc) -> dict[str, str]:
    document = idoc.document
    return {
        "DOCNUM": idoc.docnum,
        "STATUS": idoc.status,
        "STATXT": idoc.text,
        "VBELN": document.number if document else "",
        "OUTCOME": (document.outcome or "") if document else "",
    }


def _item(fields: dict[str, str]) -> str:
    inside = "".join(tag(name, value) for name, value in fields.items())
    return f"<item>{inside}</item>"


def _enveloped(content: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<SOAP-ENV:Envelope xmlns:SOAP-ENV="{ENVELOPE}">'
        f"<SOAP-ENV:Body>{content}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )
