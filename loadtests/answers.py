"""What an answer means to a channel: is it final, how long to wait, what became of each message.

Pure functions of request and answer.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from loadtests.journal import State
from loadtests.messages import SALE, Message, Request
from loadtests.scenario import Retry


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``status`` 0 with an ``error`` if nothing (complete) did.

    Header names in lower case.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message."""

    state: State
    transaction_id: str = ""
    replayed: bool = False
    error: str = ""


def must_repeat(request: Request, answer: Answer) -> bool:
    """Whether a channel sends the same request again: no answer, told to wait, or a 5xx.

    A batch is repeated as a whole if any of its items was told so; the others answer as replays.
    """
    if _asks_for_repeat(answer.status):
        return True
    if answer.status >= 400:
        return False
    return any(outcome.state == "unknown" for outcome in outcomes(request, answer))


def pause_s(retry: Retry, answer: Answer, attempt: int, chance: Random) -> float:
    """How long to wait after ``attempt`` (1 …) in seconds.

    Doubling with jitter (half to whole), or the gateway's Retry-After if that is longer; bounded.
    """
    doubled = min(retry.pause_s * 2.0 ** min(attempt - 1, 16), retry.pause_s_max)
    jittered = doubled * (0.5 + chance.random() / 2)
    return max(jittered, min(_retry_after_s(answer), retry.retry_after_s_max))


def outcomes(request: Request, answer: Answer) -> tuple[Outcome, ...]:
    """The outcome of each message of ``request``, in its order."""
    if _asks_for_repeat(answer.status):
        return tuple(Outcome("unknown", error=explain(answer)) for _ in request.messages)
    if answer.status >= 400:
        return tuple(Outcome("rejected", error=explain(answer)) for _ in request.messages)
    body = _json(answer)
    if request.process == SALE:
        return _of_batch(request, body)
    transaction_id = body.get("transaction_id")
    if not isinstance(transaction_id, str):
        return tuple(Outcome("unknown", error=_NO_ID) for _ in request.messages)
    replayed = answer.headers.get("idempotency-replayed", "").lower() == "true"
    return tuple(Outcome("accepted", transaction_id, replayed) for _ in request.messages)


def explain(answer: Answer) -> str:
    """One line that says what went wrong: the transport's error, or the problem's detail."""
    if answer.error or answer.status < 400:
        return answer.error
    problem = _json(answer)
    details = [str(problem.get("detail") or problem.get("title") or "")]
    errors = problem.get("errors")
    details += [
        f"{error.get('pointer')}: {error.get('detail')}"
        for error in (errors if isinstance(errors, list) else [])
        if isinstance(error, dict)
    ]
    return f"{answer.status} {'; '.join(detail for detail in details if detail)}".rstrip()


_NO_ID = "the answer names no transaction_id"


def _asks_for_repeat(status: int) -> bool:
    return status in (0, 429) or status >= 500


def _retry_after_s(answer: Answer) -> float:
    # RFC 9110 allows a date too; the channel API states seconds.
    try:
        return max(0.0, float(answer.headers.get("retry-after", "0")))
    except ValueError:
        return 0.0


def _json(answer: Answer) -> dict[str, Any]:
    try:
        body = json.loads(answer.body or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _of_batch(request: Request, body: dict[str, Any]) -> tuple[Outcome, ...]:
    results: dict[str, deque[dict[str, Any]]] = {}
    listed = body.get("results")
    for result in listed if isinstance(listed, list) else []:
        results.setdefault(_identity(result), deque()).append(result)
    return tuple(_of_item(message, results) for message in request.messages)


def _identity(result: Mapping[str, Any]) -> str:
    return f"{result.get('business_date')}/{result.get('register')}/{result.get('sequence')}"


def _of_item(message: Message, results: dict[str, deque[dict[str, Any]]]) -> Outcome:
    _, _, identity = message.reference.partition("/")
    waiting = results.get(identity)
    if not waiting:
        return Outcome("unknown", error="the answer does not name this receipt")
    result = waiting.popleft()
    if result.get("status") in ("accepted", "replayed"):
        transaction_id = result.get("transaction_id")
        if not isinstance(transaction_id, str):
            return Outcome("unknown", error=_NO_ID)
        return Outcome("accepted", transaction_id, replayed=result["status"] == "replayed")
    problem = result.get("problem") or {}
    status = int(problem.get("status") or 422)
    error = f"{status} {problem.get('detail') or problem.get('title') or ''}".rstrip()
    return Outcome("unknown" if _asks_for_repeat(status) else "rejected", error=error)
