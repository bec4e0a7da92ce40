"""The work folder: configuration, keys, rules, logs and evidence of one demo.

```
coexist.yaml  keys.json        what `coexist init` writes, adjusted below
rules/                         the rule sets with today's date
data/                          the gateway's store and ledger
run/                           announcements and logs of the processes
journal.jsonl events.jsonl     what the driver and the conductor recorded: the audit's evidence
sold-CHANNEL.jsonl             what a simulated channel sold, and what became of it: evidence, too
```
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from loadtests.books import Erp
from loadtests.demo.errors import DemoError
from loadtests.demo.timeline import LAG_MS, LATE_MS
from loadtests.files import json_of

#: Deadline of one call to an ERP, in s: a caller that waits longer has given up.
REQUEST_S = 2.5
#: How long after a send "absent" becomes final, in s: what is booked LATE_MS after it arrived,
#: behind others that hang as long, is found LAG_MS later: 4 + 4 + 2 s; and a margin.
ABSENT_FINAL_S = 2 * LATE_MS / 1000 + LAG_MS / 1000 + 2
#: Sessions of the simulated legacy ERP, and what the gateway may use of them.
LEGACY_SESSIONS = 8
#: Business Central's published limits per user: 5 calls at once, 6000 in 5 min.
CLOUD_QUOTA = {"concurrent_max": 5, "calls_max": 6000, "window_s": 300}

#: Short, so that a killed worker's partitions come over, and a flip ends, while one watches.
_TIMINGS: dict[str, Any] = {
    "lease_ms": 2500,
    "rule_lease_ms": 500,
    "governance": {"guardrails_every_s": 1},
}
_ERPS: dict[Erp, dict[str, Any]] = {
    "legacy": {
        "quota": {"concurrent_max": LEGACY_SESSIONS, "calls_max": 60_000, "window_s": 300},
        "request_s": REQUEST_S,
        "absent_final_s": ABSENT_FINAL_S,
        "poll_s": 1,
    },
    "cloud": {
        "quota": CLOUD_QUOTA,
        "request_s": REQUEST_S,
        "absent_final_s": ABSENT_FINAL_S,
    },
}


@dataclass(frozen=True, slots=True)
class Access:
    """Where an ERP is, and what the gateway is called there."""

    url: str
    user: str
    secret: str


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """Where everything of one demo lies. ``temporary``: made by the demo, not asked for."""

    path: Path
    temporary: bool

    @property
    def config(self) -> Path:
        """The gateway's configuration."""
        return self.path / "coexist.yaml"

    @property
    def keys(self) -> Path:
        """API key by channel."""
        return self.path / "keys.json"

    @property
    def run(self) -> Path:
        """Announcements and logs."""
        return self.path / "run"

    @property
    def rules(self) -> Path:
        """The rule sets, one directory each."""
        return self.path / "rules"

    @property
    def journal(self) -> Path:
        """The driver's journal."""
        return self.path / "journal.jsonl"

    def sold(self, channel: str) -> Path:
        """What a channel sold, as a journal."""
        return self.path / f"sold-{channel}.jsonl"

    @property
    def events(self) -> Path:
        """The conductor's events."""
        return self.path / "events.jsonl"

    @property
    def environment(self) -> dict[str, str]:
        """What the gateway's processes need to find it all; everything here is on this machine.

        A Redis, ledger or configuration of the caller's own would be no child's play.
        """
        mine = {name: value for name, value in os.environ.items() if not name.startswith("COEXIST")}
        return mine | self.exports | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}

    @property
    def exports(self) -> dict[str, str]:
        """What a person exports to use the command line on this installation."""
        return {"COEXIST_CONFIG": str(self.config), "COEXIST_DATA_DIR": str(self.path / "data")}


def make(asked: Path | None) -> WorkFolder:
    """Make the folder; raises DemoError if one asked for holds something already."""
    if asked is None:
        # Short: the store's socket lies in it, and a socket's path may have some 100 characters.
        return WorkFolder(Path(tempfile.mkdtemp(prefix="coexist-")), temporary=True)
    path = asked.absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise DemoError(f"--folder {asked}: not empty; name a new or empty folder")
    except OSError as error:
        raise DemoError(f"--folder {asked}: cannot be used: {error.strerror}") from error
    return WorkFolder(path, temporary=False)


def adjust(
    folder: WorkFolder,
    access: Mapping[Erp, Access],
    rules: Path,
    webhook: Mapping[str, str] | None = None,
) -> None:
    """Fit the configuration that `coexist init` wrote: access to the ERPs, quick timings.

    ``webhook``: ``url`` and ``secret`` of who is told when a wave is paused.
    """
    content = yaml.safe_load(folder.config.read_text(encoding="utf-8"))
    content |= _TIMINGS | {"rules_dir": str(rules)}
    if webhook is not None:
        content["webhooks"] = {"migration-lead": dict(webhook)}
    for erp, values in _ERPS.items():
        content["erps"][erp] |= values | asdict(access[erp])
    folder.config.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def connect(folder: WorkFolder, channel: str, settings: Mapping[str, Any]) -> None:
    """Add a channel to the configuration, and a key of its own to the keys."""
    content = yaml.safe_load(folder.config.read_text(encoding="utf-8"))
    key = f"cx_{channel}_{secrets.token_urlsafe(32)}"
    hashed = sha256(key.encode()).hexdigest()
    content["channels"][channel] = {"key_sha256": [hashed], **settings}
    folder.config.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    folder.keys.write_text(json.dumps({**json_of(folder.keys), channel: key}, indent=2))


def key_of(folder: WorkFolder, channel: str) -> str:
    """The API key of a channel."""
    return str(json_of(folder.keys)[channel])


def ops_key(folder: WorkFolder) -> str:
    """The API key that may read metrics."""
    keys = json_of(folder.keys)
    return str(keys["ops"])
