"""Group commit: answers to the right callers, through forgotten scripts and broken connections."""

from __future__ import annotations

import asyncio

import pytest

from gateway.canonical.exchange import Accepted, Replay
from gateway.errors import StoreUnavailable
from gateway.store.redis import commit
from gateway.store.redis.client import Client
from gateway.store.redis.intake import RedisIntake
from tests.valkey import PARTITIONS, Buffer, entry

pytestmark = pytest.mark.anyio


async def test_each_of_many_concurrent_calls_gets_its_own_answer(buffer: Buffer) -> None:
    entries = [entry(f"A-{n}") for n in range(500)]
    answers = await asyncio.gather(*(buffer.intake.accept(one) for one in entries))
    assert [it.transaction_id for it in answers if isinstance(it, Accepted)] == [
        one.transaction_id for one in entries
    ]


async def test_calls_among_which_the_scripts_are_forgotten_are_all_answered(
    buffer: Buffer,
) -> None:
    entries = [entry(f"A-{n}") for n in range(60)]

    async def forget() -> None:
        await buffer.client.command("SCRIPT", "FLUSH")

    answers = await asyncio.gather(
        *(buffer.intake.accept(one) for one in entries[:30]),
        forget(),
        *(buffer.intake.accept(one) for one in entries[30:]),
    )
    assert sum(isinstance(it, Accepted) for it in answers) == 60


async def test_a_broken_connection_fails_what_was_under_way_and_the_next_call_has_a_new_one(
    buffer: Buffer, valkey_url: str
) -> None:
    await buffer.intake.accept(entry("A-0"))
    killer = Client(valkey_url)
    await killer.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await killer.close()
    repeats = 0
    while True:
        try:
            answer = await buffer.intake.accept(entry("A-0"))
            break
        except StoreUnavailable:
            repeats += 1
            assert repeats <= 2
    assert isinstance(answer, Replay)


async def test_a_cancelled_caller_does_not_shift_the_answers_of_others(buffer: Buffer) -> None:
    entries = [entry(f"A-{n}") for n in range(40)]
    tasks = [asyncio.create_task(buffer.intake.accept(one)) for one in entries]
    await asyncio.sleep(0)
    for task in tasks[::3]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    for one, answer in zip(entries, answers, strict=True):
        if isinstance(answer, Accepted):
            assert answer.transaction_id == one.transaction_id


async def test_a_store_that_falls_silent_is_given_up_and_asked_anew(
    buffer: Buffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "TIMEOUT_S", 0.2)
    await buffer.client.command("CLIENT", "PAUSE", "1500", "WRITE")
    calls = (buffer.intake.accept(entry(f"A-{n}")) for n in range(3))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(it) for it in answers] == [StoreUnavailable] * 3
    assert "did not answer in time" in str(answers[0])
    await buffer.client.command("CLIENT", "UNPAUSE")
    assert isinstance(await buffer.intake.accept(entry("A-9")), Accepted)


async def test_closing_the_client_fails_what_is_under_way(buffer: Buffer, valkey_url: str) -> None:
    client = Client(valkey_url)
    intake = Buffer(client).intake
    assert isinstance(await intake.accept(entry("A-0")), Accepted)
    await buffer.client.command("CLIENT", "PAUSE", "300", "WRITE")
    call = asyncio.ensure_future(intake.accept(entry("A-1")))
    await asyncio.sleep(0.05)
    await client.close()
    with pytest.raises(StoreUnavailable):
        await call


async def test_more_calls_than_the_store_takes_are_refused(
    buffer: Buffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "PENDING_MAX", 5)
    calls = (buffer.intake.accept(entry(f"A-{n}")) for n in range(8))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [isinstance(it, Accepted) for it in answers] == [True] * 5 + [False] * 3
    assert [type(it) for it in answers[5:]] == [StoreUnavailable] * 3


async def test_without_a_server_every_caller_hears_of_it() -> None:
    client = Client("redis://127.0.0.1:1")
    intake = RedisIntake(client, PARTITIONS, Buffer(client).intake._clock)
    calls = (intake.accept(entry(f"A-{n}")) for n in range(5))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(it) for it in answers] == [StoreUnavailable] * 5
    await client.close()
