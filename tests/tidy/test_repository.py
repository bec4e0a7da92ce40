"""The repository keeps its own house rules."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.tidy import checks

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def files() -> list[Path]:
    return checks.project_files(ROOT)


def assert_none(findings: Iterable[checks.Finding]) -> None:
    found = [str(finding) for finding in findings]
    if found:
        pytest.fail("\n".join(["", *found]), pytrace=False)


def test_the_packages_are_seen(files: list[Path]) -> None:
    assert {path.parts[0] for path in files} >= set(checks.CODE)


def test_modules_are_short(files: list[Path]) -> None:
    assert_none(checks.long_modules(ROOT, files))


def test_functions_are_short(files: list[Path]) -> None:
    assert_none(checks.long_functions(ROOT, files))


def test_folders_are_shallow(files: list[Path]) -> None:
    assert_none(checks.deep_folders(files))


@pytest.mark.parametrize("package", checks.PACKAGES)
def test_publics_are_documented(files: list[Path], package: str) -> None:
    modules = [path for path in files if path.parts[0] == package and path.suffix == ".py"]
    share, findings = checks.undocumented(ROOT, modules)
    if share < checks.DOCUMENTED_SHARE_MIN:
        print(f"{share:.0%} of the publics of {package} have a docstring")
        assert_none(findings)


def test_nothing_points_at_one_machine_or_index(files: list[Path]) -> None:
    assert_none(checks.foreign_addresses(ROOT, files))


def test_exemptions_say_why(files: list[Path]) -> None:
    assert_none(checks.unreasoned(ROOT, files))


def test_scripts_state_their_contract(files: list[Path]) -> None:
    assert_none(checks.bare_scripts(ROOT, files))
