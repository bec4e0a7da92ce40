"""What every test shares: the event loop's backend, the seed of this run, hypothesis settings."""

from __future__ import annotations

import random
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

SEED = pytest.StashKey[int]()

settings.register_profile(
    "coexist",
    # Two busy cores make any deadline a matter of luck; pytest-timeout bounds each test instead.
    deadline=None,
    # A failure prints the line that replays exactly that example.
    print_blob=True,
    # Slow generation is a matter of the machine too.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("coexist")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--seed``, which replays a failed random test."""
    parser.addoption(
        "--seed", type=int, default=None, help="seed of random tests (default: a new one each run)"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed of this run; a given one rules hypothesis too."""
    given: int | None = config.getoption("--seed")
    workers = getattr(config, "workerinput", None)
    if given is not None:
        config.stash[SEED] = given
        config.option.hypothesis_seed = str(given)
    elif (
        workers is not None
    ):  # under xdist all workers use the seed of the process that started them
        config.stash[SEED] = workers["coexist_seed"]
    else:
        config.stash[SEED] = random.SystemRandom().randrange(2**32)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Hand the seed to an xdist worker."""
    node.workerinput["coexist_seed"] = node.config.stash[SEED]  # type: ignore[attr-defined]


def pytest_report_header(config: pytest.Config) -> str:
    """Say the seed of this run at its top."""
    return f"seed: {config.stash[SEED]} (replay with --seed={config.stash[SEED]})"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Print the seed beside a failure of a test that asked for one."""
    report = yield
    if report.failed and "seed" in getattr(item, "fixturenames", ()):
        seed = item.config.stash[SEED]
        report.sections.append(("seed", f"replay with: pytest '{item.nodeid}' --seed={seed}"))
    return report


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run `@pytest.mark.anyio` tests on asyncio, as the gateway does."""
    return "asyncio"


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """Return the seed of this run, an unsigned 32-bit number; a failure prints how to replay it."""
    return request.config.stash[SEED]
