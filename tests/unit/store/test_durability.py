"""A server that could lose what it took is refused, against real servers set otherwise."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway.errors import ConfigError, StoreUnavailable
from gateway.store.redis.durability import check
from gateway.store.redis.embedded import ensure, stop
from gateway.store.redis.launch import server_binary

pytestmark = pytest.mark.anyio

Server = Callable[..., str]


def answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
        connection.connect(str(path))
        connection.sendall(b"PING\r\n")
        return connection.recv(100) != b""
    return False


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Start a server with settings of somebody else; each call returns a URL."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*settings: str) -> str:
        place = tmp_path / f"{len(running)}.sock"
        running.append(
            subprocess.Popen(
                [
                    str(server_binary()),
                    "--port",
                    "0",
                    "--unixsocket",
                    str(place),
                    "--dir",
                    str(tmp_path),
                ]
                + [word for setting in settings for word in f"--{setting}".split()],
                stdout=subprocess.DEVNULL,
            )
        )
        deadline_s = time.monotonic() + 10
        while not answers(place):
            assert running[-1].poll() is None, "it ended"
            assert time.monotonic() < deadline_s, "it does not answer"
            time.sleep(0.01)
        return f"unix://{place}"

    yield start
    for process in running:
        process.kill()
        process.wait()


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[Any]:
    client: Any = Redis.from_url(url, retry=Retry(NoBackoff(), 0))
    yield client
    await client.aclose()


async def refusal_of(url: str, **words: bool) -> str:
    async with client_of(url) as client:
        with pytest.raises(ConfigError) as refusal:
            await check(client, **words)
    return refusal.value.detail


DURABLE = (
    "appendonly yes",
    "appendfsync always",
    "no-appendfsync-on-rewrite no",
    "maxmemory-policy noeviction",
)


async def test_the_embedded_server_is_durable(tmp_path: Path) -> None:
    async with client_of(ensure(tmp_path, idle_s=None)) as client:
        assert await check(client) == ()
    stop(tmp_path)


async def test_a_server_set_as_wanted_passes(server: Server) -> None:
    async with client_of(server(*DURABLE)) as client:
        assert await check(client) == ()


async def test_all_that_is_wrong_is_listed(server: Server) -> None:
    url = server(
        "appendonly no",
        "appendfsync everysec",
        "no-appendfsync-on-rewrite yes",
        "maxmemory-policy allkeys-lru",
    )
    assert await refusal_of(url) == (
        "the store could lose accepted messages: appendonly is 'no', wanted 'yes', appendfsync is "
        "'everysec', wanted 'always', no-appendfsync-on-rewrite is 'yes', wanted 'no', "
        "maxmemory-policy is 'allkeys-lru', wanted 'noeviction'; set them in the server's "
        "configuration, or COEXIST_ALLOW_VOLATILE=1 if losing accepted messages is acceptable"
    )


@pytest.mark.parametrize(
    ("setting", "wrong"),
    [
        ("appendonly no", "appendonly is 'no', wanted 'yes'"),
        ("appendfsync everysec", "appendfsync is 'everysec', wanted 'always'"),
        ("no-appendfsync-on-rewrite yes", "no-appendfsync-on-rewrite is 'yes', wanted 'no'"),
        (
            "maxmemory-policy volatile-ttl",
            "maxmemory-policy is 'volatile-ttl', wanted 'noeviction'",
        ),
    ],
)
async def test_each_alone_is_enough_to_refuse(server: Server, setting: str, wrong: str) -> None:
    url = server(*DURABLE, setting)
    assert f"messages: {wrong}; set" in await refusal_of(url)
    assert f"messages: {wrong}; set" in await refusal_of(url, assume_durable=True)
    async with client_of(url) as client:
        assert await check(client, allow_volatile=True) == (wrong,)


async def test_settings_that_are_hidden_need_the_operator_s_word(server: Server) -> None:
    url = server(*DURABLE, "rename-command CONFIG hidden")
    assert await refusal_of(url) == (
        "the store does not let its settings be read (CONFIG GET): make sure that it runs with "
        "appendonly yes, appendfsync always, no-appendfsync-on-rewrite no, maxmemory-policy "
        "noeviction, then say so with COEXIST_ASSUME_DURABLE=1"
    )
    async with client_of(url) as client:
        taken = await check(client, assume_durable=True)
        assert taken[0] == "appendonly yes taken on the operator's word"
        assert len(taken) == 4
        assert await check(client, allow_volatile=True) == taken


async def test_a_user_who_may_not_ask_is_one_from_whom_it_is_hidden(server: Server) -> None:
    url = server(*DURABLE, "user default on nopass ~* +@all -config")
    assert "(CONFIG GET)" in await refusal_of(url)


async def test_a_user_it_does_not_know(server: Server) -> None:
    url = server(*DURABLE, "requirepass secret")
    assert "the store refuses this user: HELLO must be called" in await refusal_of(url)
    wrong = url.replace("unix://", "unix://:guess@")
    assert await refusal_of(wrong) == (
        "the store refuses this user: invalid username-password pair or user is disabled.; correct "
        "COEXIST_REDIS_URL"
    )
    async with client_of(url.replace("unix://", "unix://:secret@")) as client:
        assert await check(client) == ()


async def test_a_user_who_may_not_even_look(server: Server) -> None:
    url = server(*DURABLE, "user default on nopass ~* +@all -info")
    assert "the store refuses this user" in await refusal_of(url)


async def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    async with client_of(f"unix://{tmp_path}/nobody.sock") as client:
        with pytest.raises(StoreUnavailable, match="the store does not answer: Error 2"):
            await check(client)


async def test_a_server_killed_between_two_questions(tmp_path: Path) -> None:
    async with client_of(ensure(tmp_path, idle_s=None)) as client:
        pid = (await client.info("server"))["process_id"]
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(StoreUnavailable, match="the store does not answer"):
            await check(client)


class Old:
    """A server of an old version, which no wheel has: it answers INFO as one would."""

    async def execute_command(self, *command: str) -> object:
        assert command == ("INFO", "server"), "nothing else is asked of it"
        return {"redis_version": "6.2.14"}


async def test_a_version_that_is_too_old() -> None:
    with pytest.raises(ConfigError) as refusal:
        await check(Old(), allow_volatile=True)
    assert refusal.value.detail == (
        "the store is Redis 6.2.14, which is too old: use Redis 7 or newer, or any Valkey"
    )
