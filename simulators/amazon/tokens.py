"""Login with Amazon: access tokens for a refresh token, errors as OAuth 2 has them."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from simulators.amazon.options import MarketOptions
from simulators.clock import Clock


class Denied(Exception):
    """No token is given; `code` and the message are the body's."""

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.code = code

    def body(self) -> dict[str, str]:
        """The error as published."""
        return {"error": self.code, "error_description": str(self)}


class Login:
    """Gives tokens out and knows those that are still good."""

    def __init__(self, clock: Clock, chance: Random) -> None:
        self._clock = clock
        self._chance = chance
        self._ends_s: dict[str, float] = {}

    def grant(self, options: MarketOptions, form: Mapping[str, object]) -> dict[str, object]:
        """Answer a token request. Raises `Denied`."""
        if (form.get("client_id"), form.get("client_secret")) != (
            options.client_id, options.client_secret,
        ):  # fmt: skip
            raise Denied(401, "invalid_client", "Client authentication failed")
        if form.get("grant_type") != "refresh_token":
            raise Denied(
                400, "unsupported_grant_type",
                "The authorization grant type is not supported by the authorization server",
            )  # fmt: skip
        if form.get("refresh_token") != options.refresh_token:
            raise Denied(
                400, "invalid_grant", "The request has an invalid grant parameter : refresh_token"
            )
        now_s = self._clock.monotonic_s()
        self._ends_s = {it: end for it, end in self._ends_s.items() if end > now_s}
        token = f"Atza|{self._chance.getrandbits(128):032x}"
        self._ends_s[token] = now_s + options.token_lifetime_s
        return {
            "access_token": token,
            "refresh_token": options.refresh_token,
            "token_type": "bearer",
            "expires_in": max(1, round(options.token_lifetime_s)),
        }

    def is_good(self, token: str) -> bool:
        """Whether a token was given and has not run out."""
        return self._clock.monotonic_s() < self._ends_s.get(token, float("-inf"))

    def spoil(self, token: str) -> None:
        """Let a token run out before its time."""
        self._ends_s.pop(token, None)
