"""Staff: who may sign in to the admin API, or act on the command line, as what."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.canonical.staff import Role
from gateway.settings.section import Section


class StaffSettings(Section):
    """One person. Only hashes of keys are kept.

    Where anybody has a key, everybody proves with theirs who they are, on the command line too;
    where nobody has one, the command line takes `--by` at its word.
    """

    key_sha256: tuple[Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$")], ...] = Field(
        default=(), description="SHA-256 (hex) of each valid API key; two during a rotation"
    )
    roles: Annotated[tuple[Role, ...], Field(min_length=1)] = Field(
        description="what the person is trusted with"
    )
