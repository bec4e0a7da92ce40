"""AWS Signature Version 4 of a POST without a query, as the queue wants it.

Source: docs.aws.amazon.com, IAM user guide, "Create a signed AWS API request".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Key:
    """An access key, and what it is used for."""

    access_key: str
    secret_key: str
    region: str
    service: str


def signed(
    key: Key, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> dict[str, str]:
    """Return ``headers`` (with ``host``, names in lower case) and those that sign the request."""
    at = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    all_of = {**headers, "x-amz-date": at}
    names = ";".join(sorted(all_of))
    canonical = "\n".join(
        [
            method,
            path or "/",
            "",
            *(f"{name}:{all_of[name].strip()}" for name in sorted(all_of)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{at[:8]}/{key.region}/{key.service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    told = f"{_ALGORITHM}\n{at}\n{scope}\n{digest}"
    secret = f"AWS4{key.secret_key}".encode()
    for part in (at[:8], key.region, key.service, "aws4_request"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    signature = hmac.digest(secret, told.encode(), "sha256").hex()
    credential = f"{key.access_key}/{scope}"
    all_of["authorization"] = (
        f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    )
    return all_of
