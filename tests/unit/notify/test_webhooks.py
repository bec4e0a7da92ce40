"""Webhooks against a real server: signed as the specification says, and honest about failure."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway.canonical.guardrail import Notice
from gateway.clock import SystemClock
from gateway.errors import ConfigError
from gateway.notify.webhooks import Webhook, Webhooks, key_of, signature

pytestmark = pytest.mark.anyio

NOTICE = Notice("msg_1", "pager", "wave.tripped", datetime(2026, 11, 2, tzinfo=UTC), '{"n": 1}')
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver(BaseHTTPRequestHandler):
    """Answers with ``status`` and remembers what it got."""

    status = 204
    got: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def receiver() -> Iterator[tuple[str, type[Receiver]]]:
    handler = type("Handler", (Receiver,), {"got": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", handler
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_signature_of_a_known_message_stays_what_it_is() -> None:
    made = signature(
        key_of("x", SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
        b'{"test": 2432232314}',
    )  # fmt: skip
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_what_is_posted_is_signed_over_id_time_and_body(
    receiver: tuple[str, type[Receiver]],
) -> None:
    url, handler = receiver
    webhooks = Webhooks({"pager": Webhook(url, SECRET)}, SystemClock())
    assert await webhooks.post(NOTICE) == ""
    ((headers, body),) = handler.got
    assert body == b'{"n": 1}'
    assert headers["webhook-id"] == "msg_1"
    stamp = headers["webhook-timestamp"]
    assert headers["webhook-signature"] == signature(key_of("x", SECRET), "msg_1", stamp, body)
    handler.status = 503
    assert await webhooks.post(NOTICE) == "answered 503"
    handler.status = 302  # whoever moved has to say where, in the configuration
    assert await webhooks.post(NOTICE) == "answered 302"
    await webhooks.close()


async def test_nobody_there_and_nobody_known_are_failures_not_errors() -> None:
    webhooks = Webhooks({"pager": Webhook("http://127.0.0.1:9/", "plain text")}, SystemClock())
    assert "ConnectError" in await webhooks.post(NOTICE)
    other = Webhooks({}, SystemClock())
    assert "no webhook is called 'pager' any more" in await other.post(NOTICE)
    await webhooks.close()
    await other.close()


def test_a_secret_that_is_no_base64_is_refused_at_start() -> None:
    with pytest.raises(ConfigError, match=r"webhooks\.pager\.secret: what follows whsec_"):
        Webhooks({"pager": Webhook("http://127.0.0.1:9/", "whsec_***")}, SystemClock())
