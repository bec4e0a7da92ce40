"""The cloud dialect: OData v4 in JSON behind OAuth2, as Business Central speaks.

Nothing here is idempotent either: ``externalDocumentNumber`` is a plain field, a document posted
twice exists twice. A 201 means booked, at once; there is nothing to poll.
"""

from gateway.erp.cloud.adapter import CLOUD_TIMING, CloudAccess, CloudErp

__all__ = ["CLOUD_TIMING", "CloudAccess", "CloudErp"]
