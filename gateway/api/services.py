"""What the API needs of the rest of the process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from pydantic import SecretStr

from gateway.api.admin.services import Admin
from gateway.canonical.exchange.drifting import Surprise, Whole
from gateway.channels.loop.intake import LoopIntake
from gateway.channels.shopify.intake import ShopifyIntake
from gateway.clock import Clock
from gateway.flow.accept import Acceptor
from gateway.flow.enquire import Enquiries
from gateway.flow.status import Statuses
from gateway.flow.store_sales import StoreIntake


class EntityTerms(Protocol):
    """What a legal entity books in (ISO 4217 codes)."""

    @property
    def currencies(self) -> tuple[str, ...]: ...


class StoreTerms(Protocol):
    """The legal entity that books a store's sales."""

    @property
    def legal_entity(self) -> str: ...


class ShopifyTerms(Protocol):
    """A shop whose webhooks are taken."""

    @property
    def domain(self) -> str: ...
    @property
    def secrets(self) -> tuple[SecretStr, ...]: ...
    @property
    def legal_entity(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def since(self) -> datetime: ...
    @property
    def guest_customer(self) -> str: ...
    @property
    def goods_back(self) -> str: ...


class LoopTerms(Protocol):
    """A returns platform whose webhooks are taken."""

    @property
    def secrets(self) -> tuple[SecretStr, ...]: ...
    @property
    def legal_entity(self) -> str: ...
    @property
    def order_channel(self) -> str: ...
    @property
    def goods_came(self) -> str: ...


class ChannelTerms(Protocol):
    """Who a channel is and what it may do; no ``legal_entities`` means all of them."""

    @property
    def key_sha256(self) -> tuple[str, ...]: ...
    @property
    def scopes(self) -> tuple[str, ...]: ...
    @property
    def legal_entities(self) -> tuple[str, ...]: ...
    @property
    def shopify(self) -> ShopifyTerms | None: ...
    @property
    def loop(self) -> LoopTerms | None: ...


class Terms(Protocol):
    """The part of the settings the API goes by.

    Settings belong to the composition root; what is below it says what it reads of them.
    """

    @property
    def partitions(self) -> int: ...
    @property
    def body_bytes_max(self) -> int: ...
    @property
    def wait_s_max(self) -> float: ...
    @property
    def future_s_max(self) -> int: ...
    @property
    def legal_entities(self) -> Mapping[str, EntityTerms]: ...
    @property
    def stores(self) -> Mapping[str, StoreTerms]: ...
    @property
    def channels(self) -> Mapping[str, ChannelTerms]: ...


class Observer(Protocol):
    """Counts what was answered."""

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note one answer; ``route`` is the path template, so that it has few values."""
        ...

    def drifted(self, channel: str, payload: str, surprise: Surprise) -> None:
        """Note what a payload of a channel has and nobody announced."""
        ...

    def surprised(
        self, channel: str, payload: str, wholes: Sequence[Whole], left_out: int = 0
    ) -> None:
        """Keep the payloads that something of that stood in; ``left_out`` more are not held."""
        ...


Check: TypeAlias = Callable[[], Awaitable[object]]
"""Raises an error of the tree if something cannot be reached."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the composition root hands to the API.

    ``health`` names what ``/readyz`` asks (``store``, ``ledger``, ``rules``); ``metrics`` returns
    the registry in Prometheus' text format. ``version`` is the release, for the API description.
    """

    acceptor: Acceptor
    stores: StoreIntake
    enquiries: Enquiries
    statuses: Statuses
    settings: Terms
    clock: Clock
    health: Mapping[str, Check]
    metrics: Callable[[], bytes]
    observer: Observer
    version: str
    admin: Admin | None = None
    shopify: ShopifyIntake | None = None
    loop: LoopIntake | None = None
