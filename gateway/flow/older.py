"""Older orders: whether a wave has the owners it needs of what is older than the gateway.

The sentence the code follows: *name the waves that begin to move orders and say that older ones
are imported; what was imported last under each name must be through, and nothing of it left out.*
A wave that moves no orders needs none: a store day is routed by its date, and nothing follows a
read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gateway.canonical.exchange.owning import Fault, Import
from gateway.canonical.process import PROCESSES, Kind
from gateway.ports import Owners
from gateway.routing.model import DATE, Mode, OlderOrders, Rule, Wave

_HOW = "`coexist owner import FILE`, or say in the wave `older_orders: looked-up`, or `none`"


def needing(waves: Iterable[Wave], changed: Iterable[Rule]) -> list[str]:
    """Return the names of the waves of changed rules that want older orders imported."""
    moved = {rule.wave for rule in changed if _moves_orders(rule)}
    return sorted(
        it.name for it in waves if it.name in moved and it.older_orders is OlderOrders.IMPORTED
    )


def _moves_orders(rule: Rule) -> bool:
    process = PROCESSES[rule.process]
    begins = process.kind is Kind.CREATE and DATE not in process.basis
    return begins and (
        rule.mode is Mode.CLOUD or (rule.mode is Mode.SPLIT and rule.percent_hundredths > 0)
    )


async def newest(owners: Owners) -> dict[Import, Mapping[str, int]]:
    """Return the newest import of each file name with the faults of it that matter, by kind.

    A file that was put right is imported again under its name, and takes the place of the former.
    A *duplicate* says what the file said before: it leaves nothing out.
    """
    by_name: dict[str, Import] = {}
    for it in await owners.imports():
        by_name.setdefault(it.name, it)
    found: dict[Import, Mapping[str, int]] = {}
    for it in by_name.values():
        faults = await owners.faults_of(it.file) if it.faults else {}
        found[it] = {
            kind: count for kind, count in sorted(faults.items()) if kind != Fault.DUPLICATE
        }
    return found


def missing(imports: Mapping[Import, Mapping[str, int]], wanted: Sequence[str]) -> str:
    """Return what stands in the way, "" if nothing does; ``wanted`` are waves that need imports."""
    for it in imports:
        if it.finished_at is None:
            return f"the import of {it.name} stands at line {it.line}: finish it"
    if not wanted:
        return ""
    for it, faults in imports.items():
        if faults:
            said = ", ".join(f"{count} {kind}" for kind, count in faults.items())
            return (
                f"the import of {it.name} left lines out ({said}): put them right and import the "
                "file again under its name"
            )
    if not any(it.imported + it.known for it in imports):
        return f"{', '.join(wanted)} moves orders, and no owner of older ones was imported: {_HOW}"
    return ""
