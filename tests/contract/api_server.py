"""``python -m tests.contract.api_server PORT``: the API over its fakes, behind its real server.

A process of its own: CPython 3.11 may fail to parse a module in one thread while another compiles
something, and a fuzzer and a server in one process do both.
"""

from __future__ import annotations

import asyncio
import sys

from granian.constants import Interfaces
from granian.server.embed import Server

from gateway.api.app import create_app
from tests.unit.api.world import Plan, World

if __name__ == "__main__":
    app = create_app(World(plan=Plan(body_bytes_max=5_000_000)).services())
    server = Server(
        app, address="127.0.0.1", port=int(sys.argv[1]), interface=Interfaces.ASGI,
        websockets=False, log_enabled=False,
    )  # fmt: skip
    asyncio.run(server.serve())
