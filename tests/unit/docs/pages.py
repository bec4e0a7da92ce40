"""The Markdown pages of the repository, and what tests look for in them."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.tidy.checks import project_files

ROOT = Path(__file__).resolve().parents[3]

#: Where a call ends: what follows belongs to the shell.
_CONTROL = ";|&<>"

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Page:
    """One page: ``path`` from the root, and its text."""

    path: Path
    text: str

    @property
    def prose(self) -> str:
        """The text without its fenced blocks, which hold no links or headings."""
        return _FENCE.sub("", self.text)

    def links(self) -> list[str]:
        """Targets of links, as written."""
        return _LINK.findall(self.prose)

    def anchors(self) -> set[str]:
        """What links may jump to, made of headings as GitHub does."""
        headings = (_NOT_IN_ANCHORS.sub("", it.lower()) for it in _HEADING.findall(self.prose))
        return {heading.replace(" ", "-") for heading in headings}

    def commands(self) -> Iterator[list[str]]:
        """The words of each call of ``coexist`` in a shell block, up to a pipe or the like."""
        for _, language, block in _FENCE.findall(self.text):
            if language not in {"sh", "console"}:
                continue
            for line in block.replace("\\\n", " ").splitlines():
                command = line.strip().removeprefix("$ ")
                if command.startswith("coexist "):
                    yield list(itertools.takewhile(_is_word, _words(command)))


def _words(command: str) -> shlex.shlex:
    words = shlex.shlex(command, posix=True, punctuation_chars=_CONTROL)
    words.whitespace_split = True
    return words


def _is_word(word: str) -> bool:
    return not word.startswith((*_CONTROL, "$("))


def pages() -> list[Page]:
    """All pages the repository holds."""
    paths = [path for path in project_files(ROOT) if path.suffix == ".md"]
    return [Page(path, (ROOT / path).read_text(encoding="utf-8")) for path in paths]
