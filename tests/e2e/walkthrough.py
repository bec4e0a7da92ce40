"""A page of the documentation as something that can be carried out and compared.

``sh`` blocks are carried out; of ``console`` blocks, what follows ``$ `` is, and what it prints is
compared with the lines below. ``…`` there stands for anything; identifiers, instants and the like
are compared by their kind. A block behind ``<!-- by hand -->`` is left to the caller.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_BLOCK = re.compile(r"(<!-- by hand -->\n)?```(\w*)\n(.*?)```", re.DOTALL)
_HERE_DOCUMENT = re.compile(r"<<'?(\w+)'?")
_END = "-- end of step --"

#: What differs from run to run, and the word it is compared as. The longer forms come first.
_KINDS = (
    (re.compile(r"\b[0-9a-f]{2}-[0-9a-z]{26}\b"), "TRANSACTION"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)"), "INSTANT"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b"), "INSTANT"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "DATE"),
    (re.compile(r"\bperiod \d{4}-\d\d\b"), "PERIOD"),
    (re.compile(r"\bIDoc \d{16}\b"), "IDOC"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "VERSION"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One command (or block of them) at a line of the page, and what it should print, if told."""

    line: int
    command: str
    expected: str | None = None


def steps(page: str) -> Iterator[Step]:
    """Return the steps of a page, in order."""
    for block in _BLOCK.finditer(page):
        by_hand, language, text = block.groups()
        line = page.count("\n", 0, block.start(3)) + 1
        if by_hand or language not in {"sh", "console"}:
            continue
        if language == "sh":
            yield Step(line, text)
        else:
            yield from _console(line, text.splitlines())


def _console(line: int, lines: list[str]) -> Iterator[Step]:
    at = 0
    while at < len(lines):
        start, command = at, [lines[at].removeprefix("$ ")]
        at += 1
        here = _HERE_DOCUMENT.search(command[0])
        while here and command[-1] != here[1]:
            command.append(lines[at])
            at += 1
        expected = []
        while at < len(lines) and not lines[at].startswith("$ "):
            expected.append(lines[at])
            at += 1
        yield Step(line + start, "\n".join(command), "\n".join(expected))


def matches(expected: str, printed: str) -> bool:
    """Compare what a page says with what was printed."""
    pattern = ".*".join(re.escape(part) for part in _comparable(expected).split("…"))
    return re.fullmatch(pattern, _comparable(printed), re.DOTALL) is not None


def _comparable(text: str) -> str:
    for kind, word in _KINDS:
        text = kind.sub(word, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


class Shell:
    """One ``sh`` that carries out step after step, as a reader's terminal does."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._script = folder / "step.sh"
        self._process = subprocess.Popen(
            ["/bin/sh"], cwd=folder, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, command: str) -> str:
        """Carry a command out in the shell itself; return what it printed."""
        self._script.write_text(command + "\n", encoding="utf-8")
        self._tell(f". {self._script} < /dev/null; printf '\\n%s\\n' '{_END}'\n")
        printed: list[str] = []
        for line in self._output():
            if line.rstrip("\n") == _END:
                return "".join(printed)
            printed.append(line)
        raise RuntimeError(f"the shell ended at {command!r}: {''.join(printed)}")

    def close(self) -> None:
        """End the shell."""
        self._process.kill()
        self._process.communicate()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def _output(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout
