"""What a schema cannot know: entities, currencies, minor units, stores, and what time it is.

All that is wrong with one body is found in one go, each with its pointer. Nothing here awaits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from gateway.api.auth import Channel
from gateway.api.services import Terms
from gateway.canonical.fields import invalid, pointer
from gateway.canonical.money import MINOR_DIGITS
from gateway.canonical.order import Order, Return, SalesLine, Shipping
from gateway.canonical.sale import Mark, SaleReturn, StoreSale
from gateway.clock import Clock
from gateway.errors import FieldError, Forbidden, Invalid

#: The oldest document taken: a return window and a year's correction, and never a typo of the year.
AGE_DAYS_MAX: Final = 400
_AGE_MAX: Final = timedelta(days=AGE_DAYS_MAX)

#: A business date may be tomorrow's: stores east of the gateway are a day ahead.
DAYS_AHEAD_MAX: Final = 1

_Amount: TypeAlias = tuple[tuple[str | int, ...], Decimal]


class Checks:
    """Judges documents of channels against the settings and the clock."""

    def __init__(self, settings: Terms, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._ahead_max = timedelta(seconds=settings.future_s_max)

    def order(self, channel: Channel, order: Order) -> None:
        """Raise :class:`Invalid` listing all that is wrong with an order."""
        found = [
            *self._entity(channel, order.legal_entity, order.currency),
            *self._instant("/ordered_at", order.ordered_at),
        ]
        if not _all_fit(order):  # on the accept path: say where only if there is something to say
            amounts = _line_amounts(order.lines)
            amounts.append((("shipping", "amount"), order.shipping.amount))
            amounts.append((("shipping", "tax"), order.shipping.tax))
            amounts += _parts(("shipping",), order.shipping)
            for at, line in enumerate(order.lines):
                amounts += _parts(("lines", at), line)
            for at, tender in enumerate(order.tenders):
                amounts.append((("tenders", at, "amount"), tender.amount))
            amounts.append((("cash_rounding",), order.cash_rounding))
            found += _places(amounts, order.currency)
        _raise_any(found)

    def passes(
        self, channel: Channel, legal_entity: str, currency: str, ordered_at: datetime
    ) -> bool:
        """Say whether nothing is wrong with an order, of whose amounts all places are right."""
        return not (self._entity(channel, legal_entity, currency) or self._instant("", ordered_at))

    def returned(self, channel: Channel, document: Return) -> None:
        """Raise :class:`Invalid` listing all that is wrong with a return."""
        amounts: list[_Amount] = [
            (("lines", at, "refund"), line.refund) for at, line in enumerate(document.lines)
        ]
        amounts += [
            (("lines", at, "tax"), line.tax)
            for at, line in enumerate(document.lines)
            if line.tax is not None
        ]
        amounts.append((("shipping",), document.shipping))
        amounts.append((("shipping_tax",), document.shipping_tax or Decimal(0)))
        amounts += [
            (("adjustments", at, "amount"), it.amount) for at, it in enumerate(document.adjustments)
        ]
        _raise_any(
            [
                *self._entity(channel, document.legal_entity, document.currency),
                *self._order_channel(document.order_channel),
                *self._instant("/returned_at", document.returned_at),
                *_places(amounts, document.currency),
            ]
        )

    def stepped(
        self, channel: Channel, legal_entity: str, order_channel: str, at: str, instant: datetime
    ) -> None:
        """Raise :class:`Invalid` listing all that is wrong with what a return is before its credit.

        ``at`` is where ``instant``, when it happened, stands.
        """
        _raise_any(
            [
                *self._named(channel, legal_entity),
                *self._order_channel(order_channel),
                *self._instant(at, instant),
            ]
        )

    def sale(self, legal_entity: str, sale: StoreSale, at: str) -> None:
        """Raise :class:`Invalid` listing all that is wrong with a receipt that stands at ``at``."""
        amounts = [*_line_amounts(sale.lines), *_line_amounts(sale.returns, "returns")]
        for n, tender in enumerate(sale.tenders):
            amounts.append((("tenders", n, "amount"), tender.amount))
        amounts.append((("cash_rounding",), sale.cash_rounding))
        found = [
            *self._currency(legal_entity, sale.currency),
            *self._on_its_day(sale),
            *_places(amounts, sale.currency),
        ]
        _raise_any([FieldError(at + each.pointer, each.detail) for each in found])

    def mark(self, mark: Mark, at: str) -> None:
        """Raise :class:`Invalid` listing all that is wrong with a mark that stands at ``at``."""
        found = [FieldError(at + each.pointer, each.detail) for each in self._on_its_day(mark)]
        _raise_any(found)

    def entity_of_store(self, channel: Channel, store: str) -> str:
        """Return the entity that books a store's sales; raise :class:`Invalid` if it is unknown."""
        known = self._settings.stores.get(store)
        if known is None:
            raise invalid([FieldError("/store", f"store '{store}' is not known; check its code")])
        if known.legal_entity not in channel.legal_entities:
            raise invalid([FieldError("/store", _not_yours(channel, known.legal_entity))])
        return known.legal_entity

    def entity_asked_for(self, channel: Channel, legal_entity: str) -> str:
        """Return the entity an enquiry means: the one named, or a channel's only one.

        Raises:
            Invalid: none was named and there are several, or it is unknown.
            Forbidden: the channel may not name it.
        """
        named = legal_entity or channel.only_entity
        if not named:
            raise Invalid(
                f"legal_entity is missing; add ?legal_entity= with one of {_list(channel)}"
            )
        if named not in self._settings.legal_entities:
            raise Invalid(f"legal entity '{named}' is not known; use {_list(channel)}")
        if named not in channel.legal_entities:
            raise Forbidden(_not_yours(channel, named))
        return named

    def store_asked_for(self, store: str) -> None:
        """Raise :class:`Invalid` if there is no such store."""
        if store not in self._settings.stores:
            raise Invalid(f"store '{store}' is not known; check its code")

    def _entity(self, channel: Channel, code: str, currency: str) -> Sequence[FieldError]:
        return self._named(channel, code) or self._currency(code, currency)

    def _named(self, channel: Channel, code: str) -> Sequence[FieldError]:
        if code not in self._settings.legal_entities:
            detail = f"legal entity '{code}' is not known; use {_list(channel)}"
            return [FieldError("/legal_entity", detail)]
        if code not in channel.legal_entities:
            return [FieldError("/legal_entity", _not_yours(channel, code))]
        return ()

    def _currency(self, legal_entity: str, currency: str) -> Sequence[FieldError]:
        booked = self._settings.legal_entities[legal_entity].currencies
        if currency in booked:
            return ()
        detail = (
            f"currency '{currency}' is not booked by legal entity {legal_entity}; "
            f"use {' or '.join(booked)}"
        )
        return [FieldError("/currency", detail)]

    def _order_channel(self, name: str) -> Sequence[FieldError]:
        if not name or name in self._settings.channels:
            return ()
        detail = f"channel '{name}' is not known; name the channel the order came from"
        return [FieldError("/order_channel", detail)]

    def _instant(self, at: str, instant: datetime) -> Sequence[FieldError]:
        now = self._clock.now()
        ahead = instant - now
        if ahead > self._ahead_max:
            detail = (
                f"{instant.isoformat()} is {_span(ahead)} ahead of the gateway's clock "
                f"({now.isoformat(timespec='seconds')}); check the sender's clock"
            )
            return [FieldError(at, detail)]
        return _too_old(at, instant, -ahead)

    def _on_its_day(self, of: StoreSale | Mark) -> Sequence[FieldError]:
        return [*self._business_date(of.business_date), *self._instant("/sold_at", of.sold_at)]

    def _business_date(self, day: date) -> Sequence[FieldError]:
        today = self._clock.now().astimezone(UTC).date()
        ahead = day - today
        if ahead.days > DAYS_AHEAD_MAX:
            detail = (
                f"{day} is {_span(ahead)} ahead of the gateway's date ({today}, UTC); "
                "check the register's date"
            )
            return [FieldError("/business_date", detail)]
        return _too_old("/business_date", day, -ahead)


