"""The lock pins all that the project asks for, by hash; doctored ones are refused."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?P<pin>==[^\s;]+)?", re.MULTILINE)
REMEDY = "run `make lock`"


def normal(name: str) -> str:
    """Spell a distribution's name as the lock does (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(project: str) -> set[str]:
    """Name what ``pyproject.toml`` asks for, at run time and for development."""
    table = tomllib.loads(project)
    lines = [*table["project"]["dependencies"], *table["dependency-groups"]["dev"]]
    return {normal(match[0]) for line in lines if (match := re.match(r"[\w.-]+", line))}


def problems(project: str, lock: str) -> list[str]:
    """List what is missing from the lock, not pinned to a public release, or has no hash."""
    pins: dict[str, str] = {}
    found = []
    for chunk in re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)[1:]:
        entry = ENTRY.match(chunk)
        assert entry, chunk
        name, pin = normal(entry["name"]), entry["pin"] or ""
        pins[name] = pin
        if not pin or "+" in pin:
            found.append(f"requirements.lock: {name}{pin} is not a public release: {REMEDY}")
        if "--hash=sha256:" not in chunk:
            found.append(f"requirements.lock: {name} has no hash: {REMEDY}")
    missing = sorted(wanted(project) - pins.keys())
    return found + [
        f"pyproject.toml: {name} is not in requirements.lock: {REMEDY}" for name in missing
    ]


def test_the_lock_is_whole() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")

    assert problems(project, lock) == []


PROJECT = """
[project]
dependencies = ["Typing_Extensions>=4"]
[dependency-groups]
dev = ["pytest>=8.4"]
"""
LOCK = """# made by make lock
pytest==9.2.0 ; sys_platform == 'linux' \\
    --hash=sha256:00
    # via coexist
typing-extensions==4.16.0 \\
    --hash=sha256:11
"""


def test_a_whole_lock_passes() -> None:
    assert problems(PROJECT, LOCK) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("pytest==9.2.0", "pytezt==9.2.0", "pyproject.toml: pytest is not in requirements.lock"),
        ("pytest==9.2.0", "pytest", "requirements.lock: pytest is not a public release"),
        ("==9.2.0", "==9.2.0+local", "requirements.lock: pytest==9.2.0+local is not a public"),
        ("--hash=sha256:11", "", "requirements.lock: typing-extensions has no hash"),
    ],
)
def test_a_doctored_lock_is_refused(old: str, new: str, problem: str) -> None:
    (found,) = problems(PROJECT, LOCK.replace(old, new))

    assert found.startswith(problem)
    assert found.endswith(REMEDY)
