"""The defaults nobody has to write: a follow-up goes to the owner of its object.

So rules written before a release that knows more follow-ups stay whole under it.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.canonical.process import PROCESSES, Kind
from gateway.routing.model import Rule, default_mode


def implied(rules: Iterable[Rule]) -> list[Rule]:
    """Return the defaults of follow-ups that have none; no rule text has them."""
    named = {rule.process for rule in rules if rule.is_default}
    return [
        Rule(f"default-{name.replace('.', '-')}", name, default_mode(process))
        for name, process in PROCESSES.items()
        if process.kind is Kind.FOLLOW_UP and name not in named
    ]
