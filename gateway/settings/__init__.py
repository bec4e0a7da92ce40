"""Configuration: one YAML file and the environment, checked once, at start.

``COEXIST_CONFIG`` names the file (default ``coexist.yaml`` in the working folder, if there is
one). Environment variables override it: ``COEXIST_REDIS_URL``, ``COEXIST_ERPS__LEGACY__URL`` …,
with ``__`` between levels. :func:`load` raises :class:`~gateway.errors.ConfigError` listing every
wrong value with its key.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from gateway.canonical.base import EntityCode
from gateway.canonical.envelope import PARTITIONS_MAX
from gateway.canonical.sale import StoreCode
from gateway.chain.plan import Plans
from gateway.errors import ConfigError
from gateway.settings.chain import plans
from gateway.settings.delivery import DeliverySettings
from gateway.settings.erps import ErpSettings, ErpsSettings
from gateway.settings.evidence import EvidenceSettings
from gateway.settings.explain import explained, slips
from gateway.settings.governance import GovernanceSettings
from gateway.settings.owners import OwnersSettings
from gateway.settings.parties import (
    SCOPES,
    ChannelName,
    ChannelSettings,
    EntitySettings,
    StoreSettings,
)
from gateway.settings.quota import QuotaSettings
from gateway.settings.section import Section
from gateway.settings.shadow import ShadowSettings
from gateway.settings.staff import StaffSettings
from gateway.settings.tax import TaxSettings
from gateway.settings.teams import TeamSettings
from gateway.settings.webhooks import WebhookSettings

__all__ = [
    "SCOPES",
    "ChannelSettings",
    "DeliverySettings",
    "EntitySettings",
    "ErpSettings",
    "ErpsSettings",
    "GovernanceSettings",
    "QuotaSettings",
    "Section",
    "Settings",
    "StaffSettings",
    "StoreSettings",
    "TeamSettings",
    "WebhookSettings",
    "config_file",
    "load",
]


class Settings(BaseSettings):
    """Everything a process of the gateway needs to know."""

    model_config = SettingsConfigDict(
        env_prefix="COEXIST_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    data_dir: Path = Field(
        default=Path(".coexist"), description="folder of the embedded store and ledger"
    )
    redis_url: str = Field(
        default="", description="Redis or Valkey URL; empty starts the embedded Valkey"
    )
    assume_durable: bool = Field(
        default=False,
        description="where CONFIG is hidden: the operator asserts append-only, fsync always, "
        "no eviction",
    )
    allow_volatile: bool = Field(
        default=False, description="accept a store that can lose acknowledged writes"
    )
    ledger_url: SecretStr = Field(
        default=SecretStr(""), description="SQLAlchemy URL; empty is SQLite in data_dir"
    )
    partitions: int = Field(
        default=16, ge=1, le=PARTITIONS_MAX, description="fixed when the store is first used"
    )
    rules_dir: Path = Field(default=Path("routing_rules"), description="folder of the rules")
    windows_dir: Path | None = Field(
        default=None, description="folder of the ERPs' maintenance and batch windows"
    )
    rule_lease_ms: int = Field(
        default=1000, ge=50, description="longest time reads go on by old rules during a flip"
    )
    lease_ms: int = Field(
        default=5000, ge=500, description="how long a silent worker keeps its partitions"
    )
    watchdog: bool = Field(
        default=True, description="kill a worker that is silent for longer than its lease"
    )
    in_flight_max: int = Field(
        default=32, ge=1, description="calls one worker has open at one ERP, at most"
    )
    body_bytes_max: int = Field(default=1_048_576, ge=1024, description="largest request body")
    wait_s_max: float = Field(default=30, ge=0, description="upper bound of Prefer: wait=N")
    future_s_max: int = Field(
        default=86_400, ge=0, description="how far a channel's clock may run ahead"
    )
    legal_entities: dict[EntityCode, EntitySettings] = Field(description="by code")
    stores: dict[StoreCode, StoreSettings] = Field(default_factory=dict, description="by code")
    channels: dict[ChannelName, ChannelSettings] = Field(description="by name")
    staff: dict[str, StaffSettings] = Field(
        default_factory=dict,
        description="people by name; if there are any, `--by` has to name one with the role, and "
        "once one has a key, to be proved with COEXIST_STAFF_KEY",
    )
    governance: GovernanceSettings = Field(
        default=GovernanceSettings(), description="what a change of rules needs"
    )
    teams: dict[str, TeamSettings] = Field(
        default_factory=dict, description="who looks after what is held, by team"
    )
    admin_calls_per_minute: int = Field(
        default=600, ge=1, description="calls of the admin API by one key at one gateway process"
    )
    webhooks: dict[str, WebhookSettings] = Field(
        default_factory=dict, description="who is told when a wave is paused, by name"
    )
    delivery: DeliverySettings = Field(
        default_factory=DeliverySettings, description="who is delivered first, and high-water marks"
    )
    erps: ErpsSettings = Field(description="the two ERPs")
    tax: TaxSettings | None = Field(default=None, description="the tax engine")
    evidence: EvidenceSettings = Field(
        default=EvidenceSettings(), description="what is kept of decisions, for dry runs"
    )
    owners: OwnersSettings = Field(
        default=OwnersSettings(), description="how long owners stay in the store"
    )
    shadow: ShadowSettings = Field(
        default=ShadowSettings(), description="how candidates are compared with what serves"
    )

    @model_validator(mode="after")
    def _refers_to_what_exists(self) -> Settings:
        for name, store in self.stores.items():
            if store.legal_entity not in self.legal_entities:
                raise ValueError(
                    f"stores.{name}.legal_entity: {store.legal_entity!r} is not a legal entity; "
                    f"known are {', '.join(self.legal_entities)}"
                )
        owned: dict[str, str] = {}
        for name, team in self.teams.items():
            for scope in team.owns:
                if owned.setdefault(scope, name) != name:
                    raise ValueError(
                        f"teams.{name}.owns: {scope!r} is team {owned[scope]}'s already; give it "
                        "to one of them"
                    )
        capitals: dict[str, str] = {}
        for name, channel in self.channels.items():
            if capitals.setdefault(name.upper(), name) != name:
                raise ValueError(
                    f"channels.{name}: an ERP keeps names in capitals, where it is the same as "
                    f"{capitals[name.upper()]!r}; give it another name"
                )
            named = dict.fromkeys((*channel.legal_entities, *channel.books_in), "legal_entities")
            for entity, key in (
                named | dict.fromkeys(channel.chain_by_entity, "chain_by_entity")
            ).items():
                if entity not in self.legal_entities:
                    raise ValueError(
                        f"channels.{name}.{key}: {entity!r} is not a legal entity; "
                        f"known are {', '.join(self.legal_entities)}"
                    )
        return self

    @model_validator(mode="after")
    def _platforms_have_a_shop(self) -> Settings:
        for name, channel in self.channels.items():
            if channel.loop and channel.loop.order_channel not in self.channels:
                raise ValueError(
                    f"channels.{name}.loop.order_channel: {channel.loop.order_channel!r} is not a "
                    f"channel; known are {', '.join(self.channels)}"
                )
        return self

    @model_validator(mode="after")
    def _taxes_have_an_engine(self) -> Settings:
        for name, channel in self.channels.items():
            for chain in filter(None, (channel.chain, *channel.chain_by_entity.values())):
                if chain.tax != "channel" and self.tax is None:
                    raise ValueError(
                        f"channels.{name}.chain.tax: {chain.tax!r} asks a tax engine; say in `tax` "
                        "where it is"
                    )
        return self

    def entities_of(self, channel: str) -> tuple[str, ...]:
        """Return the legal entities a channel may name: its own, else, or if it is gone, all."""
        terms = self.channels.get(channel)
        return (terms.legal_entities if terms else ()) or tuple(self.legal_entities)

    @property
    def plans(self) -> Plans:
        """What orders go through before an ERP sees them, by channel and legal entity."""
        return plans({name: (it.chain, it.chain_by_entity) for name, it in self.channels.items()})

    @property
    def ledger(self) -> str:
        """The ledger's SQLAlchemy URL."""
        given = self.ledger_url.get_secret_value()
        return given or f"sqlite:///{(self.data_dir / 'ledger.sqlite3').absolute()}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- no .env file is read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- nor secret files
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file; nothing else is read."""
        yaml = YamlConfigSettingsSource(settings_cls, yaml_file=config_file())
        return (init_settings, env_settings, yaml)


#: What else is told through the environment: who acts, and what ``serve`` tells its worker.
_NO_SETTINGS: Final = frozenset({
    "COEXIST_CONFIG", "COEXIST_STAFF_KEY", "COEXIST_WAIVER_KEY",
    "COEXIST_ANNOUNCE_FILE", "COEXIST_ANNOUNCE_URL",
})  # fmt: skip


def config_file() -> Path | None:
    """Return the configuration file in use, if there is one."""
    named = os.environ.get("COEXIST_CONFIG")
    if named:
        return Path(named)
    default = Path("coexist.yaml")
    return default if default.exists() else None


def load(**overrides: Any) -> Settings:
    """Read and check the configuration; raise :class:`ConfigError` naming every wrong value."""
    file = config_file()
    if file is not None and not file.is_file():
        raise ConfigError(f"COEXIST_CONFIG: {file} is not a file; name an existing YAML file")
    slipped = slips(os.environ, "COEXIST_", Settings, _NO_SETTINGS)
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        source = file or "the environment (no coexist.yaml here)"
        lines = [f"configuration from {source} cannot work:"]
        lines += [f"  {line}" for line in (*explained(error, Settings), *slipped)]
        if file is None:
            lines.append("change to the folder of an installation, or begin one: `coexist init`")
        raise ConfigError("\n".join(lines)) from None
    if slipped:
        raise ConfigError("\n".join(["the environment cannot be meant so:", *slipped]))
    return settings
