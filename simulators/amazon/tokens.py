"""Login with Amazon: access tokens for a refresh token, errors as OAuth 2 has them.

An application gets one of its own as well, for operations that are no seller's (grantless).
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from simulators.amazon.options import MarketOptions
from simulators.clock import Clock

#: The scope of an application's token for the Notifications API.
NOTIFICATIONS = "sellingpartnerapi::notifications"


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
        self._good: dict[str, tuple[float, str]] = {}  # token -> its end, its scope

    def grant(self, options: MarketOptions, form: Mapping[str, object]) -> dict[str, object]:
        """Answer a token request. Raises `Denied`."""
        if (form.get("client_id"), form.get("client_secret")) != (
            options.client_id, options.client_secret,
        ):  # fmt: skip
            raise Denied(401, "invalid_client", "Client authentication failed")
        scope = self._scope(options, form)
        now_s = self._clock.monotonic_s()
        self._good = {it: end for it, end in self._good.items() if end[0] > now_s}
        token = f"Atza|{self._chance.getrandbits(128):032x}"
        self._good[token] = (now_s + options.token_lifetime_s, scope)
        granted: dict[str, object] = {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": max(1, round(options.token_lifetime_s)),
        }
        return granted if scope else granted | {"refresh_token": options.refresh_token}

    @staticmethod
    def _scope(options: MarketOptions, form: Mapping[str, object]) -> str:
        """The scope asked for, "" for the seller's. Raises `Denied`."""
        how = form.get("grant_type")
        if how == "client_credentials":
            if form.get("scope") != NOTIFICATIONS:
                raise Denied(400, "invalid_scope", "The requested scope is invalid")
            return NOTIFICATIONS
        if how != "refresh_token":
            raise Denied(
                400, "unsupported_grant_type",
                "The authorization grant type is not supported by the authorization server",
            )  # fmt: skip
        if form.get("refresh_token") != options.refresh_token:
            raise Denied(
                400, "invalid_grant", "The request has an invalid grant parameter : refresh_token"
            )
        return ""

    def scope_of(self, token: str) -> str | None:
        """The scope of a token that was given and has not run out, else None."""
        ends_s, scope = self._good.get(token, (float("-inf"), ""))
        return scope if self._clock.monotonic_s() < ends_s else None

    def spoil(self, token: str) -> None:
        """Let a token run out before its time."""
        self._good.pop(token, None)
