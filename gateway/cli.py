"""One command tree, ``coexist``, for every role.

Exit codes: 0 done, 1 the answer is no (problems found, audit failed, flip refused), 2 the call or
the configuration is wrong, 75 try again later (store or ledger do not answer).
"""

from __future__ import annotations

import sys

import rich_click as click
import structlog

from gateway import __version__
from gateway.commands import (
    audit,
    calendar,
    demo,
    exceptions,
    owner,
    peak,
    processes,
    quota,
    reconcile,
    recover,
    reference,
    rules,
    settlements,
    setup,
    shadow,
    wave,
    xref,
)
from gateway.errors import CoexistError, ConfigError, RulesError, Unavailable

EXIT_NO, EXIT_WRONG, EXIT_LATER = 1, 2, 75


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="coexist")
def coexist() -> None:
    """A gateway between channels and two ERPs, while business moves from one to the other."""
    # What a command answers is on stdout, alone: a line of a log would break what reads its JSON.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


for command in (
    demo.demo,
    setup.init,
    setup.config,
    setup.keys,
    setup.status,
    setup.stop_store,
    processes.up,
    processes.serve,
    processes.work,
    processes.simulate,
    rules.rules,
    wave.wave,
    exceptions.exceptions,
    quota.quota,
    peak.peak,
    recover.recover,
    audit.audit,
    owner.owner,
    shadow.shadow,
    calendar.calendar,
    reconcile.reconcile,
    settlements.settlements,
    xref.xref,
    demo.load,
    demo.bench,
    reference.reference,
):
    coexist.add_command(command)


def main() -> None:
    """Run the command line; every known error is one clear text and an exit code."""
    try:
        coexist(prog_name="coexist")
    except RulesError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        click.echo(f"{len(error.problems)} problem(s) in {error.what}", err=True)
        sys.exit(EXIT_NO)
    except ConfigError as error:
        click.echo(f"coexist: {error}", err=True)
        sys.exit(EXIT_WRONG)
    except Unavailable as error:
        click.echo(f"coexist: {error}", err=True)
        sys.exit(EXIT_LATER)
    except CoexistError as error:
        click.echo(f"coexist: {error}", err=True)
        sys.exit(EXIT_NO)
