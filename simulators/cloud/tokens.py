"""OAuth2 client credentials: opaque bearer tokens that go stale."""

from __future__ import annotations

from hmac import compare_digest
from random import Random


class Tokens:
    """Tokens issued, with the monotonic time each ends at. They are seeded, so worth nothing."""

    def __init__(self, client_id: str, client_secret: str, chance: Random) -> None:
        self._client = f"{client_id}\0{client_secret}".encode()
        self._chance = chance
        self._ends_s: dict[str, float] = {}

    def knows(self, client_id: str, client_secret: str) -> bool:
        """Whether these are the credentials of the client."""
        return compare_digest(f"{client_id}\0{client_secret}".encode(), self._client)

    def issue(self, now_s: float, lifetime_s: float) -> str:
        """A new token; older ones stay good until their own end."""
        self._ends_s = {token: end for token, end in self._ends_s.items() if end > now_s}
        token = f"{self._chance.getrandbits(256):064x}"
        self._ends_s[token] = now_s + lifetime_s
        return token

    def good(self, token: str, now_s: float) -> bool:
        """Whether the token was issued here and is not stale."""
        return self._ends_s.get(token, float("-inf")) > now_s

    def revoke(self, token: str) -> None:
        """Make a token stale at once."""
        self._ends_s.pop(token, None)
