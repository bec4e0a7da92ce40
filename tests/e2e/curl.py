"""What the documentation's examples use of curl, for machines that have none.

``curl [-s] [-i] [-X METHOD] [-H 'NAME: VALUE'] [-d DATA|@FILE] [-w FORMAT] URL``. The one FORMAT
understood is ``%{stderr}%{http_code}\\n``, whatever is written.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import httpx


def main() -> int:
    """Make one request and print the answer as curl does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-i", action="store_true")
    parser.add_argument("-X", default="")
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("-d", default=None)
    parser.add_argument("-w", default="")
    parser.add_argument("url")
    given = parser.parse_args()
    headers = dict(header.split(": ", 1) for header in given.H)
    data = Path(given.d[1:]).read_text() if (given.d or "").startswith("@") else given.d
    method = given.X or ("GET" if data is None else "POST")
    answer = httpx.request(method, given.url, headers=headers, content=data, timeout=40)
    if given.i:
        print(f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}")
        print("\n".join(f"{name}: {value}" for name, value in answer.headers.items()), "\n")
    sys.stdout.write(answer.text)
    if given.w:
        print(answer.status_code, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
