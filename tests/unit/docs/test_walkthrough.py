"""Carrying out a page: what is taken from it, and that a difference is seen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.walkthrough import Shell, Step, matches, steps

PAGE = """# A page

<!-- by hand -->
```sh
make venv
```

```sh
greet() { echo "hello $1"; }
```

```text
$ not a command
```

```console
$ greet you
hello you
$ cat > file <<END
$ inside
END
$ tr -d '$ ' < file
inside
```
"""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path, dict(os.environ))
    yield made
    made.close()


def test_the_steps_of_a_page() -> None:
    assert list(steps(PAGE)) == [
        Step(9, 'greet() { echo "hello $1"; }\n'),
        Step(17, "greet you", "hello you"),
        Step(19, "cat > file <<END\n$ inside\nEND", ""),
        Step(22, "tr -d '$ ' < file", "inside"),
    ]


def test_steps_share_one_shell(shell: Shell) -> None:
    for step in steps(PAGE):
        assert matches(step.expected or "", shell.run(step.command)), step
    assert "no-such-program" in shell.run("no-such-program")


def test_a_shell_that_ends_is_said_to_have_ended(shell: Shell) -> None:
    with pytest.raises(RuntimeError, match="the shell ended at 'exit 3'"):
        shell.run("exit 3")


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("booked", "booked\n\n", True),
        ("booked", "held", False),
        ("booked", "booked\nand more", False),
        ("booked…", "booked\nand more", True),
        ('"id": "0a-01jd3kq0t5w6x7y8z9abcdefgh"', '"id": "ff-zz000000000000000000000001"', True),
        ('"id": "0a-01jd3kq0t5w6x7y8z9abcdefgh"', '"id": "0a-01jd"', False),
        ("on 2026-11-21", "on 2027-01-01", True),
        ("at 2026-11-21T18:06:31.103620Z", "at 2027-01-01", False),
        ("version 0c1184996089", "version ab4223771be2", True),
        ("total 44.85", "total 44.84", False),
    ],
)
def test_what_counts_as_the_same(expected: str, printed: str, *, same: bool) -> None:
    assert matches(expected, printed) is same
