"""What keeps a demo from being carried out.

```
LoadTestError
└── DemoError            the demo cannot go on; the message says what happened and where to look
    ├── ChildError       a process did not start or ended by itself; its last words are quoted
    ├── CommandError     a command of the gateway was refused
    └── Unmet            what the gateway was to do by itself it did not do: the audit's to judge
KeyboardInterrupt
└── Stopped              Ctrl-C, SIGTERM or SIGHUP: everything is stopped in order, then exit 130
```
"""

from __future__ import annotations

from loadtests.errors import LoadTestError


class DemoError(LoadTestError):
    """The demo cannot go on."""


class ChildError(DemoError):
    """A process did not start, or ended although nobody had asked it to."""


class CommandError(DemoError):
    """A command of the gateway ended with another exit code than 0."""


class Unmet(DemoError):
    """The gateway did not do by itself what the story waits for; the run is still audited."""


class Stopped(KeyboardInterrupt):
    """Somebody asked the demo to stop."""
