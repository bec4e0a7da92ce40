"""The ERPs: one contract, one package for each dialect that speaks it.

What a dialect must do
======================

It implements :class:`gateway.ports.Erp`; ``tests/contract/test_erp_conformance.py`` runs over all
dialects and is the contract in executable form. In words:

* **An answer is an outcome, never an exception.** One table per dialect (``answers.py``) maps every
  status, code and fault. Whatever the table does not know is ``Unknown``: guessing either way
  would lose a document or book it twice.
* **``Busy`` and ``Refused`` are promises** that nothing was or will be booked by this request.
  Bytes that may have left this machine unanswered are ``Unknown``; :mod:`gateway.erp.wire` holds
  the table. No document is ever sent again below this seam, on no layer, save after a 401.
* **The external reference travels** (``CX-…``, unique per message), in the field the ERP can be
  searched by. A probe searches everything that may hold it: what is posted *and* what is only
  stored.
* **Every amount the channel sent is in the document**, exactly. Decimals never pass through a
  float. Names and streets are cut at the ERP's documented lengths; references and amounts never:
  what does not fit is refused before it is sent.
* **Building is pure and repeatable**: the same envelope gives the same bytes, whenever it is sent.
* **Enquiries answer in canonical terms** (:mod:`gateway.erp.figures`), the same whichever ERP was
  asked. What they raise names no ERP, because channels read it; the reason is in the log
  ``coexist.erp``.
* **A call ends within** ``timing.request_ms``, whatever it has to do (a token, a second try after
  401), because ``timing.absent_final_ms`` is computed from it.

* **Two channels may use the same order reference.** The order's channel is in every document that
  names an order, and in the look-up of one: cloud in the first global dimension
  (``shortcutDimension1Code``), legacy under a qualifier of its own (``E1EDK02``, ``Z01``).

What is *not* promised: an order that was entered in an ERP without a channel is found for any.
"""

from gateway.erp.cloud import CLOUD_TIMING, CloudAccess, CloudErp
from gateway.erp.legacy import LEGACY_TIMING, LegacyAccess, LegacyErp

__all__ = [
    "CLOUD_TIMING",
    "LEGACY_TIMING",
    "CloudAccess",
    "CloudErp",
    "LegacyAccess",
    "LegacyErp",
]
