"""The split: which side of a percentage an object falls on, for everyone to recompute.

``bucket = int(first 8 bytes of SHA-256("{sticky_by}={value}" in UTF-8), big-endian) mod 10000``;
buckets below the percentage in hundredths go to the cloud ERP. For 30 % by customer that is

>>> bucket("customer_ref", "C-1001")
732

which is below 3000: customer C-1001 goes to the cloud ERP. There is no seed and no clock in
it, so every process, every release and every auditor gets the same answer; raising the percentage
only ever moves objects from legacy to cloud, lowering it only ever back. The rule is not part of
the hash: two rules that split by the same key at the same percentage put an object on the same
side.

A request without the fact (an order without a customer) has nothing to hash. It is not guessed: it
stays in the legacy ERP, and its decision gives ``no customer_ref to split by`` as the reason.
"""

from __future__ import annotations

from hashlib import sha256

from gateway.routing.model import HUNDREDTHS


def bucket(sticky_by: str, value: str) -> int:
    """Return the bucket (0 to 9999) of a value, as the module's text defines it."""
    digest = sha256(f"{sticky_by}={value}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % HUNDREDTHS


def goes_to_cloud(sticky_by: str, value: str, percent_hundredths: int) -> bool:
    """Return whether a value lies in the cloud's share (in hundredths of a percent)."""
    return bucket(sticky_by, value) < percent_hundredths
