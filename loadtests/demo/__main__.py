"""``python -m loadtests.demo``; ``coexist demo`` runs this."""

from __future__ import annotations

import sys

from loadtests.demo.cli import main

if __name__ == "__main__":
    sys.exit(main())
