"""What a demo came to: its audit for people and programs, and the exit code that follows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from loadtests import audit, present


def judge(evidence: audit.Evidence, console: Console, report_file: Path | None = None) -> int:
    """Audit a demo, show it, and write it to ``report_file``.

    0 if nothing went wrong and all that the story claims to survive occurred, else 1. All that the
    driver sends is right, so that nothing may be refused for good.
    """
    report = audit.audit(evidence)
    claims = replace(audit.Claims.parse("demo"), rejected_allowed=0)
    verdict = audit.verdict(report, claims)
    present.show(report, verdict, console)
    if verdict.reasons and not audit.verdict(report, replace(claims, hazards=frozenset())).reasons:
        console.print(
            "Nothing went wrong, but not every hazard was met: give chance more room with a "
            "longer --duration or a higher --rate, or another --seed.",
            soft_wrap=True,
        )
    if report_file is not None:
        text = json.dumps(present.as_json(report, verdict), indent=2, ensure_ascii=False)
        report_file.write_text(text + "\n", encoding="utf-8")
    return verdict.exit_code
