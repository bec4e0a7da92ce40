"""Every seam of the gateway: what the story in ``flow/`` needs of the outside, a page each.

Each protocol is the smallest thing its user needs; only the composition roots know what stands
behind it. All calls raise :class:`~gateway.errors.StoreUnavailable` or
:class:`~gateway.errors.LedgerUnavailable` when their system does not answer.
"""

from gateway.ports.audit import AuditLog
from gateway.ports.crosswalks import CrosswalkShelf
from gateway.ports.customers import Customers, CustomerShelf, Master
from gateway.ports.desk import Casebook, Desk
from gateway.ports.erp import Batches, Erp
from gateway.ports.evidence import Evidence
from gateway.ports.governance import Governance
from gateway.ports.guardrails import Findings, Notifier, Reads, Signals
from gateway.ports.intake import Intake
from gateway.ports.lanes import Feed, Lanes
from gateway.ports.ledger import Ledger
from gateway.ports.moving import Moves
from gateway.ports.observer import Observer
from gateway.ports.owners import Forgetting, Owners, Precedents
from gateway.ports.pressure import Backlogs, Peaks
from gateway.ports.quotas import Quotas
from gateway.ports.reconciling import SecondLooks
from gateway.ports.recovering import Memory, Recovery
from gateway.ports.rules import RuleBook
from gateway.ports.seeking import Seeking
from gateway.ports.shadows import ShadowLog
from gateway.ports.stores import StoreBook
from gateway.ports.taxes import TaxEngine
from gateway.ports.waves import WaveFigures

__all__ = [
    "AuditLog",
    "Backlogs",
    "Batches",
    "Casebook",
    "CrosswalkShelf",
    "CustomerShelf",
    "Customers",
    "Desk",
    "Erp",
    "Evidence",
    "Feed",
    "Findings",
    "Forgetting",
    "Governance",
    "Intake",
    "Lanes",
    "Ledger",
    "Master",
    "Memory",
    "Moves",
    "Notifier",
    "Observer",
    "Owners",
    "Peaks",
    "Precedents",
    "Quotas",
    "Reads",
    "Recovery",
    "RuleBook",
    "SecondLooks",
    "Seeking",
    "ShadowLog",
    "Signals",
    "StoreBook",
    "TaxEngine",
    "WaveFigures",
]
