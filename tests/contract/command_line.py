"""The command line, called in this process: an error it knows is raised, not printed."""

from __future__ import annotations

import io
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple
from unittest.mock import patch

from click.testing import CliRunner

from gateway import cli


def coexist(*arguments: str, exit_code: int = 0) -> str:
    """Run a command and return what it printed."""
    done = CliRunner().invoke(cli.coexist, arguments, catch_exceptions=False)
    assert done.exit_code == exit_code, done.output
    return done.output


class Ended(NamedTuple):
    """What came of a command that ran to its end, as a shell sees it."""

    exit_code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """What was wrong with the call, without the frame that is drawn around it."""
        framed = self.err.partition("Error")[2]
        return " ".join(re.sub(r"[─│╭╮╰╯]", " ", framed).split())


def ended(*arguments: str) -> Ended:
    """Run a command to its end, its errors told as they are to people."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    called = patch.object(sys, "argv", ["coexist", *arguments])
    with called, redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
    return Ended(code, out.getvalue(), err.getvalue())
