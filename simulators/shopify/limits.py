"""The REST call limit: a leaky bucket per app and shop."""

from __future__ import annotations


class Bucket:
    """Holds `size` requests and forgets `leak_per_s` of them a second."""

    def __init__(self, size: int, leak_per_s: float) -> None:
        self.size = size
        self.leak_per_s = leak_per_s
        self._level = 0.0
        self._seen_s = 0.0

    def take(self, now_s: float) -> float | None:
        """None if the request fits (it is counted then), else the seconds until one would."""
        passed_s = max(0.0, now_s - self._seen_s) if self._seen_s else 0.0
        self._level = max(0.0, self._level - passed_s * self.leak_per_s)
        self._seen_s = now_s
        if self._level + 1 > self.size:
            return (self._level + 1 - self.size) / self.leak_per_s
        self._level += 1
        return None

    @property
    def used(self) -> int:
        """Requests in the bucket, as the header says it."""
        return min(self.size, int(self._level + 0.999))
