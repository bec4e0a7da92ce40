"""What the admin API needs of the rest of the process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.canonical.staff import Role
from gateway.flow.correct import Corrector
from gateway.flow.exceptions import Exceptions
from gateway.flow.peak import PeakMode


class StaffTerms(Protocol):
    """Who somebody is: hashes of their keys, and what they are trusted with."""

    @property
    def key_sha256(self) -> tuple[str, ...]: ...
    @property
    def roles(self) -> Sequence[Role]: ...


@dataclass(frozen=True, slots=True)
class Admin:
    """``standing`` returns how the installation stands, as plain JSON.

    ``peak_pauses`` names the most urgent class that waits while the peak mode is on.
    """

    exceptions: Exceptions
    corrector: Corrector
    peak: PeakMode
    peak_pauses: str
    standing: Callable[[], Awaitable[dict[str, Any]]]
    people: Mapping[str, StaffTerms]
    calls_per_minute: int
    body_bytes_max: int
