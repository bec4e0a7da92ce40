"""Envelopes as the store keeps them: compressed against what every envelope has in common.

Most of a waiting order is field names, and memory is what a store runs out of while an ERP is down.
LZ4 with a dictionary costs about what is saved in sending, logging and copying the difference.

The first byte says how the rest is read: ``{`` plain JSON, 1 an LZ4 block over dictionary 1. What
waits in a store may be older than the process that reads it, so a dictionary never changes: a
better one gets the next number.
"""

from __future__ import annotations

from typing import Final

from lz4.block import LZ4BlockError, compress, decompress

_MARK: Final = b"\x01"

#: Below this an envelope has nothing to gain.
_BYTES_MIN: Final = 128

#: Dictionary 1. The more often something occurs, the nearer it stands to the end.
_COMMON: Final = (
    b'","process":"return.credit","channel":"","object_key":"order::","reference":"","body":{'
    b'"return_ref":"","order_ref":"","order_channel":"","legal_entity":"","returned_at":"","currency'
    b'":"EUR","reason":"","lines":[{"line":1,"sku":"","quantity":1,"refund":"'
    b'","process":"order.cancellation","body":{"order_ref":"","legal_entity":"","cancellation":{'
    b'"cancellation_ref":"","reason":"customer","lines":['
    b'","process":"store.sale","channel":"pos","object_key":"store-day:","facts":{"process":"'
    b'store.sale","channel":"pos","legal_entity":"","country":"","store":"","business_date":"'
    b'","body":{"store":"","legal_entity":"","sale":{"register":"","sequence":1,"business_date":"'
    b'","sold_at":"","currency":"EUR","tax_included":true,"lines":[{"line":1,"sku":"","quantity":1,'
    b'"unit_price":"9.95","discount":"0.00","tax":"0.00"}],"tenders":[{"method":"cash","amount":"'
    b'{"transaction_id":"","process":"order.intake","channel":"webshop","object_key":"order:webshop:'
    b'","reference":"","accepted_at":"2026-01-01T10:00:00.000000Z","facts":{"process":"order.intake"'
    b',"channel":"webshop","legal_entity":"NL01","country":"NL","region":"","customer_group":""'
    b',"customer_ref":"","order_ref":""},"rule_id":"order-intake-default","rule_version":"","body":'
    b'{"currency":"EUR","customer":{"email":"@example.com","group":"retail","name":"","ref":""},'
    b'"legal_entity":"NL01","lines":[{"discount":"0.00","line":1,"quantity":1,"sku":"","tax":"0.00",'
    b'"unit_price":"19.95"},{"discount":"0.00","line":2,"quantity":2,"sku":""}],"order_ref":"'
    b'","ordered_at":"2026-01-01T10:00:00+00:00","payment":{"method":"card","reference":"","status":'
    b'"paid"},"ship_to":{"city":"","country":"NL","name":"","postal_code":"","region":"","street":"'
    b'"},"shipping":{"amount":"4.95","tax":"0.86"},"tax_included":true,"total":"0.00"}}'
)


def packed(payload: bytes) -> bytes:
    """Return an envelope as the store is to keep it."""
    if len(payload) < _BYTES_MIN:
        return payload
    block = _MARK + compress(payload, dict=_COMMON)
    return block if len(block) < len(payload) else payload


def unpacked(kept: bytes) -> bytes:
    """Return the envelope that was packed.

    What cannot be read is returned as it is: whoever parses it finds out, and holds the message.
    """
    if kept[:1] != _MARK:
        return kept
    try:
        found: bytes = decompress(kept[1:], dict=_COMMON)
    except (LZ4BlockError, ValueError, MemoryError):
        return kept
    return found
