"""Names of all keys, and how objects spread over partitions, slots and buckets.

All keys of a partition share one hash tag, so every script touches one slot. The tags are chosen
so that the partitions divide a Cluster's 16384 slots evenly.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as field_of
from hashlib import blake2b
from itertools import count
from typing import Final

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from gateway.canonical.process import Target

#: Claims and owners live in hashes of a few entries each: Redis packs such hashes tightly, which
#: costs about a fifth of one string key per entry. 4096 buckets hold 30 days of a partition's
#: claims at 500,000 with ~128 entries each, the size up to which the packed form is kept.
BUCKETS: Final = 4096

#: Claims live in generations of this length; the current one and its neighbours are searched, so
#: a claim is known for at least this long, and clocks of gateways may disagree at the border.
GENERATION_MS: Final = 31 * 24 * 3600 * 1000

FIELD_BYTES: Final = 12

BOOK = b"cx:{rules}:book"
DUTY = b"cx:{rules}:duty"
#: Begins the keys of duties that change no rules; the duty's name follows.
DUTIES = b"cx:{rules}:duty:"
GATEWAYS = b"cx:{rules}:gateways"
WORKERS = b"cx:{rules}:workers"
PEAK = b"cx:{rules}:peak"
INSTALLATION = b"cx:{rules}:installation"


def text_key(version: str) -> str:
    """Name the key of an immutable rule text."""
    return f"cx:{{rules}}:text:{version}"


def tag(partition: int, partitions: int) -> str:
    """Return a hash tag whose slot lies in this partition's share of all slots."""
    low = partition * REDIS_CLUSTER_HASH_SLOTS // partitions
    high = (partition + 1) * REDIS_CLUSTER_HASH_SLOTS // partitions
    for salt in count():
        candidate = f"{partition}.{salt}"
        if low <= key_slot(candidate.encode()) < high:
            return candidate
    raise AssertionError("unreachable: some salt always fits")


def field(name: str) -> tuple[int, bytes]:
    """Return the bucket and the 12-byte field that stand for ``name``.

    96 bits: a billion names meet by chance once in 10^11 such installations.
    """
    digest = blake2b(name.encode(), digest_size=FIELD_BYTES + 2).digest()
    return int.from_bytes(digest[:2], "big") % BUCKETS, digest[2:]


@dataclass(frozen=True, slots=True)
class PartitionKeys:
    """The keys of one partition."""

    number: int
    prefix: str
    #: Epoch and version in force.
    rules: str
    #: By class and channel: the legacy lane, the cloud lane. Every accept names them.
    lanes: dict[tuple[int, str], tuple[str, str]] = field_of(default_factory=dict, compare=False)

    @classmethod
    def of(cls, number: int, prefix: str) -> PartitionKeys:
        """Name the keys of partition ``number``."""
        return cls(number, prefix, f"{prefix}rules")

    @property
    def lease(self) -> str:
        """Who serves the partition, until when, under which token."""
        return f"{self.prefix}lease"

    @property
    def events(self) -> str:
        """The stream of what happened."""
        return f"{self.prefix}e"

    def claims(self, generation: int, bucket: int) -> str:
        """Claims of one generation and bucket."""
        return f"{self.prefix}c:{generation}:{bucket}"

    def owners(self, bucket: int) -> str:
        """Owners of one bucket of objects."""
        return f"{self.prefix}o:{bucket}"

    def message(self, transaction_id: str) -> str:
        """One message."""
        return f"{self.prefix}m:{transaction_id}"

    def fifo(self, object_key: str) -> str:
        """Transactions of an object that wait, the next one first."""
        return f"{self.prefix}f:{object_key}"

    def unprojected(self, object_key: str) -> str:
        """Transactions that left the object's fifo and that the ledger does not have yet."""
        return f"{self.prefix}u:{object_key}"

    def accept_keys(
        self, object_key: str, claim: tuple[int, bytes], owner_bucket: int, generation: int,
        transaction_id: str, priority: int, channel: str, waits_in: str,
    ) -> list[str]:  # fmt: skip
        """The keys of ``accept.lua``, in its order; without a lane it waits in ``waits_in``."""
        p, bucket = self.prefix, claim[0]
        lanes = self.lanes.get((priority, channel))
        if lanes is None:
            lanes = (f"{p}l:legacy:{priority}:{channel}", f"{p}l:cloud:{priority}:{channel}")
            self.lanes[priority, channel] = lanes
        return [
            self.rules,
            f"{p}c:{generation}:{bucket}",
            f"{p}c:{generation - 1}:{bucket}",
            f"{p}c:{generation + 1}:{bucket}",
            f"{p}o:{owner_bucket}",
            f"{p}b:{object_key}",
            f"{p}f:{object_key}",
            f"{p}m:{transaction_id}",
            f"{p}e",
            f"{p}{waits_in}",
            *lanes,
            f"{p}n",
        ]


def partition_keys(partitions: int) -> tuple[PartitionKeys, ...]:
    """Return the keys of all partitions of an installation."""
    return tuple(PartitionKeys.of(n, f"cx:{{{tag(n, partitions)}}}:") for n in range(partitions))


def quota_key(erp: Target, part: str) -> str:
    """Name a key of an ERP's quota, as `_quota.lua` lists them; "" is their common prefix."""
    return f"cx:{{quota:{erp.value}}}:{part}"


def reads_key(bucket: int) -> str:
    """Name the counts of reads of a bucket of time."""
    return f"cx:{{rules}}:reads:{bucket}"
