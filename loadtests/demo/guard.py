"""Stops what the demo started if the demo itself is killed and cannot.

A small shell process reads from a pipe which process groups run. When the pipe closes, the demo
is gone in whatever way, and the groups still listed are stopped.
"""

from __future__ import annotations

import subprocess
from contextlib import suppress

_SCRIPT = """
running=
while read -r word pid; do
  left=
  for one in $running; do [ "$one" = "$pid" ] || left="$left $one"; done
  running=$left
  [ "$word" = watch ] && running="$running $pid"
done
[ -z "$running" ] && exit 0
for one in $running; do kill -s TERM -- "-$one" 2>/dev/null; done
sleep 5
for one in $running; do kill -s KILL -- "-$one" 2>/dev/null; done
exit 0
"""
_END_S = 10.0


class Guard:
    """Knows which process groups (by their leader's id) must not outlive the demo."""

    def __init__(self) -> None:
        self._shell = subprocess.Popen(  # noqa: S603 -- the shell is where POSIX says it is
            ["/bin/sh", "-c", _SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def watch(self, leader: int) -> None:
        """The group of ``leader`` was started."""
        self._say(f"watch {leader}")

    def release(self, leader: int) -> None:
        """The group of ``leader`` is gone; its id may be another's soon."""
        self._say(f"release {leader}")

    def close(self) -> None:
        """Nothing needs guarding any more: whatever is still listed is stopped."""
        if self._shell.stdin is not None:
            with suppress(BrokenPipeError):
                self._shell.stdin.close()
        self._shell.wait(_END_S)

    def _say(self, line: str) -> None:
        if self._shell.stdin is not None and not self._shell.stdin.closed:
            with suppress(BrokenPipeError):
                self._shell.stdin.write(f"{line}\n")
                self._shell.stdin.flush()
