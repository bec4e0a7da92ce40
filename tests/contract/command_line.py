"""The command line, called in this process: an error it knows is raised, not printed."""

from __future__ import annotations

from click.testing import CliRunner

from gateway import cli


def coexist(*arguments: str, exit_code: int = 0) -> str:
    """Run a command and return what it printed."""
    done = CliRunner().invoke(cli.coexist, arguments, catch_exceptions=False)
    assert done.exit_code == exit_code, done.output
    return done.output
