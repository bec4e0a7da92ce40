"""What a server must be set to before a 202 may be promised on it.

A 202 says that the message survives the death of every process, so the server has to write it to
disk before it answers, and must never drop a key to make room.
"""

from __future__ import annotations

from typing import Any, Final

from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from gateway.errors import ConfigError, StoreUnavailable

#: Setting -> the only value a 202 can be promised on.
WANTED: Final[dict[str, str]] = {
    "appendonly": "yes",  # a log, not snapshots: they are minutes behind
    "appendfsync": "always",  # on disk before the answer; "everysec" loses a second
    "no-appendfsync-on-rewrite": "no",  # also while the log is being rewritten
    "maxmemory-policy": "noeviction",  # a full server refuses; it must not forget
}

#: Redis 7 or newer: scripts with flags, and CONFIG GET of several names. Valkey calls itself 7.2.
VERSION_MIN: Final = 7

_REMEDY: Final = (
    "set them in the server's configuration, or COEXIST_ALLOW_VOLATILE=1 if losing accepted "
    "messages is acceptable"
)


async def check(
    client: Any,  # noqa: ANN401 -- redis.asyncio.Redis, whose commands have no types
    *,
    assume_durable: bool = False,
    allow_volatile: bool = False,
) -> tuple[str, ...]:
    """Refuse a server that could lose what it took; return what was let pass, for the log.

    ``assume_durable`` is the operator's word for settings that the server hides; of those it shows,
    what it shows counts. ``allow_volatile`` lets any setting pass.

    Raises :class:`~gateway.errors.ConfigError` listing each wrong setting with its value and the
    one wanted, or for a version that is too old, and :class:`~gateway.errors.StoreUnavailable` if
    the server does not answer.
    """
    version = await _version(client)
    if int(version.partition(".")[0]) < VERSION_MIN:
        raise ConfigError(
            f"the store is Redis {version}, which is too old: use Redis {VERSION_MIN} or newer, "
            "or any Valkey"
        )
    settings = await _settings(client)
    wrong = [
        f"{name} is {settings[name]!r}, wanted {value!r}"
        for name, value in WANTED.items()
        if settings.get(name, value) != value
    ]
    if wrong and not allow_volatile:
        raise ConfigError(f"the store could lose accepted messages: {', '.join(wrong)}; {_REMEDY}")
    hidden = [f"{name} {value}" for name, value in WANTED.items() if name not in settings]
    if hidden and not (assume_durable or allow_volatile):
        raise ConfigError(
            f"the store does not let its settings be read (CONFIG GET): make sure that it runs "
            f"with {', '.join(hidden)}, then say so with COEXIST_ASSUME_DURABLE=1"
        )
    return (*wrong, *(f"{each} taken on the operator's word" for each in hidden))


async def _version(client: Any) -> str:  # noqa: ANN401 -- as above
    try:
        info = await client.execute_command("INFO", "server")
    except (RedisError, OSError) as error:
        raise _unreachable(error) from error
    return str(info["redis_version"])


async def _settings(client: Any) -> dict[str, str]:  # noqa: ANN401 -- as above
    try:
        answer = await client.execute_command("CONFIG GET", *WANTED)
    except (NoPermissionError, ResponseError):  # an ACL, or a service that has no such command
        return {}
    except (RedisError, OSError) as error:
        raise _unreachable(error) from error
    return {_plain(name): _plain(value) for name, value in answer.items()}


def _plain(text: str | bytes) -> str:
    return text.decode() if isinstance(text, bytes) else text


def _unreachable(error: Exception) -> ConfigError | StoreUnavailable:
    # What the library meets while it connects, it wraps in an error of the connection.
    refused = (AuthenticationError, NoPermissionError)
    if isinstance(error, refused) or isinstance(error.__cause__, refused):
        return ConfigError(f"the store refuses this user: {error}; correct COEXIST_REDIS_URL")
    return StoreUnavailable(
        f"the store does not answer: {error}; start it, or correct COEXIST_REDIS_URL"
    )
