"""Seek: what was taken though nobody could say who owns its object waits until somebody can.

The sentence the code follows: *the owner of what waits is looked for again and again, in the ledger
and then in both ERPs; once it is found it is pinned, and the object goes on by the rules in force;
what is not found by its deadline, or what only staff can decide, becomes an exception.*

Nothing is sent by default. That no system has the order is no reason to give up before the
deadline: it may be on its way, and then goes first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from pydantic import ValidationError

from gateway.canonical.envelope import Envelope, order_channel
from gateway.canonical.exchange import Lease
from gateway.canonical.exchange.seeking import Sought
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Target
from gateway.errors import NotFound
from gateway.flow.owners import Found, OwnerFinder, Undecided
from gateway.flow.versions import RuleVersions
from gateway.policy.backoff import seek_ms
from gateway.ports import RuleBook, Seeking
from gateway.routing.facts import Facts

PAGE: Final = 20


class Seeker:
    """Looks for the owners of a partition's sought objects.

    ``entities_of`` a channel are the legal entities that may be meant where it named none.
    """

    def __init__(
        self,
        seeking: Seeking,
        book: RuleBook,
        versions: RuleVersions,
        finder: OwnerFinder,
        entities_of: Callable[[str], Sequence[str]],
        seek_ms_max: int,
    ) -> None:
        self._seeking = seeking
        self._book = book
        self._versions = versions
        self._finder = finder
        self._entities_of = entities_of
        self._seek_ms_max = seek_ms_max

    async def seek(self, lease: Lease) -> int:
        """Look for those that are due; return how many went on or became exceptions.

        One after the other, and no further while a system is silent: its outage is not made worse,
        and the quota of the other one is left to those who wait for an answer.
        """
        done, silent = 0, None
        for one in await self._seeking.sought(lease, PAGE):
            if silent is None:
                verdict = await self._verdict(one)
                if isinstance(verdict, Undecided) and not verdict.lasts:
                    silent = verdict
            elif one.waited_ms < self._seek_ms_max:
                continue
            else:
                verdict = silent
            done += await self._settled(one, verdict)
        return done

    async def _verdict(self, one: Sought) -> Found | Undecided | NotFound | ValidationError:
        try:
            envelope = Envelope.model_validate_json(one.payload)
        except ValidationError as error:
            return error
        facts = Facts(**envelope.facts)
        named = facts.legal_entity
        entities = (named,) if named else self._entities_of(envelope.channel)
        try:
            return await self._finder.find(
                one.object_key, order_channel(envelope), facts.order_ref, entities
            )
        except NotFound as error:
            return error

    async def _settled(
        self, one: Sought, verdict: Found | Undecided | NotFound | ValidationError
    ) -> bool:
        late = one.waited_ms >= self._seek_ms_max
        match verdict:
            case Found():
                return await self._found(one, verdict)
            case ValidationError():
                return await self._seeking.unfound(one, Cause.POISON, f"cannot be read: {verdict}")
            case Undecided(why, lasts) if late or lasts:
                return await self._seeking.unfound(one, Cause.OWNER_UNDECIDED, why)
            case NotFound() if late:
                detail = f"neither ERP has its order: {verdict.detail}"
                return await self._seeking.unfound(one, Cause.UNKNOWN_ORDER, detail)
            case _:
                wait_ms = min(seek_ms(one.waited_ms), max(1, self._seek_ms_max - one.waited_ms))
                await self._seeking.later(one, wait_ms)
                return False

    async def _found(self, one: Sought, found: Found) -> bool:
        """Send it on as it would have been taken had the owner been known."""
        marker = await self._book.partition(one.lease.partition)
        envelope = Envelope.model_validate_json(one.payload)
        located = _located(envelope, found.legal_entity)
        rules = await self._versions.compiled(marker.version)
        hold = rules.decide(Facts(**located.facts)).target is Target.HOLD
        payload = None if located is envelope else located.model_dump_json().encode()
        return await self._seeking.found(one, marker.epoch, found.owner, payload, hold=hold)


def _located(envelope: Envelope, legal_entity: str) -> Envelope:
    """Fill in the legal entity its order was found in, where the channel named none."""
    if not legal_entity or envelope.facts.get("legal_entity"):
        return envelope
    facts = {**envelope.facts, "legal_entity": legal_entity}
    return envelope.model_copy(
        update={"facts": facts, "body": {**envelope.body, "legal_entity": legal_entity}}
    )
