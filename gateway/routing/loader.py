"""From a directory of rule files to a checked rule set, or to the list of all that is wrong.

A rule directory holds ``defaults.yaml``, one rule per process that matches everything (a follow-up
needs none: it goes to the owner of its object), and
``waves/*.yaml``, one file per step of the migration.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.errors import RuleProblem, RulesError
from gateway.routing.check import check_drafts
from gateway.routing.model import Place, Vocabulary
from gateway.routing.reader import Draft, WaveDraft, read_defaults, read_wave
from gateway.routing.ruleset import RuleSet, parse
from gateway.routing.sheet import Sheet

__all__ = ["DEFAULTS_FILE", "WAVES_DIRECTORY", "load", "parse"]

DEFAULTS_FILE: Final = "defaults.yaml"
WAVES_DIRECTORY: Final = "waves"

_ANYTHING: Final = Vocabulary()


def load(directory: Path, vocabulary: Vocabulary = _ANYTHING) -> RuleSet:
    """Return the rules of a directory; raise :class:`RulesError` with all problems of all files.

    ``vocabulary`` lists the channels, legal entities and stores rules may name.
    """
    if not directory.is_dir():
        raise RulesError([_missing(directory, f"name a directory that has {DEFAULTS_FILE}")])
    drafts, defaults, problems = _read_defaults(directory / DEFAULTS_FILE)
    waves: list[WaveDraft] = []
    for path in sorted((directory / WAVES_DIRECTORY).glob("*.yaml")):
        sheet = Sheet(str(path))
        root = sheet.read(path)
        if root is not None:
            wave, wave_drafts = read_wave(sheet, root, vocabulary)
            drafts += wave_drafts
            waves += [] if wave is None else [wave]
        problems += sheet.problems
    problems += _strays(directory)
    problems += check_drafts(drafts, waves, defaults)
    if problems:
        raise RulesError(sorted(problems, key=lambda it: (it.file, it.line, it.column, it.problem)))
    rules = [draft.rule for draft in drafts if draft.rule is not None]
    return RuleSet.of(rules, [each.wave for each in waves])


def _read_defaults(path: Path) -> tuple[list[Draft], Place | None, list[RuleProblem]]:
    if not path.exists():
        return [], None, [_missing(path, "write one rule per process there, its default")]
    sheet = Sheet(str(path))
    root = sheet.read(path)
    drafts = None if root is None else read_defaults(sheet, root)
    if drafts is None:
        return [], None, sheet.problems
    return drafts, Place(sheet.file, 1, 1, "rules"), sheet.problems


def _strays(directory: Path) -> Iterator[RuleProblem]:
    """Report YAML files that would silently not be read."""
    waves = directory / WAVES_DIRECTORY
    for path in sorted(directory.rglob("*")):
        if path.suffix.lower() not in (".yaml", ".yml") or path == directory / DEFAULTS_FILE:
            continue
        if path.parent != waves or path.suffix != ".yaml":
            yield RuleProblem(
                str(path), 1, 1, "(file)", "is not read",
                f"rules belong in {DEFAULTS_FILE} and {WAVES_DIRECTORY}/*.yaml: move or rename it",
            )  # fmt: skip


def _missing(path: Path, remedy: str) -> RuleProblem:
    return RuleProblem(str(path), 1, 1, "(file)", "does not exist", remedy)
