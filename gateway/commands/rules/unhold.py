"""Before a flip ends a ``hold``: what it lets go, how long that takes, and a question."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import rich_click as click

from gateway.commands.exceptions_view import money
from gateway.flow.readout import drain, instant_of
from gateway.policy.drain import span
from gateway.routing.compile import compile_rules
from gateway.routing.ruleset import RuleSet

if TYPE_CHECKING:
    from gateway.flow.unhold import Unheld
    from gateway.wiring import Parts

yes_option = click.option("--yes", is_flag=True, help="Do not ask before held traffic is let go.")


async def previewed(parts: Parts, rules: RuleSet) -> Unheld:
    """Return what the rules would let go."""
    from gateway.flow.unhold import Unholder

    return await Unholder(parts.bench).preview(compile_rules(rules))


def confirmed(found: Unheld | None, *, yes: bool, quiet: bool) -> None:
    """Print it and ask, on a terminal; raise ``click.Abort`` for a no."""
    if found is None or not found.count or quiet:
        return
    for text in lines(found):
        click.echo(text, err=True)
    if not yes and sys.stdin.isatty():
        click.confirm("Let it go?", abort=True, err=True)


def lines(found: Unheld) -> list[str]:
    """Say what would be let go."""
    said = [f"This lets go {found.count} transactions that wait under a hold:"]
    said += [f"  {it.process} to {it.erp}: {it.count}, {money(it.money)}" for it in found.lets]
    said += [
        f"  {it.erp}: at least {span(it.quota_s)} by its quota, {span(it.measured_s)} at its "
        "busiest of the last hour"
        for it in found.drains
    ]
    if found.first_broken is not None:
        first = found.first_broken
        said.append(
            f"  {found.late} late: the first is {first.transaction_id} ({first.process}), due "
            f"{instant_of(first.deadline_ms)}"
        )
    else:
        said.append("  no stated lag is broken")
    if found.stays:
        said.append(f"  {found.stays} go on waiting under these rules")
    return said


def as_json(found: Unheld | None) -> dict[str, Any]:
    """Return it for machines, as ``let_go``; nothing where nothing is let go."""
    if found is None or not found.count:
        return {}
    first = found.first_broken
    said = {
        "count": found.count,
        "processes": [
            {"process": it.process, "erp": it.erp, "count": it.count, "money": dict(it.money)}
            for it in found.lets
        ],
        "drains": [drain(it) for it in found.drains],
        "late": found.late,
        "first_broken": None if first is None else {
            "transaction_id": first.transaction_id, "process": first.process,
            "deadline_at": instant_of(first.deadline_ms),
        },
        "stays": found.stays,
    }  # fmt: skip
    return {"let_go": said}
