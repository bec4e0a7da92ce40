"""Taking a flip back."""

from __future__ import annotations

import sys
from typing import Any, Final

import rich_click as click

from gateway.canonical.envelope import Marker
from gateway.commands.common import by_option, installation, json_option, print_json, run
from gateway.commands.proof import acting
from gateway.commands.rules.common import print_marker
from gateway.commands.rules.progress import Shown
from gateway.flow.moving import DRAIN, MOVE, REJECTED
from gateway.flow.rollback import Preview


@click.command()
@by_option
@click.option("--note", default="", help="Why, for the history.")
@click.option(
    "--backlog",
    type=click.Choice([DRAIN, MOVE]),
    default=DRAIN,
    show_default=True,
    help="`move` takes along objects of which nothing was ever attempted.",
)
@click.option(
    "--rejected",
    type=click.Choice(["keep", MOVE]),
    default="keep",
    show_default=True,
    help="`move` takes along objects that the ERP refused for good.",
)
@click.option("--preview", is_flag=True, help="Only say what would stay where it is.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_option
def rollback(
    by: str, note: str, backlog: str, rejected: str, *, preview: bool, yes: bool, as_json: bool
) -> None:
    """Bring back the rules that were in force before the present ones.

    Says first what it cannot undo, and on a terminal asks. What was booked stays where it is:
    follow-ups go on to the ERP that owns the object.
    """
    if preview or not as_json:
        seen = run(_preview())
        if as_json:
            print_json(_as_json(seen))
        else:
            _show(seen, to_stderr=not preview)
        if preview:
            return
    if sys.stdin.isatty() and not (yes or as_json):
        click.confirm("roll back?", abort=True)
    words = [word for word, said in ((MOVE, backlog), (REJECTED, rejected)) if said == MOVE]
    with Shown(quiet=as_json) as shown:
        marker = run(_rollback(by, note, "+".join(words) or DRAIN, shown))
    print_marker(marker, "back in force", as_json=as_json)


async def _preview() -> Preview:
    from gateway.ruling import ruling

    async with installation() as parts:
        return await ruling(parts).rollbacks.preview()


async def _rollback(by: str, note: str, backlog: str, shown: Shown) -> Marker:
    from gateway.ruling import ruling

    async with installation() as parts:
        staff = acting(parts.settings, by)
        return await ruling(parts).rollbacks.rollback(staff, note, shown, backlog=backlog)


def _show(seen: Preview, *, to_stderr: bool) -> None:
    left = seen.left
    worth = ", ".join(f"{amount} {code}" for code, amount in left.value.items())
    lines = [
        f"version {seen.in_force.version} goes, {seen.version} comes back; waves that change: "
        + (", ".join(seen.waves) or "none"),
        f"stays in the cloud ERP: {left.objects} object(s)" + (f", {worth}" if worth else ""),
    ]
    if left.objects:
        lines += [
            f"  still to be booked there {left.waiting}, refused there {left.held}",
            f"  booked orders still to be picked and shipped there, if not done: {left.to_ship}",
            f"  returns still to be refunded there: {left.to_refund}",
        ]
    for line in lines:
        click.echo(line, err=to_stderr)


def _as_json(seen: Preview) -> dict[str, Any]:
    left = seen.left
    return {
        "in_force": {"epoch": seen.in_force.epoch, "version": seen.in_force.version},
        "comes_back": seen.version,
        "waves": list(seen.waves),
        "left_in_cloud": {
            "objects": left.objects,
            "value": {code: str(amount) for code, amount in left.value.items()},
            "waiting": left.waiting,
            "held": left.held,
            "to_ship": left.to_ship,
            "to_refund": left.to_refund,
        },
    }


COMMANDS: Final = (rollback,)
