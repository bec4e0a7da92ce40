"""Sending as a real channel does: the same request until it is answered, then the conclusion.

The clock, the pause and the HTTP exchange come in by argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle
from random import Random

from loadtests.answers import Answer, Outcome, explain, must_repeat, outcomes, pause_s
from loadtests.journal import Attempt, JournalWriter, MessageEntry, Read, ReadState, State
from loadtests.messages import Request
from loadtests.scenario import Retry

#: One HTTP exchange with the gateway at a base URL. Never raises for what the network does:
#: that is an answer with status 0.
Exchange = Callable[[str, Request], Answer]


@dataclass(frozen=True, slots=True)
class Clock:
    """``monotonic`` in seconds, ``wall`` with its offset, ``sleep`` of so many seconds."""

    monotonic: Callable[[], float]
    wall: Callable[[], datetime]
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a request ended. ``latency_ms`` counts from when it was due; None if never answered."""

    request: Request
    state: State | ReadState
    outcomes: tuple[Outcome, ...]
    latency_ms: float | None
    attempts: int
    error: str = ""

    def accepted(self) -> set[str]:
        """References of the messages that were accepted."""
        pairs = zip(self.request.messages, self.outcomes, strict=True)
        return {message.reference for message, outcome in pairs if outcome.state == "accepted"}


_STOPPED = Answer(0, error="stopped before an answer came")


@dataclass(slots=True)
class _Progress:
    intended: float
    first_sent: float
    attempts: int = 0
    gateway: str = ""
    answered: float | None = None
    answer: Answer = _STOPPED


class Sender:
    """Sends requests to the gateways in turn; journals every attempt and every conclusion.

    ``on_conclusion`` hears of every request, also of those that are stopped.
    """

    def __init__(
        self,
        gateways: Sequence[str],
        retry: Retry,
        journal: JournalWriter,
        clock: Clock,
        chance: Random,
        on_conclusion: Callable[[Conclusion], None],
    ) -> None:
        self._gateways: Iterator[str] = cycle(gateways)
        self._retry = retry
        self._journal = journal
        self._clock = clock
        self._chance = chance
        self._on_conclusion = on_conclusion

    def send(self, request: Request, intended: float, exchange: Exchange) -> Conclusion:
        """Send ``request``, due at ``intended`` (monotonic seconds), until answered for good.

        Gives up after ``attempts_max``. Stopped in between (the run is over), it journals what is
        known before it lets the stop through.
        """
        progress = _Progress(intended, self._clock.monotonic())
        try:
            self._until_answered(request, progress, exchange)
        except BaseException:
            # GreenletExit: the grace period is over. What was sent may still be booked.
            progress.answered = None
            progress.answer = _STOPPED
            self._conclude(request, progress)
            raise
        return self._conclude(request, progress)

    def _until_answered(self, request: Request, progress: _Progress, exchange: Exchange) -> None:
        for attempt in range(1, self._retry.attempts_max + 1):
            progress.attempts = attempt
            progress.gateway = next(self._gateways)
            sent, sent_wall = self._clock.monotonic(), self._clock.wall()
            progress.answer = exchange(progress.gateway, request)
            progress.answered = self._clock.monotonic()
            self._journal.write(
                Attempt(
                    request=request.id,
                    attempt=attempt,
                    process=request.process,
                    channel=request.channel,
                    gateway=progress.gateway,
                    sent=sent,
                    answered=progress.answered,
                    sent_wall=sent_wall.isoformat(),
                    status=progress.answer.status,
                    error=explain(progress.answer),
                )
            )
            if not must_repeat(request, progress.answer):
                return
            if attempt < self._retry.attempts_max:
                self._clock.sleep(pause_s(self._retry, progress.answer, attempt, self._chance))

    def _conclude(self, request: Request, progress: _Progress) -> Conclusion:
        if request.messages:
            results = outcomes(request, progress.answer)
            self._write_messages(request, progress, results)
            state: State | ReadState = _worst(results)
            error = next((one.error for one in results if one.error), "")
        else:
            results, error = (), explain(progress.answer)
            state = self._write_read(request, progress, error)
        latency_ms = None
        if state != "unknown" and progress.answered is not None:
            latency_ms = (progress.answered - progress.intended) * 1000
        attempts = progress.attempts
        conclusion = Conclusion(request, state, results, latency_ms, attempts, error)
        self._on_conclusion(conclusion)
        return conclusion

    def _write_messages(
        self, request: Request, progress: _Progress, results: tuple[Outcome, ...]
    ) -> None:
        wall = self._clock.wall().isoformat()
        for message, result in zip(request.messages, results, strict=True):
            known = result.state != "unknown"
            self._journal.write(
                MessageEntry(
                    message=message,
                    request=request.id,
                    intended=progress.intended,
                    sent=progress.first_sent,
                    answered=progress.answered if known else None,
                    answered_wall=wall if known else None,
                    attempts=progress.attempts,
                    gateway=progress.gateway,
                    status=progress.answer.status,
                    state=result.state,
                    transaction_id=result.transaction_id,
                    replayed=result.replayed,
                    error=result.error,
                )
            )

    def _write_read(self, request: Request, progress: _Progress, error: str) -> ReadState:
        state = _read_state(request, progress.answer)
        self._journal.write(
            Read(
                request=request.id,
                process=request.process,
                channel=request.channel,
                intended=progress.intended,
                sent=progress.first_sent,
                answered=progress.answered if state != "unknown" else None,
                attempts=progress.attempts,
                gateway=progress.gateway,
                status=progress.answer.status,
                state=state,
                error=error,
            )
        )
        return state


def _worst(results: tuple[Outcome, ...]) -> State:
    states = {result.state for result in results}
    if "unknown" in states:
        return "unknown"
    return "rejected" if "rejected" in states else "accepted"


def _read_state(request: Request, answer: Answer) -> ReadState:
    if must_repeat(request, answer):
        return "unknown"
    return "rejected" if answer.status >= 400 else "answered"
