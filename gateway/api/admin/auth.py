"""Which of the staff calls: API key → person → roles. A channel's key opens nothing here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

from gateway.api.admin.services import StaffTerms
from gateway.api.auth import key_of
from gateway.canonical.staff import Staff
from gateway.errors import ConfigError, Unauthenticated


class StaffKeys:
    """The staff by the hash of their keys.

    Raises :class:`~gateway.errors.ConfigError` for a key that is somebody else's, or a channel's.
    """

    def __init__(self, people: Mapping[str, StaffTerms], of_channels: Iterable[str]) -> None:
        taken = {digest.lower(): "a channel" for digest in of_channels}
        self._people: dict[str, Staff] = {}
        for name, terms in people.items():
            for digest in map(str.lower, terms.key_sha256):
                if digest in taken:
                    raise ConfigError(
                        f"staff.{name}.key_sha256: {digest[:8]}… is also a key of "
                        f"{taken[digest]}; give everybody a key of their own"
                    )
                taken[digest] = name
                self._people[digest] = Staff(name, frozenset(terms.roles), "api")

    def staff_of(self, headers: Mapping[bytes, bytes]) -> Staff:
        """Return who owns the key sent; raise :class:`Unauthenticated`."""
        staff = self._people.get(sha256(key_of(headers)).hexdigest())
        if staff is None:
            raise Unauthenticated(
                "the API key belongs to nobody of the staff; a channel's key does not open this. "
                "`coexist keys new NAME --staff` makes one"
            )
        return staff
