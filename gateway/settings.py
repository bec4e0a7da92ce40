"""Configuration: one YAML file and the environment, checked once, at start.

``COEXIST_CONFIG`` names the file (default ``coexist.yaml`` in the working folder, if there is
one). Environment variables override it: ``COEXIST_REDIS_URL``, ``COEXIST_ERPS__LEGACY__URL`` …,
with ``__`` between levels. :func:`load` raises :class:`~gateway.errors.ConfigError` listing every
wrong value with its key.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from gateway.canonical.envelope import PARTITIONS_MAX
from gateway.errors import ConfigError

SCOPES = ("orders", "returns", "store-sales", "read", "ops")


class Section(BaseModel):
    """A part of the configuration; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EntitySettings(Section):
    """A legal entity: what it books in and where it is."""

    currencies: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="ISO 4217 codes it books in"
    )
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = Field(
        description="ISO 3166-1 alpha-2 code"
    )


class StoreSettings(Section):
    """A store: the legal entity that books its sales."""

    legal_entity: str = Field(description="the entity that books this store's sales")


class ChannelSettings(Section):
    """A channel: who may call, and for what. Only hashes of keys are kept."""

    key_sha256: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="SHA-256 (hex) of each valid API key; two during a rotation"
    )
    scopes: tuple[Literal["orders", "returns", "store-sales", "read", "ops"], ...] = Field(
        description="what the channel may do"
    )
    legal_entities: tuple[str, ...] = Field(
        default=(), description="entities it may name; empty means all"
    )


class QuotaSettings(Section):
    """What an ERP allows.

    The defaults are Business Central's published limits per user: 6000 requests in a sliding
    5 minutes, 5 at once (operational limits, OData).
    """

    concurrent_max: int = Field(default=5, ge=1, description="calls at once")
    calls_max: int = Field(default=6000, ge=1, description="calls per window")
    window_s: float = Field(default=300, gt=0, description="length of the sliding window")


class ErpSettings(Section):
    """How to reach one ERP and when its silence means something."""

    url: str = Field(description="base URL")
    user: str = Field(default="", description="legacy: Basic auth user; cloud: OAuth2 client id")
    secret: SecretStr = Field(
        default=SecretStr(""), description="legacy: password; cloud: client secret"
    )
    tenant: str = Field(default="common", description="cloud: tenant of the token endpoint")
    sap_client: str = Field(default="100", description="legacy: SAP client")
    quota: QuotaSettings = QuotaSettings()
    scope: str = Field(
        default="https://api.businesscentral.dynamics.com/.default",
        description="cloud: scope of the token",
    )
    token_url: str = Field(default="", description="cloud: where tokens come from, if not from url")
    request_s: float | None = Field(
        default=None, gt=0, description="deadline of one call; default: the dialect's"
    )
    absent_final_s: float | None = Field(
        default=None,
        gt=0,
        description="how long after a send a look-up that finds nothing is final; "
        "default: what the dialect's documented limits add up to",
    )
    poll_s: float = Field(default=2, gt=0, description="legacy: pause between status polls")

    @model_validator(mode="after")
    def _absence_is_final_after_the_deadline(self) -> Self:
        if self.absent_final_s is not None and self.absent_final_s <= 2 * (self.request_s or 0):
            raise ValueError(
                f"absent_final_s {self.absent_final_s:g} is too short: a request may take "
                f"request_s {self.request_s or 0:g} to be sent and as long to be executed; a "
                "look-up that finds nothing any sooner could lead to a second booking"
            )
        return self


class ErpsSettings(Section):
    """The two ERPs."""

    legacy: ErpSettings = Field(description="the ERP being left")
    cloud: ErpSettings = Field(description="the ERP being moved to")


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
    rule_lease_ms: int = Field(
        default=1000, ge=50, description="longest time reads go on by old rules during a flip"
    )
    lease_ms: int = Field(
        default=5000, ge=500, description="how long a silent worker keeps its partitions"
    )
    in_flight_max: int = Field(
        default=32, ge=1, description="calls one worker has open at one ERP, at most"
    )
    body_bytes_max: int = Field(default=1_048_576, ge=1024, description="largest request body")
    wait_s_max: float = Field(default=30, ge=0, description="upper bound of Prefer: wait=N")
    future_s_max: int = Field(
        default=86_400, ge=0, description="how far a channel's clock may run ahead"
    )
    legal_entities: dict[str, EntitySettings] = Field(description="by code")
    stores: dict[str, StoreSettings] = Field(default_factory=dict, description="by code")
    channels: dict[str, ChannelSettings] = Field(description="by name")
    erps: ErpsSettings = Field(description="the two ERPs")

    @model_validator(mode="after")
    def _refers_to_what_exists(self) -> Settings:
        for name, store in self.stores.items():
            if store.legal_entity not in self.legal_entities:
                raise ValueError(
                    f"stores.{name}.legal_entity: {store.legal_entity!r} is not a legal entity; "
                    f"known are {', '.join(self.legal_entities)}"
                )
        for name, channel in self.channels.items():
            for entity in channel.legal_entities:
                if entity not in self.legal_entities:
                    raise ValueError(
                        f"channels.{name}.legal_entities: {entity!r} is not a legal entity; "
                        f"known are {', '.join(self.legal_entities)}"
                    )
        return self

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
    try:
        return Settings(**overrides)
    except ValidationError as error:
        source = file or "the environment (no coexist.yaml here)"
        lines = [f"configuration from {source} cannot work:"]
        for item in error.errors():
            key = ".".join(str(part) for part in item["loc"])
            problem = item["msg"].removeprefix("Value error, ")
            lines.append(f"  {key}: {problem}" if key else f"  {problem}")
        raise ConfigError("\n".join(lines)) from None
