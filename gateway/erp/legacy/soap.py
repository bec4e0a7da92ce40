"""RFC functions called by SOAP 1.1, and XML answers read without trusting them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element, ParseError, SubElement, register_namespace, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from gateway.erp.figures import BadAnswer

ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
FUNCTIONS: Final = "urn:sap-com:document:sap:rfc:functions"
register_namespace("soap", ENVELOPE)
register_namespace("rfc", FUNCTIONS)

Parameters = dict[str, "str | tuple[str, ...]"]
"""A function's parameters; a tuple is a table whose rows hold one field."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault; ``code`` is the faultcode without prefix."""

    code: str
    text: str

    def __str__(self) -> str:
        """Return code and text, for staff."""
        return f"{self.code}: {self.text}"


def call(function: str, parameters: Parameters) -> bytes:
    """Write the envelope that calls ``function``."""
    envelope = Element(f"{{{ENVELOPE}}}Envelope")
    body = SubElement(envelope, f"{{{ENVELOPE}}}Body")
    invoked = SubElement(body, f"{{{FUNCTIONS}}}{function}")
    for name, value in parameters.items():
        element = SubElement(invoked, name)
        if isinstance(value, str):
            element.text = value
        else:
            for row in value:
                SubElement(element, "item").text = row
    written: bytes = tostring(envelope, encoding="utf-8", xml_declaration=True)
    return written


def answer(body: bytes) -> Element | Fault:
    """Read a response envelope: the function's answer or the fault. Raises :class:`BadAnswer`."""
    envelope = parse(body)
    inside = envelope.find("Body")
    if envelope.tag != "Envelope" or inside is None or not len(inside):
        raise BadAnswer(f"<{envelope.tag}> is no SOAP envelope with a body")
    first = inside[0]
    if first.tag != "Fault":
        return first
    code = field(first, "faultcode").rpartition(":")[2].rpartition(".")[2]
    return Fault(code, field(first, "faultstring"))


def parse(body: bytes) -> Element:
    """Read XML, names without namespace; a DTD is refused. Raises :class:`BadAnswer`."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise BadAnswer(f"no XML: {error}") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def field(element: Element, name: str) -> str:
    """Return the text of a child, stripped; empty if there is none."""
    return (element.findtext(name) or "").strip()


def required(element: Element, name: str) -> str:
    """Return the text of a child. Raises :class:`BadAnswer` if it is missing or empty."""
    text = field(element, name)
    if not text:
        raise BadAnswer(f"<{element.tag}> has no {name}")
    return text