def _raise_any(errors: list[FieldError]) -> None:
    if errors:
        raise invalid(errors)


def _all_fit(order: Order) -> bool:
    """Say whether no amount has more places than the order's currency."""
    unit = Decimal(1).scaleb(-MINOR_DIGITS.get(order.currency, 2))
    if order.shipping.amount % unit or order.shipping.tax % unit:
        return False
    for line in order.lines:
        if line.unit_price % unit or line.discount % unit or line.tax % unit:
            return False
        if (line.taxes or line.discounts) and any(it % unit for _, it in _parts((), line)):
            return False
    if any(it % unit for _, it in _parts((), order.shipping)):
        return False
    return not (order.cash_rounding % unit or any(tender.amount % unit for tender in order.tenders))


def _parts(at: tuple[str | int, ...], of: SalesLine | Shipping) -> Iterator[_Amount]:
    for n, tax in enumerate(of.taxes):
        yield (*at, "taxes", n, "amount"), tax.amount
    for n, discount in enumerate(of.discounts):
        yield (*at, "discounts", n, "amount"), discount.amount


def _line_amounts(lines: Iterable[SalesLine | SaleReturn], name: str = "lines") -> list[_Amount]:
    amounts: list[_Amount] = []
    for at, line in enumerate(lines):
        amounts.append(((name, at, "unit_price"), line.unit_price))
        amounts.append(((name, at, "discount"), line.discount))
        amounts.append(((name, at, "tax"), line.tax))
    return amounts


def _places(amounts: Iterable[_Amount], currency: str) -> list[FieldError]:
    digits = MINOR_DIGITS.get(currency, 2)
    unit = Decimal(1).scaleb(-digits)
    said = f"has more than the {digits} decimal places of {currency}"
    # A remainder costs a tenth of a look at the digits, and an order of five lines has 17 amounts.
    return [FieldError(pointer(at), f"{amount} {said}") for at, amount in amounts if amount % unit]


def _too_old(at: str, when: date, age: timedelta) -> Sequence[FieldError]:
    if age <= _AGE_MAX:
        return ()
    detail = (
        f"{when.isoformat()} is {_span(age)} ago; documents of the last {AGE_DAYS_MAX} days are "
        "taken, check the year"
    )
    return [FieldError(at, detail)]


def _span(length: timedelta) -> str:
    """Write a length of time in its largest unit of which there are at least two."""
    seconds = int(length.total_seconds())
    for unit, unit_s in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * unit_s:
            return f"{seconds // unit_s} {unit}"
    return f"{seconds} seconds"


def _not_yours(channel: Channel, legal_entity: str) -> str:
    return (
        f"channel '{channel.name}' may not name legal entity '{legal_entity}'; it may name "
        f"{_list(channel)}"
    )


def _list(channel: Channel) -> str:
    return " or ".join(channel.legal_entities)
