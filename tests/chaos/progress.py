"""What is demanded after healing: something is booked within a bound, again and again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.chaos.schedule import ABSENT_FINAL_S

#: After healing something is booked at least so often until nothing waits: what was sent before is
#: decided once "absent" is final, sent again and posted; twice that for a busy machine.
PROGRESS_S_MAX: Final = 10 + 2 * ABSENT_FINAL_S
#: However much waits, it is booked within so long, in s.
DRAIN_S_MAX: Final = 300.0
#: A gateway measures once a second: nothing waits once that many looks saw nothing.
LOOKS_EMPTY: Final = 5


class Progress:
    """Looks at what waits and at how much is booked; ``began_s`` is when everything was healed."""

    def __init__(self, began_s: float) -> None:
        self._began_s = self._booked_s = began_s
        self._booked = self._empty = 0

    def look(self, now_s: float, booked: int, waiting: Mapping[str, int]) -> str:
        """Note one look; return why the run has failed, "" if it goes on or is done."""
        self._empty = 0 if waiting else self._empty + 1
        if booked > self._booked:
            self._booked, self._booked_s = booked, now_s
        still_s, all_s = now_s - self._booked_s, now_s - self._began_s
        if not waiting or (still_s <= PROGRESS_S_MAX and all_s <= DRAIN_S_MAX):
            return ""
        words = ", ".join(f"{count} {name}" for name, count in waiting.items())
        return (
            f"no progress: {all_s:.0f} s after everything was healed still {words}; nothing was "
            f"booked for {still_s:.0f} s"
        )

    @property
    def done(self) -> bool:
        """Whether nothing waits any more."""
        return self._empty >= LOOKS_EMPTY
