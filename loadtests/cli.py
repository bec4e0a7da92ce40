"""``python -m loadtests run | audit``.

``run`` drives a gateway with a scenario and writes a journal; ``audit`` holds a journal, and the
conductor's events, against the books of both ERPs. Exit codes: 0 good, 1 something was found, 2 an
input is wrong, 3 the driver itself is at fault.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from loadtests.errors import LoadTestError
from loadtests.plan import make_plan


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    try:
        return _run(options) if options.command == "run" else _audit(options)
    except LoadTestError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _run(options: argparse.Namespace) -> int:
    plan = make_plan(
        scenario=_scenario_path(options.scenario),
        gateways=options.gateway,
        keys=options.keys,
        journal=options.journal,
        seed=options.seed,
        rate_per_s=options.rate,
        duration_s=options.duration,
        today=options.business_date,
    )
    plan = replace(plan, longest_s=max(plan.duration_s, options.longest))
    # Importing Locust patches the standard library: not to be done to an audit or to --help.
    from rich.console import Console  # noqa: PLC0415 -- see above

    from loadtests import drive  # noqa: PLC0415 -- see above

    summary = drive.run(plan)
    summary.show(Console())
    _write_json(options.json, summary.as_json())
    return summary.exit_code


def _audit(options: argparse.Namespace) -> int:
    # Imports an HTTP client, which a run must not do before Locust has patched it.
    from rich.console import Console  # noqa: PLC0415 -- see above

    from loadtests import audit, present, sources  # noqa: PLC0415 -- see above

    evidence = sources.gather(
        journal=options.journal,
        events=options.events,
        legacy_books=options.legacy_books,
        cloud_books=options.cloud_books,
        legacy_counters=options.legacy_counters,
        cloud_counters=options.cloud_counters,
        held=options.held,
        channels=options.channel,
    )
    report = audit.audit(evidence)
    verdict = audit.verdict(report, audit.Claims.parse(options.claims, options.held_allowed))
    present.show(report, verdict, Console())
    _write_json(options.json, present.as_json(report, verdict))
    return verdict.exit_code


def _scenario_path(name: str) -> Path:
    """A path, or the name of a shipped scenario (``normal``)."""
    path = Path(name)
    shipped = Path(__file__).parent / "scenarios" / f"{name}.yaml"
    return shipped if not path.exists() and shipped.exists() else path


def _write_json(path: Path | None, content: dict[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        message = f"{text} is not above 0"
        raise argparse.ArgumentTypeError(message)
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtests", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser(
        "run", prog="coexist load run", help="drive a gateway with a scenario"
    )
    run.add_argument(
        "scenario", metavar="SCENARIO", help="a YAML file, or normal, demo, peak, callers"
    )
    run.add_argument(
        "--gateway", action="append", required=True, metavar="URL",
        help="of a gateway process; may be repeated, and requests go to each in turn",
    )  # fmt: skip
    run.add_argument("--keys", type=Path, required=True, help="JSON: API key by channel")
    run.add_argument("--journal", type=Path, required=True, help="JSON lines, overwritten")
    run.add_argument("--seed", type=int, default=1, help="of the traffic (1): the same again")
    run.add_argument(
        "--rate", type=_positive, default=10.0, help="business requests per second (10)"
    )
    run.add_argument("--duration", type=_positive, default=30.0, help="seconds (30)")
    run.add_argument(
        "--longest",
        type=_positive,
        default=0.0,
        metavar="S",
        help="go on until SIGTERM, or for so many seconds (default: the duration)",
    )
    run.add_argument(
        "--business-date",
        type=date.fromisoformat,
        default=datetime.now(UTC).date(),
        metavar="YYYY-MM-DD",
        help="the last business day of the run (default: today, UTC)",
    )
    run.add_argument("--json", type=Path, help="write the summary here, too")
    audit = commands.add_parser("audit", help="hold a journal against the books")
    audit.add_argument("--journal", type=Path, required=True)
    audit.add_argument(
        "--channel",
        type=Path,
        action="append",
        default=[],
        metavar="JOURNAL",
        help="what a channel sold by itself",
    )
    audit.add_argument("--events", type=Path, help="the conductor's events, JSON lines")
    for system in ("legacy", "cloud"):
        audit.add_argument(f"--{system}-books", required=True, metavar="FILE|URL")
        audit.add_argument(f"--{system}-counters", metavar="FILE|URL")
    audit.add_argument("--held", type=Path, help="JSON list of transaction ids reported as held")
    audit.add_argument("--held-allowed", type=int, default=0, metavar="N")
    audit.add_argument(
        "--claims",
        default="all",
        help="all, demo, chaos, none, or hazards that must have occurred: a,b,c",
    )
    audit.add_argument("--json", type=Path, help="write the report here, too")
    return parser
