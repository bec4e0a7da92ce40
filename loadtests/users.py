"""The Locust users: each takes the next due time of its kind, waits for it, and acts.

Requests go out through Locust's FastHttpUser (geventhttpclient). Locust's statistics get one entry
for each *concluded* request, timed from when it was due: repeats are part of that time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from locust import FastHttpUser, task
from locust.exception import CatchResponseError, StopUser

from loadtests.actors import Actor
from loadtests.answers import Answer
from loadtests.messages import Request
from loadtests.sender import Clock, Conclusion, Sender


class Closing(Protocol):
    """An event of gevent's: set once the run is asked to end early."""

    def wait(self, timeout: float) -> bool:
        """Wait so many seconds at most; whether the event is set."""


@dataclass(frozen=True, slots=True)
class Drive:
    """What the users of a run share. ``started`` in monotonic seconds.

    Once ``closing`` is set nothing new is sent; what is open is still concluded.
    """

    actors: Mapping[str, Actor]
    due: Mapping[str, Iterator[float]]
    sender: Sender
    keys: Mapping[str, str]
    started: float
    duration_s: float
    clock: Clock
    closing: Closing


class ChannelUser(FastHttpUser):
    """Base of all users; ``kind`` names its plan in the scenario."""

    abstract = True
    kind: ClassVar[str]
    drive: ClassVar[Drive]

    @task
    def next_request(self) -> None:
        """Wait until the next request is due, then act; stop when nothing more is due."""
        drive = self.drive
        due_s = next(drive.due[self.kind], None)
        if due_s is None:
            raise StopUser
        wait_s = drive.started + due_s - drive.clock.monotonic()
        if drive.closing.wait(timeout=max(0.0, wait_s)):
            raise StopUser
        drive.actors[self.kind].act(due_s / drive.duration_s, lambda r: self._send(r, due_s))

    def _send(self, request: Request, due_s: float) -> Conclusion:
        drive = self.drive
        conclusion = drive.sender.send(request, drive.started + due_s, self._exchange)
        failed = conclusion.state in ("rejected", "unknown")
        self.environment.events.request.fire(
            request_type=request.method,
            name=request.process,
            response_time=conclusion.latency_ms or 0.0,
            response_length=0,
            context={},
            exception=CatchResponseError(conclusion.error) if failed else None,
        )
        return conclusion

    def _exchange(self, gateway: str, request: Request) -> Answer:
        headers = {"Authorization": f"Bearer {self.drive.keys[request.channel]}", **request.headers}
        if request.body:
            headers["Content-Type"] = "application/json"
        # With catch_response and without `with`, Locust times the exchange but reports nothing.
        response: Any = self.client.request(
            request.method,
            gateway + request.path,
            data=request.body or None,
            headers=headers,
            catch_response=True,
            allow_redirects=False,
        )
        error = response.request_meta["exception"]
        status = int(response.status_code or 0)
        if status == 0 or response.content is None:
            return Answer(0, error=f"{type(error).__name__}: {error}")
        names = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status, names, bytes(response.content))


class WebShop(ChannelUser):
    """Customers of the web shop."""

    kind = "webshop"


class Marketplace(ChannelUser):
    """The marketplace's order feed."""

    kind = "marketplace"


class PosRegisters(ChannelUser):
    """The stores' connections."""

    kind = "pos"


class ReturnsDesk(ChannelUser):
    """Clerks who take goods back."""

    kind = "returns-desk"


class Shoppers(ChannelUser):
    """People who look before they buy, in the web shop."""

    kind = "shoppers"


USERS: dict[str, type[ChannelUser]] = {
    user.kind: user for user in (WebShop, Marketplace, PosRegisters, ReturnsDesk, Shoppers)
}
