"""What somebody asks of a simulator, read from the body of a request."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

#: Makes the error a simulator answers of a text.
Wrong = Callable[[str], Exception]


async def json_object(request: web.Request, wrong: Wrong) -> dict[str, Any]:
    """The JSON object in the body, an empty one for an empty body. Raises what `wrong` makes."""
    text = await request.text()
    try:
        value = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise wrong(f"the body is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise wrong(f"the body is {type(value).__name__}, it must be a JSON object")
    return value


def how_many(asked: Mapping[str, Any], most: int, wrong: Wrong) -> int:
    """How many of something are asked for, one if nothing is said. Raises what `wrong` makes."""
    count = asked.get("count", 1)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= most:
        raise wrong(f"count is {count!r}, it must be 1 to {most}")
    return count
