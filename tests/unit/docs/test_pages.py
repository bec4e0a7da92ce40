"""The documentation points at what exists: pages, headings, tests, commands, settings."""

from __future__ import annotations

import re

import click
import pytest

from gateway.cli import coexist
from gateway.commands.proof import STAFF_KEY, WAIVER_KEY
from gateway.settings import Settings
from tests.unit.docs.pages import ROOT, Page, pages

PAGES = pages()

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.path))


@each_page
def test_links_lead_to_a_page_and_a_heading(page: Page) -> None:
    for link in page.links():
        if re.match(r"https?://", link):
            continue
        target, _, anchor = link.partition("#")
        path = (ROOT / page.path).parent.joinpath(target).resolve() if target else ROOT / page.path
        assert path.exists(), f"{page.path}: {link} leads nowhere"
        assert path.is_relative_to(ROOT), f"{page.path}: {link} leads out of the repository"
        if anchor:
            there = Page(path.relative_to(ROOT), path.read_text(encoding="utf-8"))
            assert anchor in there.anchors(), f"{page.path}: {link}: no such heading"


@each_page
def test_commands_exist_with_the_options_they_are_called_with(page: Page) -> None:
    for command, *words in page.commands():
        found, context = _found(words)
        if not found.passes_on:
            for option in (word.partition("=")[0] for word in words if word.startswith("--")):
                assert option in found.options(context), (
                    f"{page.path}: {command} {words}: no {option}"
                )


@each_page
def test_variables_are_settings(page: Page) -> None:
    known = {f"COEXIST_{name.upper()}" for name in Settings.model_fields}
    known |= {"COEXIST_CONFIG", STAFF_KEY, WAIVER_KEY}
    for variable in re.findall(r"\bCOEXIST_[A-Z_]+[A-Z]", page.text):
        assert variable.partition("__")[0] in known, f"{page.path}: {variable} is no setting"


def test_the_architecture_names_tests_that_exist() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    invariants = text.partition("## Invariants")[2].partition("## What is not promised")[0]
    named = re.findall(r"`([\w/]+\.py)`", invariants)
    assert [path for path in named if not (ROOT / "tests" / path).is_file()] == []
    numbered = re.split(r"^\d+\. ", invariants, flags=re.MULTILINE)[1:]
    assert len(numbered) > 10
    assert [it for it in numbered if ".py`" not in it] == [], "an invariant without a test"


def test_every_page_is_listed() -> None:
    index = next(page for page in PAGES if page.path.as_posix() == "docs/README.md")
    linked = {(ROOT / "docs" / link).resolve() for link in index.links()}
    unlisted = [
        page.path
        for page in PAGES
        if page.path.parts[0] == "docs"
        and page is not index
        and (ROOT / page.path).resolve() not in linked
    ]
    assert unlisted == [], "list each in docs/README.md"


def test_decisions_are_short_numbered_and_complete() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))
    for number, path in enumerate(decisions, start=1):
        text = path.read_text(encoding="utf-8")
        assert path.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        assert len(text.splitlines()) <= 60, f"{path.name} is too long"
        for part in ("Context", "Decision", "Consequences", "Alternatives"):
            assert f"\n## {part}\n" in text, f"{path.name} lacks {part}"


class _Found:
    """A command of the tree."""

    def __init__(self, command: click.Command) -> None:
        self._command = command

    @property
    def passes_on(self) -> bool:
        """Whether it hands its options on to a program with a parser of its own."""
        return bool(self._command.context_settings.get("ignore_unknown_options"))

    def options(self, context: click.Context) -> set[str]:
        """Its options, ``--help`` included."""
        return {name for parameter in self._command.get_params(context) for name in parameter.opts}


def _found(words: list[str]) -> tuple[_Found, click.Context]:
    command: click.Command = coexist
    for word in words:
        if not isinstance(command, click.Group):
            break
        if command.invoke_without_command and word.startswith("-"):
            break
        assert word in command.commands, f"coexist {' '.join(words)}: no command {word!r}"
        command = command.commands[word]
    return _Found(command), click.Context(command)
