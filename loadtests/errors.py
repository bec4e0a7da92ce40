"""What can go wrong before or after a run: one tree, so that the command line catches one class.

```
LoadTestError            message = place, value, remedy; the command line prints it and exits 2
├── BadFile              a scenario, template, key or journal file says something it may not
└── BadRules             the rules of an `apply` event cannot be evaluated
```
"""

from __future__ import annotations

from pathlib import Path


class LoadTestError(Exception):
    """Base of every error that a wrong input explains."""


class BadFile(LoadTestError):
    """A file cannot be used: ``path: place: reason``."""

    def __init__(self, path: Path | str, place: str, reason: str) -> None:
        super().__init__(f"{path}: {place}: {reason}" if place else f"{path}: {reason}")
        self.path = Path(path)
        self.place = place
        self.reason = reason


class BadRules(LoadTestError):
    """A rule set has a tie, no default, or a key whose meaning the audit does not know."""
