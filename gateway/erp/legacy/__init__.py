"""The legacy dialect: IDoc XML in, status polled, enquiries by SOAP (as SAP ECC speaks).

Nothing here is idempotent: an IDoc sent twice is posted twice. HTTP 200 means *stored*; batch runs
post later, and only status 53 means booked.
"""

from gateway.erp.legacy.adapter import CONFIRM_MAX, LEGACY_TIMING, LegacyAccess, LegacyErp

__all__ = ["CONFIRM_MAX", "LEGACY_TIMING", "LegacyAccess", "LegacyErp"]
