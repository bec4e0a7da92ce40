"""Rule texts by version, the marker of each partition, and who has seen which epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import Duty, Publication
from gateway.errors import FencedOut, InstallationMismatch
from gateway.store.redis import keys
from gateway.store.redis.client import Client

_FENCED_OUT = -1


class RedisRuleBook:
    """:class:`gateway.ports.RuleBook` on Redis."""

    def __init__(self, client: Client, partitions: int) -> None:
        self._client = client
        self._partitions = keys.partition_keys(partitions)

    async def install(self) -> bool:
        """Note the number of partitions at first; refuse a store that was set up with another.

        Return whether the store was new.
        """
        wanted = len(self._partitions)
        found, new = await self._partitions_noted(), False
        if found is None:  # a full server refuses to write, also what is there
            new = await self._client.command("HSETNX", keys.INSTALLATION, "partitions", wanted)
            found = await self._partitions_noted()
        if found != wanted:
            raise InstallationMismatch(
                f"partitions: configured {wanted}, but this store was set up with {found}; the "
                f"number is fixed at installation: set COEXIST_PARTITIONS={found}"
            )
        return bool(new)

    async def _partitions_noted(self) -> int | None:
        noted = await self._client.command("HGET", keys.INSTALLATION, "partitions")
        return None if noted is None else int(noted)

    async def publication(self) -> Publication:
        """Return what is in force and what is being applied."""
        fields = ("epoch", "version", "pending_epoch", "pending_version", "by", "kind", "backlog")
        return _publication(await self._client.command("HMGET", keys.BOOK, *fields))

    async def look(self, gateway: str, epoch: int, ttl_ms: int) -> Publication:
        """Return the same; in the same step note that ``gateway`` reads by ``epoch`` till then."""
        return _publication(
            await self._client.script(
                "look", [keys.BOOK, keys.GATEWAYS], self._client.now_ms, gateway, ttl_ms, epoch
            )
        )

    async def text(self, version: str) -> str | None:
        """Return a stored rule text."""
        text = await self._client.command("GET", keys.text_key(version))
        return None if text is None else text.decode()

    async def keep(self, version: str, text: str) -> None:
        """Store an immutable rule text."""
        await self._client.command("SET", keys.text_key(version), text, "NX")

    async def begin(
        self,
        newest_epoch: int,
        version: str,
        kind: str,
        by: str,
        *,
        take_over: bool = False,
        backlog: str = "drain",
        duty: Duty | None = None,
    ) -> Marker | None:
        epoch = await self._client.script(
            "begin", [keys.BOOK, keys.DUTY],
            newest_epoch, version, by, 1 if take_over else 0, kind, backlog,
            "" if duty is None else duty.token,
        )  # fmt: skip
        if epoch == _FENCED_OUT:
            raise FencedOut("another process looks after schedules and guardrails by now")
        return None if epoch is None else Marker(int(epoch), version)

    async def on_duty(self, holder: str, for_ms: int) -> Duty | None:
        """Go on duty, or stay; None while somebody else is."""
        token = await self._client.script("duty", [keys.DUTY], self._client.now_ms, holder, for_ms)
        return None if token is None else Duty(holder, int(token))

    async def raise_partition(self, partition: int, marker: Marker) -> Marker:
        """Raise one partition's epoch; return what it is under then (epochs only rise)."""
        part = self._partitions[partition]
        epoch, version = await self._client.script(
            "raise", [part.rules, part.events],
            part.prefix, self._client.now_ms, marker.epoch, marker.version,
        )  # fmt: skip
        return Marker(int(epoch), version.decode())

    async def partitions(self) -> Sequence[Marker]:
        """Read back every partition's marker."""
        return [await self.partition(n) for n in range(len(self._partitions))]

    async def partition(self, number: int) -> Marker:
        """Read one partition's marker."""
        rules = self._partitions[number].rules
        epoch, version = await self._client.command("HMGET", rules, "epoch", "version")
        return Marker(int(epoch or 0), (version or b"").decode())

    async def finish(self, marker: Marker) -> bool:
        """Close the flip: ``marker`` is in force everywhere. False if another took over."""
        answer = await self._client.script("finish", [keys.BOOK], marker.epoch, marker.version)
        return bool(answer)

    async def report(self, gateway: str, epoch: int, ttl_ms: int) -> None:
        """Say that a gateway process decides under ``epoch`` from now on."""
        await self._client.note_alive(keys.GATEWAYS, gateway, ttl_ms, str(epoch))

    async def gateways(self) -> Mapping[str, int]:
        """Return the epoch every live gateway reported last; forget those long silent."""
        live = await self._client.alive(keys.GATEWAYS)
        return {name: int(epoch) for name, epoch in live.items()}


def _publication(values: Sequence[bytes | None]) -> Publication:
    texts = ((value or b"").decode() for value in values)
    epoch, version, open_epoch, open_version, by, kind, backlog = texts
    pending = Marker(int(open_epoch), open_version) if open_epoch else None
    return Publication(Marker(int(epoch or 0), version), pending, by, kind, backlog or "drain")
