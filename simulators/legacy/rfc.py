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
from simulators.refusals import Refusal, Why
from simulators.trade import Trade

NAMESPACE = "urn:sap-com:document:sap:rfc:functions"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
DOCNUMS_MAX = 100


class SoapFault(Exception):
    """A call that ends in a SOAP fault: `code` is the faultcode, the message the faultstring."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


class Functions:
    """The functions by name; each takes the call's element and returns the answer's content."""

    def __init__(self, store: IdocStore, trade: Trade) -> None:
        self._store = store
        self._trade = trade
        self._functions: dict[str, Callable[[Element], str]] = {
            "Z_IDOC_STATUS": self._idoc_status,
            "Z_DOCUMENT_BY_REFERENCE": self._document_by_reference,
            "Z_STOCK_ENQUIRY": self._stock,
            "Z_PRICE_ENQUIRY": self._price,
            "Z_PRODUCT_ENQUIRY": self._product,
        }

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

    def _product(self, call: Element) -> str:
        item = self._trade.item(_given(call, "MATNR"))
        fields = {
            "MAKTX": item.name,
            "EAN11": item.ean,
            "MEINS": item.unit,
            "TAXKM": item.tax_category,
        }
        return "".join(tag(name, value) for name, value in fields.items())


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
