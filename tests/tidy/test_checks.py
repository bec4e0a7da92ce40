"""Each check finds what it is for in a doctored sample, and leaves its neighbour alone."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tidy import checks

Sample = Callable[[str, str], Path]


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    def write(name: str, content: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path.relative_to(tmp_path)

    return write


def slash(*parts: str) -> str:
    """Build an absolute path that this file does not contain."""
    return "/" + "/".join(parts)


def test_a_module_may_have_350_lines_and_not_one_more(tmp_path: Path, sample: Sample) -> None:
    files = [sample("gateway/fits.py", "x = 1\n" * 350), sample("gateway/long.py", "x = 1\n" * 351)]

    findings = list(checks.long_modules(tmp_path, files))

    assert [str(finding) for finding in findings] == [
        "gateway/long.py:351: 351 lines, at most 350: split it by what its parts know"
    ]


def test_length_counts_in_tests_but_not_in_docs(tmp_path: Path, sample: Sample) -> None:
    files = [sample("tests/unit/test_x.py", "x = 1\n" * 351), sample("docs/x.py", "x = 1\n" * 351)]

    assert [found.path for found in checks.long_modules(tmp_path, files)] == [files[0]]


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_a_function_may_have_70_lines_and_not_one_more(
    tmp_path: Path, sample: Sample, keyword: str
) -> None:
    body = "    x = 1\n"
    fits, long = f"{keyword} fits():\n{body * 69}", f"{keyword} long():\n{body * 70}"

    findings = list(checks.long_functions(tmp_path, [sample("gateway/x.py", fits + long)]))

    assert [str(finding) for finding in findings] == [
        "gateway/x.py:71: long() has 71 lines, at most 70: move its pure parts into helpers"
    ]


def test_a_long_method_and_a_long_inner_function_are_found(tmp_path: Path, sample: Sample) -> None:
    inner = "        def inner():\n" + "            x = 1\n" * 70
    path = sample("simulators/x.py", f"class A:\n    def outer(self):\n{inner}")

    names = [found.message.split("(")[0] for found in checks.long_functions(tmp_path, [path])]

    assert sorted(names) == ["inner", "outer"]


@pytest.mark.parametrize(
    ("path", "too_deep"),
    [
        ("gateway/store/redis/lanes.py", False),
        ("gateway/store/redis/deep/lanes.py", True),
        ("gateway/store/redis/scripts/accept.lua", False),
        ("gateway/store/redis/scripts/more/accept.lua", True),
        ("gateway/store/ledger/versions/r0001.py", False),
        ("gateway/store/ledger/migrations/versions/r0001.py", True),
        ("tests/unit/store/redis/test_lanes.py", False),
        ("tests/unit/store/redis/deep/test_lanes.py", True),
        ("pyproject.toml", False),
    ],
)
def test_folders_are_counted_from_the_package(path: str, *, too_deep: bool) -> None:
    assert bool(list(checks.deep_folders([Path(path)]))) is too_deep


def test_a_file_too_deep_is_named_with_the_remedy() -> None:
    (finding,) = checks.deep_folders([Path("gateway/a/b/c/d.py")])

    assert str(finding) == "gateway/a/b/c/d.py:1: 4 folders deep, at most 3: flatten its package"


def test_publics_without_docstring_are_counted_and_named(tmp_path: Path, sample: Sample) -> None:
    path = sample(
        "gateway/x.py",
        '"""Module."""\n'
        "class Bare:\n"
        "    def method(self): ...\n"
        '    def told(self): """Told."""\n'
        "    def _private(self): ...\n"
        "async def function(): ...\n"
        "def _private(): ...\n",
    )

    share, findings = checks.undocumented(tmp_path, [path])

    assert share == pytest.approx(2 / 5)
    assert [(found.line, found.message.split()[0]) for found in findings] == [
        (2, "Bare"),
        (3, "Bare.method"),
        (6, "function"),
    ]


def test_a_module_without_docstring_is_found_and_a_private_one_is_not(
    tmp_path: Path, sample: Sample
) -> None:
    files = [sample("gateway/x.py", "x = 1\n"), sample("gateway/_x.py", "def f(): ...\n")]

    share, findings = checks.undocumented(tmp_path, files)

    assert (share, [found.path for found in findings]) == (0.0, [files[0]])


def test_overloads_and_setters_repeat_a_documented_name(tmp_path: Path, sample: Sample) -> None:
    path = sample(
        "gateway/x.py",
        '"""Module."""\n'
        "@typing.overload\ndef f(x: int): ...\n"
        "class A:\n"
        '    """A."""\n'
        "    @limit.setter\n    def limit(self, value): ...\n",
    )

    assert checks.undocumented(tmp_path, [path]) == (1.0, [])


def test_no_publics_at_all_are_all_documented(tmp_path: Path) -> None:
    assert checks.undocumented(tmp_path, []) == (1.0, [])


@pytest.mark.parametrize(
    "text",
    [
        slash("home", "jo", "project"),
        f'path = "{slash("Users", "jo", "x")}"',
        f"see {slash('tmp', 'run.json')}",
        slash("opt", "wheels"),
        "C:" + "\\Users\\jo",
    ],
)
def test_a_path_of_one_machine_is_found(tmp_path: Path, sample: Sample, text: str) -> None:
    path = sample("docs/x.md", f"fine\n{text}\n")

    (finding,) = checks.foreign_addresses(tmp_path, [path])

    assert str(finding).startswith("docs/x.md:2: ")
    assert "make it relative, or an option" in finding.message


@pytest.mark.parametrize(
    "text",
    [
        "https://pypi.org" + slash("simple", "x"),
        "https://files.pythonhosted" + ".org/x.whl",
        "--" + "index-url https://example.com",
        "pip install --" + "extra-index-url=x",
        "--" + "find-links wheels",
        "PIP" + "_INDEX_URL=x",
        "x @ file" + "://" + slash("wheels", "x.whl"),
    ],
)
def test_an_index_address_is_found(tmp_path: Path, sample: Sample, text: str) -> None:
    path = sample("requirements.lock", f"{text}\n")

    (finding,) = checks.foreign_addresses(tmp_path, [path])

    assert "names a package index" in finding.message


@pytest.mark.parametrize(
    "text",
    [
        "#!/usr/bin/env bash",
        "https://example.com/home/orders",
        "GET /v1/orders",
        "uv pip compile --no-emit-" + "index-url --no-emit-find-links",
        "sqlite:///coexist.db",
        "data lives in /var/lib/coexist",
        "gateway/work/lane.py",
    ],
)
def test_ordinary_text_is_left_alone(tmp_path: Path, sample: Sample, text: str) -> None:
    assert list(checks.foreign_addresses(tmp_path, [sample("docs/x.md", text)])) == []


def test_binary_files_are_not_read_as_text(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\0" + slash("home", "jo").encode())

    assert list(checks.foreign_addresses(tmp_path, [Path("logo.png")])) == []


@pytest.mark.parametrize(
    ("path", "line", "found"),
    [
        ("gateway/x.py", "x = 1  # noqa: S101", "# noqa"),
        ("gateway/x.py", "x = 1  # noqa: S101 - a dash is not enough", "# noqa"),
        ("gateway/x.py", "x = 1  # noqa: S101 -- ", "# noqa"),
        ("gateway/x.py", "x = 1  # noqa: S101 -- a reason", None),
        ("loadtests/x.py", "x = 1  # type: ignore[misc]", "# type: ignore"),
        ("loadtests/x.py", "x = 1  # type: ignore[misc]  # -- a reason", None),
        ("gateway/x.py", "x = 1  # type: ignore[misc]  # noqa: S101 -- one for both", None),
        ("tests/x.py", "x = 1  # type: ignore[misc]", None),
        ("tests/x.py", "x = 1  # type: ignore[misc]  # noqa: S101", "# noqa"),
        ("gateway/x.py", 'x = "# noqa: S101"', None),
        ("docs/x.py", "x = 1  # noqa: S101", None),
    ],
)
def test_an_exemption_ends_in_its_reason(
    tmp_path: Path, sample: Sample, path: str, line: str, found: str | None
) -> None:
    findings = list(checks.unreasoned(tmp_path, [sample(path, f"import y\n{line}\n")]))

    remedy = "says nothing of why: end the line in ` -- ` and the reason"
    assert [str(it) for it in findings] == ([f"{path}:2: {found} {remedy}"] if found else [])


HEADER = (
    "-- Accepts.\n--\n-- KEYS[1] claims\n-- ARGV[1] id\n-- Returns: 1\n-- Invariants: writes last\n"
)


def test_a_script_with_its_whole_header_passes(tmp_path: Path, sample: Sample) -> None:
    assert list(checks.bare_scripts(tmp_path, [sample("x/a.lua", f"{HEADER}return 1\n")])) == []


@pytest.mark.parametrize("part", checks.SCRIPT_HEADER)
def test_a_script_lacking_a_part_of_its_header_is_found(
    tmp_path: Path, sample: Sample, part: str
) -> None:
    lines = [line for line in HEADER.splitlines() if part not in line]
    path = sample(
        "x/a.lua", "\n".join([*lines, "return 1", f"-- {part} after the code is too late"])
    )

    (finding,) = checks.bare_scripts(tmp_path, [path])

    assert str(finding) == f"x/a.lua:1: the header lacks `-- {part}`: say what callers may rely on"


def test_files_of_an_unpacked_archive_are_found_without_git(tmp_path: Path, sample: Sample) -> None:
    kept = [sample(".ci/run", ""), sample("gateway/x.py", "")]
    sample(".venv/lib/y.py", "")
    sample("gateway/__pycache__/x.pyc", "")

    assert checks.project_files(tmp_path) == kept


def test_files_of_a_checkout_are_those_git_does_not_ignore(tmp_path: Path, sample: Sample) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    kept = [sample(".gitignore", "build/\n"), sample("gateway/new.py", "")]
    sample("build/x.py", "")

    assert checks.project_files(tmp_path) == kept
