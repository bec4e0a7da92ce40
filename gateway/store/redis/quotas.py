"""One ledger of calls per ERP, shared by every process that calls it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from redis.exceptions import RedisError

from gateway.canonical.exchange import Grant, Limits, Permit, QuotaUse, Traffic, WindowUse
from gateway.canonical.process import Target
from gateway.clock import token_bits
from gateway.policy.quotas import reserved, usable
from gateway.store.redis import keys
from gateway.store.redis.client import Client, Reply, translated

#: Whoever is in line is asked for again this often, and forgotten after twice as long and a bit.
POLL_MS: Final = 250
LINE_MS: Final = 600


class RedisQuotas:
    """:class:`gateway.ports.Quotas` on Redis; ``limits`` come from the configuration.

    ``monotonic_s`` is this process's monotonic clock: it tells steps of the server's clock from
    time that passed. Without it (tests set the server's time) the server is believed.
    """

    def __init__(
        self,
        client: Client,
        limits: Mapping[Target, Limits],
        monotonic_s: Callable[[], float] | None = None,
        who: str = "",
    ) -> None:
        self._client = client
        self._limits = limits
        self._wire = {erp: wire(each) for erp, each in limits.items()}
        self._monotonic_s = monotonic_s
        self._who = who or f"{token_bits(48):012x}"
        self._last: dict[Target, tuple[str, float]] = {}

    async def acquire(
        self,
        erp: Target,
        want: Mapping[Traffic, int],
        back: Sequence[Permit] = (),
        units: int = 1,
    ) -> Grant:
        """Ask for permits by kind of traffic, and give others back in the same turn."""
        wants = ",".join(str(want.get(kind, 0)) for kind in Traffic)
        asked_s = self._now_s()
        wait_ms, _, *tokens = await self._turn(erp, wants, back, units)
        use_by_s = asked_s + self._limits[erp].use_ms / 1000
        permits = (
            Permit(
                token, kind, asked_s, use_by_s, self._now_s, 1 if kind is Traffic.READ else units
            )
            for token, kind in ((it.decode(), Traffic(int(it.split(b":")[1]))) for it in tokens)
        )
        return Grant(tuple(permits), int(wait_ms))

    async def give_back(self, erp: Target, permits: Sequence[Permit]) -> None:
        """Give permits back; a place in the line stays."""
        if permits:
            await self._turn(erp, "", permits)

    async def rung(self, erp: Target, within_ms: int) -> bool:
        """Wait until others have left something for us in line; False if that did not happen."""
        bell = keys.quota_key(erp, f"bell:{self._who}")
        try:
            async with asyncio.timeout(within_ms / 1000 + 5):
                return (
                    await self._client.redis.execute_command("BLPOP", bell, within_ms / 1000)
                    is not None
                )
        except (RedisError, OSError) as error:
            raise translated(error) from error

    async def close(self, erp: Target, for_ms: int) -> None:
        """Let nobody call before ``for_ms`` have passed."""
        await self._script("quota_close", erp, for_ms, *self._passed(erp))

    async def forget(self, erp: Target) -> None:
        """Count every window as full: what is counted is older than what was called."""
        await self._script("quota_forget", erp)

    async def open(self, erp: Target, *, anew: bool) -> bool:
        """Say that the ERP has seen none of our calls within its windows.

        Of a new installation that is known; else (``anew``) staff must know it, for what the ledger
        has counted is forgotten. False if there is a ledger and it was not to be replaced.
        """
        return bool(await self._script("quota_open", erp, self._wire[erp], 1 if anew else 0))

    async def usage(self, erp: Target) -> QuotaUse:
        """Read the ledger."""
        found = json.loads(await self._script("quota_read", erp, self._wire[erp]))
        windows = tuple(_window(it) for it in found["windows"] or ())
        flying = dict(zip(Traffic, map(int, found["flying"]), strict=True))
        return QuotaUse(
            in_flight=sum(flying.values()),
            in_window=max((it.used for it in windows), default=0),
            closed_ms=int(found["closed_ms"]),
            places=int(found["places"]),
            queue=int(found["queue"]),
            windows=windows,
            flying=flying,
            waiting=dict(zip(Traffic, map(int, found["waiting"]), strict=True)),
            breaker=found["breaker"],
            open_ms=int(found["open_ms"]),
            failures=int(found["failures"]),
            lost=bool(found["lost"]),
        )

    def _now_s(self) -> float:
        return 0.0 if self._monotonic_s is None else self._monotonic_s()

    async def _turn(self, erp: Target, wants: str, back: Sequence[Permit], units: int = 1) -> Reply:
        returned = [part for permit in back for part in _returned(permit)]
        answer = await self._script(
            "quota_turn", erp, self._wire[erp], self._who,
            *self._passed(erp), wants, LINE_MS, units, *returned,
        )  # fmt: skip
        if self._monotonic_s is not None:
            self._last[erp] = (answer[1].decode(), self._monotonic_s())
        return answer

    def _passed(self, erp: Target) -> tuple[str, int]:
        """The quota's time of its last answer ("": none), and the ms since then on our clock."""
        q0, at_s = self._last.get(erp, ("", 0.0))
        return q0, int((self._now_s() - at_s) * 1000)

    async def _script(self, name: str, erp: Target, *args: object) -> Reply:
        key, prefix = keys.quota_key(erp, "state"), keys.quota_key(erp, "")
        return await self._client.script(name, [key], prefix, self._client.now_ms, *args)


def wire(limits: Limits) -> str:
    """Write limits as the scripts read them: in absolute figures, net of what is others'."""
    shares = limits.shares
    windows = []
    for window in limits.windows:
        most = usable(window.calls_max, shares.foreign)
        windows.append({
            "span": window.span_ms,
            "max": most,
            "reserve": reserved(most, shares.read),
            "shares": {
                str(int(kind)): usable(most, 1 - part)
                for kind, part in ((Traffic.REPLAY, shares.replay), (Traffic.SHADOW, shares.shadow))
                if part < 1
            },
        })  # fmt: skip
    adaptive = limits.adaptive
    return json.dumps({
        "windows": windows,
        "places": limits.places,
        "queue": limits.queue,
        "queue_ms": limits.queue_ms,
        "foreign_places": shares.foreign_places,
        "read_places": shares.read_places,
        "read_idle_ms": shares.read_idle_ms,
        "use_ms": limits.use_ms,
        "call_ms": limits.call_ms_max,
        "network_ms": limits.network_ms,
        "poll_ms": POLL_MS,
        "costs": [limits.costs.get(kind, 1) for kind in Traffic],
        "failures": limits.breaker.failures,
        "open_ms": limits.breaker.open_ms,
        "open_ms_max": limits.breaker.open_ms_max,
        "adaptive": adaptive is not None
        and {"first": adaptive.first, "least": adaptive.least, "most": adaptive.most},
    })  # fmt: skip


def _returned(permit: Permit) -> tuple[str, str, object, object, int]:
    # Operations of a batch are counted as they are carried out: until its answer is there.
    left = permit.left_after_ms if permit.units == 1 else None
    took = permit.took_ms
    return (
        permit.token, permit.how, "" if left is None else left, "" if took is None else took,
        permit.closes_ms,
    )  # fmt: skip


def _window(found: dict[str, Any]) -> WindowUse:
    free = found.get("free_in_ms")
    return WindowUse(
        span_ms=int(found["span_ms"]),
        calls_max=int(found["max"]),
        used=int(found["used"]),
        read=int(found["read"]),
        reserve=int(found["reserve"]),
        lent=int(found["lent"]),
        replay=int(found["replay"]),
        shadow=int(found["shadow"]),
        free_in_ms=None if free is None else int(free),
    )
