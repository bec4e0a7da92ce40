"""Who acts on the command line: proved by a key wherever staff have keys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from gateway.canonical.staff import Role, Staff
from gateway.errors import Forbidden

if TYPE_CHECKING:
    from gateway.settings import Settings, StaffSettings

#: Environment variables with the key of who acts, and of who answers for a waived gate. No options:
#: a command line is read by every process of the machine and kept in the shell's history.
STAFF_KEY: Final = "COEXIST_STAFF_KEY"
WAIVER_KEY: Final = "COEXIST_WAIVER_KEY"


def acting(
    settings: Settings, by: str, *, option: str = "--by", variable: str = STAFF_KEY
) -> Staff:
    """Return who acts on the command line, as ``option`` names them.

    Without configured staff, whoever the operating system let in is taken at their word. With
    staff, ``option`` has to name one of them; and as soon as one person has a key, everybody proves
    with theirs, in the environment variable ``variable``, that they are who they say.

    Raises:
        Forbidden: nobody of that name is known, or the key is missing, wrong or somebody else's.
    """
    if not settings.staff:
        return Staff(by, frozenset(Role), "cli")
    known = settings.staff.get(by)
    if known is None:
        raise Forbidden(
            f"{option} {by}: nobody of that name is among the configured staff; use one of "
            f"{', '.join(sorted(settings.staff))}"
        )
    doubt = doubted(settings.staff, by, os.environ.get(variable, "").strip())
    if doubt:
        raise Forbidden(f"{option} {by}: {doubt.format(variable=variable)}")
    return Staff(by, frozenset(known.roles), "cli")


def doubted(people: Mapping[str, StaffSettings], name: str, key: str) -> str:
    """Return why ``key`` does not prove that ``name`` acts, "" if it does or nobody has a key.

    ``{variable}`` in the answer stands for where the key was looked for. Keys are random and only
    their hashes are compared, so how long a comparison takes tells nothing.
    """
    hashes = {digest.lower(): it for it, terms in people.items() for digest in terms.key_sha256}
    if not hashes:
        return ""
    if not people[name].key_sha256:
        return (
            f"staff.{name}.key_sha256 is empty, and people here prove by key who they are; add the "
            f"hash of a key of theirs, which `coexist keys new {name} --staff` makes"
        )
    if not key:
        return (
            "people here prove by key who they are, and {variable} is not set; put the key of "
            f"{name} there"
        )
    holder = hashes.get(sha256(key.encode()).hexdigest())
    if holder == name:
        return ""
    if holder is None:
        return (
            "what {variable} holds is nobody's key; put the key there whose hash is in "
            f"staff.{name}.key_sha256"
        )
    return f"{{variable}} holds the key of {holder}; put the key of {name} there, or name {holder}"
