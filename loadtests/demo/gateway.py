"""The gateway's command line, as a person at a terminal would use it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from loadtests.demo.errors import CommandError

#: Longer than any command may take, also on a busy machine.
WITHIN_S = 60.0
BY = "demo"
APPROVER = "demo-approver"


@dataclass(frozen=True, slots=True)
class Marker:
    """What a flip brought into force."""

    epoch: int
    version: str


@dataclass(frozen=True, slots=True)
class Compared:
    """How often both ERPs were asked the same of a process, and how often they differed."""

    process: str
    compared: int
    different: int


class Gateway:
    """Runs ``python -m gateway`` in the environment of one installation.

    Every call raises CommandError, quoting what the command said, unless it ends with 0.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)

    def init(self, folder: Path) -> None:
        """Write a first configuration and keys."""
        self._run("init", "--folder", str(folder))

    def apply(self, rules: Path, note: str) -> Marker:
        """Bring a directory of rules into force."""
        return self._flip("apply", str(rules), note=note)

    def approved(self, rules: Path, note: str) -> None:
        """Propose a directory of rules, and have somebody else approve them."""
        said = self._run("rules", "propose", str(rules), "--by", BY, "--note", note, "--json")
        proposal = str(json.loads(said)["proposal_id"])
        self._run("rules", "approve", proposal, "--by", APPROVER, "--reason", "rehearsed")

    def schedule(self, rules: Path, at: datetime, note: str) -> str:
        """Have a directory of rules brought into force at a time; return the schedule's id."""
        said = self._run(
            "rules", "schedule", str(rules), "--at", at.isoformat(), "--by", BY, "--note", note,
            "--json",
        )  # fmt: skip
        return str(json.loads(said)["schedule_id"])

    def scheduled(self, schedule_id: str) -> tuple[str, str, Marker]:
        """Say how far a scheduled flip has come: its stage, the reason, what it brought."""
        listed = json.loads(self._run("rules", "scheduled", "--json"))
        found = next(it for it in listed if it["schedule_id"] == schedule_id)
        marker = Marker(int(found["epoch"]), str(found["version"]))
        return str(found["stage"]), str(found["reason"]), marker

    def preview(self) -> list[str]:
        """Return in words what a rollback would leave in the cloud ERP."""
        return self._run("rules", "rollback", "--preview").splitlines()

    def compared(self) -> list[Compared]:
        """Say what was compared with the ERP that is to take over."""
        report = json.loads(self._run("shadow", "report", "--since", "1h", "--json"))
        return [
            Compared(str(it["process"]), int(it["compared"]), int(it["different"]))
            for it in report["processes"]
        ]

    def pulled_until(self) -> dict[str, datetime]:
        """Say up to when every change of a channel that is polled was taken, by its name."""
        listed = json.loads(self._run("pulls", "--json"))
        return {
            str(it["channel"]): datetime.fromisoformat(it["until"]) for it in listed if it["until"]
        }

    def rollback(self, note: str) -> Marker:
        """Take the last flip back."""
        return self._flip("rollback", note=note)

    def status(self) -> dict[str, Any]:
        """Rules, backlog, quotas and who is alive."""
        found = json.loads(self._run("status", "--json"))
        return dict(found)

    def held(self) -> list[str]:
        """Ids of transactions that are held until somebody acts."""
        return held_of(json.loads(self._run("exceptions", "list", "--count", "10000", "--json")))

    def stores(self) -> list[dict[str, Any]]:
        """What each register's numbers tell, by store and business day."""
        found: list[dict[str, Any]] = json.loads(self._run("stores", "report", "--json"))
        return found

    def retry(self, transaction_ids: Sequence[str]) -> None:
        """Let held transactions go; one that is not held any more is none of our concern."""
        self._run("exceptions", "retry", *transaction_ids, "--by", BY, good=(0, 1))

    def stop_store(self) -> None:
        """Stop the embedded store, which else would go on for a while after its last client."""
        self._run("stop-store")

    def _flip(self, *command: str, note: str) -> Marker:
        answer = json.loads(self._run("rules", *command, "--by", BY, "--note", note, "--json"))
        return Marker(int(answer["epoch"]), str(answer["version"]))

    def _run(self, *command: str, good: Sequence[int] = (0,)) -> str:
        words = f"coexist {' '.join(command[:2])}"
        try:
            done = subprocess.run(  # noqa: S603 -- our own module, no shell
                [sys.executable, "-m", "gateway", *command],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=WITHIN_S,
                check=False,
                start_new_session=True,  # a Ctrl-C must not cut a flip in two
            )
        except subprocess.TimeoutExpired:
            raise CommandError(f"{words} did not end within {WITHIN_S:g} s") from None
        if done.returncode not in good:
            said = (done.stderr.strip() or done.stdout.strip())[-2000:]
            raise CommandError(f"{words} ended with exit code {done.returncode}:\n{said}")
        return done.stdout


def held_of(listing: Mapping[str, Any]) -> list[str]:
    """Ids of the transactions a list of exceptions names that do not go on by themselves."""
    return [str(line["transaction_id"]) for line in listing["items"] if not line["waits"]]
