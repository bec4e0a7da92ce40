"""The Selling Partner API: calls of one seller's account, within its usage plan.

Every call takes a token of its operation's bucket first, and the bucket is kept in the ledger
before the call is made: whoever goes on after a crash knows what was used up. An answer that
states another rate is believed, one that says the quota is exceeded empties the bucket.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import httpx
import msgspec

from gateway.callers.amazon.login import Credentials, Login
from gateway.canonical.exchange.pulling import NO_INSTANT, Pull
from gateway.clock import Clock
from gateway.errors import MarketUnavailable
from gateway.policy.usage_plan import Plan, kept
from gateway.ports.marketplaces import Pulls

_RATE: Final = "x-amzn-RateLimit-Limit"
_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode


@dataclass(frozen=True, slots=True)
class Account:
    """A seller's account: where it is asked, for which marketplaces, and for which datasets.

    ``channel`` names what is kept of its usage plan.
    """

    channel: str
    endpoint: str
    token_url: str
    credentials: Credentials
    marketplaces: tuple[str, ...]
    data: Sequence[str]


class SellingPartner:
    """Calls of one account; any number of processes keep its rates together."""

    def __init__(
        self, account: Account, client: httpx.AsyncClient, pulls: Pulls, clock: Clock
    ) -> None:
        self.account = account
        self._client = client
        self._pulls = pulls
        self._clock = clock
        self._login = Login(client, account.token_url, account.credentials, clock)

    async def call(self, operation: str, path: str, query: Mapping[str, str]) -> httpx.Response:
        """Call once, and once more under a new token if the first was not taken.

        Returns an answer of status 200, 400 or 404; raises :class:`MarketUnavailable` otherwise.
        """
        for last in (False, True):
            await self._take(operation)
            token = await self._login.token()
            try:
                answer = await self._client.get(
                    f"{self.account.endpoint}{path}",
                    params=query,
                    headers={"x-amz-access-token": token, "accept": "application/json"},
                )
            except httpx.HTTPError as error:
                text = f"{operation}: {type(error).__name__}"
                raise MarketUnavailable(text) from None
            await self._heed(operation, answer)
            if answer.status_code not in (401, 403) or last:
                break
            self._login.drop(token)
        if answer.status_code not in (200, 400, 404):
            raise MarketUnavailable(f"{operation}: {why(answer)}")
        return answer

    async def _take(self, operation: str) -> None:
        pull, plan = await self._plan(operation)
        taken = plan.taken(self._now_s())
        if taken is None:
            wait_s = plan.at(self._now_s()).full_again_s
            raise MarketUnavailable(f"{operation}: the rate allows the next call in {wait_s:.0f} s")
        await self._keep(pull, operation, taken)

    async def _heed(self, operation: str, answer: httpx.Response) -> None:
        """Believe what an answer says of the rate."""
        said = answer.headers.get(_RATE, "")
        empty = answer.status_code == 429
        pull, plan = await self._plan(operation)
        told = plan.emptied(self._now_s()) if empty else plan.told(_rate(said))
        if told != plan:
            await self._keep(pull, operation, told)

    async def _plan(self, operation: str) -> tuple[Pull, Plan]:
        channel = self.account.channel
        pull = await self._pulls.pull(channel) or Pull(channel, NO_INSTANT)
        return pull, kept(pull.plans.get(operation, {}), operation, self._now_s())

    async def _keep(self, pull: Pull, operation: str, plan: Plan) -> None:
        plans = {**pull.plans, operation: plan.as_json()}
        await self._pulls.keep_pull(replace(pull, plans=plans))

    def _now_s(self) -> float:
        return self._clock.now().timestamp()


def body_of(answer: httpx.Response, operation: str) -> dict[str, Any]:
    """Return the object an answer carries. Raises :class:`MarketUnavailable`."""
    try:
        found = _decode(answer.content)
    except (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError):
        found = None
    if answer.status_code != 200 or not isinstance(found, dict):
        raise MarketUnavailable(f"{operation}: {why(answer)}")
    return found


def why(answer: httpx.Response) -> str:
    """Name the error of a body; the rest of it may be anybody's data."""
    try:
        error = msgspec.json.decode(answer.content)["errors"][0]
        return f"{answer.status_code} {error['code']}: {error['message']}"[:200]
    except (msgspec.MsgspecError, LookupError, TypeError):
        return f"{answer.status_code}, and no body that could be read"


def _rate(said: str) -> float:
    try:
        rate = float(said)
    except ValueError:
        return 0.0
    return rate if 0 < rate < 1e6 else 0.0


def instant(value: object) -> datetime | None:
    """Read an instant, None if it is none."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
