"""What calls to an ERP are made for."""

from __future__ import annotations

from enum import IntEnum


class Traffic(IntEnum):
    """What calls are made for, in the order in which they are served.

    The four in the middle are the classes of delivery (:class:`gateway.canonical.process.Priority`,
    one lower each).
    """

    READ = 0  #: somebody is waiting for the answer
    CRITICAL = 1
    HIGH = 2
    NORMAL = 3
    LOW = 4
    REPLAY = 5  #: sent again by staff, in bulk
    SHADOW = 6  #: compared, never used

    @property
    def label(self) -> str:
        """Its name, as configuration and figures write it."""
        return self.name.lower()
