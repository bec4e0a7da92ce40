"""The house rules that no linter knows, each a pure function from files to findings."""

from __future__ import annotations

import ast
import io
import re
import shutil
import subprocess
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("gateway", "simulators", "loadtests")
CODE = (*PACKAGES, "tests")

MODULE_LINES_MAX = 350
FUNCTION_LINES_MAX = 70
MODULE_FOLDERS_MAX = 3
DATA_FOLDERS_MAX = 4  # Lua scripts and the like lie in a folder beside the module that runs them
DATA_FOLDERS = {"migrations", "versions"}  # alembic loads these by path, as data
DOCUMENTED_SHARE_MIN = 0.90

# The slashes stand apart from the names, so that these lines do not match themselves.
MACHINE_PATH = re.compile(
    r"(?<![\w.:/~$})-])/(?:home|Users|root|work|opt|tmp|mnt|var/folders)/[\w.-]"
    r"|\b[A-Z]:\\+Users\\"
)
INDEX_ADDRESS = re.compile(
    r"pypi\.org/+simple|files\.pythonhosted\.[o]rg|file:/{3}"
    r"|(?<![\w-])-{2}(?:extra-)?index-url|(?<![\w-])-{2}default-index|(?<![\w-])-{2}find-links"
    r"|\b(?:PIP|UV)_(?:EXTRA_|DEFAULT_)?[I]NDEX"
)
EXEMPTION = re.compile(r"# (?:noqa|type: ignore)\b")
REASON = re.compile(r" -- \w.*$")
SCRIPT_HEADER = ("KEYS", "ARGV", "Returns", "Invariants")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach: where it is (``path`` from the root, ``line`` from 1) and what to do."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def project_files(root: Path) -> list[Path]:
    """List what the repository holds or is about to, relative to ``root``.

    Git is asked where there is a checkout and git; else all is taken save hidden folders (the
    environment, caches) and ``__pycache__``.
    """
    if (root / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
        paths = [Path(name) for name in listed.stdout.split("\0") if name]
    else:
        paths = [found.relative_to(root) for found in root.rglob("*") if found.is_file()]
        paths = [path for path in paths if not any(map(_is_by_product, path.parts[:-1]))]
    return sorted(path for path in paths if (root / path).is_file())


def _is_by_product(folder: str) -> bool:
    return folder == "__pycache__" or (folder.startswith(".") and folder != ".ci")


def long_modules(root: Path, files: Iterable[Path]) -> Iterator[Finding]:
    """Find modules of more than ``MODULE_LINES_MAX`` lines."""
    for path in _modules(files, CODE):
        lines = len((root / path).read_text(encoding="utf-8").splitlines())
        if lines > MODULE_LINES_MAX:
            remedy = f"{lines} lines, at most {MODULE_LINES_MAX}: split it by what its parts know"
            yield Finding(path, MODULE_LINES_MAX + 1, remedy)


def long_functions(root: Path, files: Iterable[Path]) -> Iterator[Finding]:
    """Find functions of more than ``FUNCTION_LINES_MAX`` lines, from signature to last line."""
    for path in _modules(files, CODE):
        for node in ast.walk(_tree(root, path)):
            if not isinstance(node, Function):
                continue
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                remedy = f"at most {FUNCTION_LINES_MAX}: move its pure parts into helpers"
                yield Finding(path, node.lineno, f"{node.name}() has {lines} lines, {remedy}")


def deep_folders(files: Iterable[Path]) -> Iterator[Finding]:
    """Find files lying too deep, the top-level folder included; under ``tests/`` it is not.

    Tests mirror the package they test one folder further down.
    """
    for path in files:
        folders = len(path.parts) - 1 - (path.parts[0] == "tests")
        data = path.suffix != ".py" or path.parent.name in DATA_FOLDERS
        most = DATA_FOLDERS_MAX if data else MODULE_FOLDERS_MAX
        if folders > most:
            yield Finding(path, 1, f"{folders} folders deep, at most {most}: flatten its package")


def undocumented(root: Path, files: Iterable[Path]) -> tuple[float, list[Finding]]:
    """Return the share (0 to 1) of publics that have a docstring, and those that have none."""
    publics, findings = 0, []
    for path in files:
        for name, node in _publics(path, _tree(root, path)):
            publics += 1
            if ast.get_docstring(node) is None:
                remedy = "has no docstring: say shapes, units, errors, and the source of a figure"
                findings.append(Finding(path, getattr(node, "lineno", 1), f"{name} {remedy}"))
    return (1 - len(findings) / publics if publics else 1.0), findings


def foreign_addresses(root: Path, files: Iterable[Path]) -> Iterator[Finding]:
    """Find paths of one machine and addresses of package indexes in text files."""
    for path in files:
        content = (root / path).read_bytes()
        if b"\0" in content:
            continue  # not text
        for number, line in enumerate(content.decode("utf-8").splitlines(), start=1):
            if found := MACHINE_PATH.search(line):
                remedy = "is a path of one machine: make it relative, or an option"
                yield Finding(path, number, f"{found[0]!r} {remedy}")
            if found := INDEX_ADDRESS.search(line):
                remedy = "names a package index: leave the choice to the reader's configuration"
                yield Finding(path, number, f"{found[0]!r} {remedy}")


def unreasoned(root: Path, files: Iterable[Path]) -> Iterator[Finding]:
    """Find exemptions from the linter or the type checker that do not end in ``-- why``.

    In tests a type that is ignored needs no reason: a double, or a call that is meant to be wrong.
    """
    for path in _modules(files, CODE):
        source = (root / path).read_text(encoding="utf-8")
        if not EXEMPTION.search(source):
            continue  # to take a module apart takes ten times as long
        for comment in tokenize.generate_tokens(io.StringIO(source).readline):
            if comment.type != tokenize.COMMENT:
                continue
            found = EXEMPTION.findall(comment.string)
            if path.parts[0] == "tests":
                found = [it for it in found if it == "# noqa"]
            if found and not REASON.search(comment.string):
                remedy = "says nothing of why: end the line in ` -- ` and the reason"
                yield Finding(path, comment.start[0], f"{found[0]} {remedy}")


def bare_scripts(root: Path, files: Iterable[Path]) -> Iterator[Finding]:
    """Find Lua scripts whose leading ``--`` comment lacks one of ``SCRIPT_HEADER``."""
    for path in files:
        if path.suffix != ".lua":
            continue
        header = _leading_comment((root / path).read_text(encoding="utf-8"))
        for part in SCRIPT_HEADER:
            if not re.search(rf"^--\W*{part}\b", header, re.IGNORECASE | re.MULTILINE):
                remedy = f"the header lacks `-- {part}`: say what callers may rely on"
                yield Finding(path, 1, remedy)


def _leading_comment(script: str) -> str:
    lines = []
    for line in script.splitlines():
        if line.strip() and not line.startswith(("--", "#!")):
            break
        lines.append(line)
    return "\n".join(lines)


def _modules(files: Iterable[Path], tops: tuple[str, ...]) -> Iterator[Path]:
    return (path for path in files if path.suffix == ".py" and path.parts[0] in tops)


def _tree(root: Path, path: Path) -> ast.Module:
    return ast.parse((root / path).read_bytes(), filename=str(path))


def _publics(
    path: Path, tree: ast.Module
) -> Iterator[tuple[str, ast.Module | ast.ClassDef | Function]]:
    if path.name == "__init__.py" or not path.name.startswith("_"):
        yield path.stem, tree
        yield from _public_members("", tree)


def _public_members(
    prefix: str, owner: ast.Module | ast.ClassDef
) -> Iterator[tuple[str, ast.ClassDef | Function]]:
    for node in owner.body:
        if not isinstance(node, ast.ClassDef | Function) or node.name.startswith("_"):
            continue
        if any(_is_echo(decorator) for decorator in node.decorator_list):
            continue
        yield prefix + node.name, node
        if isinstance(node, ast.ClassDef):
            yield from _public_members(f"{prefix}{node.name}.", node)


def _is_echo(decorator: ast.expr) -> bool:
    """Tell an overload or a setter, which repeat a name documented elsewhere."""
    return ast.unparse(decorator).split(".")[-1] in {"overload", "setter", "deleter"}
