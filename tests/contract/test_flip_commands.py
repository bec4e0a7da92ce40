"""A flip as a shell sees it: what it shows, what it moves, what is left of one that was killed."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import yaml

from gateway.canonical.envelope import partition_of
from gateway.canonical.process import PROCESSES, Kind
from gateway.flow.calls import Caller
from gateway.flow.project import Projector
from gateway.routing.loader import load as load_rules
from gateway.settings import load
from gateway.taking import acceptor
from gateway.wiring import Parts, opened
from tests.contract.command_line import coexist, ended
from tests.processes import ROOT
from tests.unit.flow.test_accept import submission

T = TypeVar("T")


def asked(act: Callable[[Parts], Awaitable[T]]) -> T:
    """Do something with the parts of the installation, as a process of it does."""

    async def run() -> T:
        async with opened(load()) as parts:
            return await act(parts)

    return asyncio.run(run())


def folder(home: Path, mode: str) -> str:
    """Rules that send every process to one ERP."""
    where = home / mode
    where.mkdir()
    rules = yaml.safe_load((ROOT / "routing_rules" / "defaults.yaml").read_text())
    for rule in rules["rules"]:
        if PROCESSES[rule["process"]].kind is not Kind.FOLLOW_UP:
            rule["mode"] = mode if rule["process"] != "store.sale" else "legacy"
    (where / "defaults.yaml").write_text(yaml.safe_dump(rules))
    return str(where)


async def take(parts: Parts) -> str:
    """Accept an order of the webshop."""
    taking = acceptor(parts, Caller(parts.quotas, parts.clock, parts.windows))
    return (await taking.accept(submission("A-1"))).transaction_id


async def project(parts: Parts) -> None:
    """Bring the ledger up to date with the order."""
    lease = await parts.lanes.lease(
        partition_of("order:webshop:A-1", parts.settings.partitions), "w", 5000
    )
    assert lease is not None
    while await Projector(parts.feed, parts.ledger).project(lease):
        pass


async def cut_off(parts: Parts, rules: str) -> None:
    """Begin a flip as a command does that is killed after its third partition."""
    wanted = load_rules(Path(rules))
    await parts.ledger.keep_rules(wanted.version, wanted.text)
    await parts.book.keep(wanted.version, wanted.text)
    epoch = (await parts.book.publication()).marker.epoch
    marker = await parts.book.begin(epoch, wanted.version, "apply", "ann")
    assert marker is not None
    for partition in range(3):
        await parts.book.raise_partition(partition, marker)


async def epochs(parts: Parts) -> set[int]:
    return {it.epoch for it in await parts.book.partitions()}


def test_a_flip_moves_what_it_should_and_shows_how_far_it_is(home: Path) -> None:
    legacy, cloud = folder(home, "legacy"), folder(home, "cloud")
    first = ended("rules", "apply", legacy, "--yes")
    assert (first.exit_code, first.err) == (0, "  partitions: 16 of 16\n  gateways: 0 of 0\n")
    identity = asked(take)
    buffered = coexist("rules", "explain", "--transaction", identity)
    assert "goes to legacy: default of order.intake" in buffered

    assert "1 objects" not in coexist("rules", "left")
    second = ended("rules", "apply", cloud, "--yes", "--backlog", "move", "--waive", "exceptions=x")
    assert second.exit_code == 0, second.err
    assert "  partitions: 16 of 16\n" in second.err
    assert "  backlog: 16 of 16\n" in second.err
    owner = json.loads(coexist("owner", "show", "order:webshop:A-1", "--json"))
    assert owner["owner"] == "cloud", "nobody had tried it: it went along"

    asked(project)
    recorded = json.loads(coexist("rules", "explain", "--transaction", identity, "--json"))
    version = load_rules(Path(legacy)).version
    assert (recorded["version"], recorded["target"]) == (version, "legacy"), "as it was decided"

    files = coexist("rules", "diff", legacy, cloud)
    assert coexist("rules", "diff", version) == files, "a stored version against what is in force"
    assert "order.intake: any request: legacy -> cloud" in files
    coexist("rules", "rollback", "--yes")
    assert coexist("rules", "diff", load_rules(Path(cloud)).version, version) != files
    shutil.rmtree(legacy)


def test_what_a_killed_command_left_open_is_taken_back_or_finished(home: Path) -> None:
    legacy, cloud = folder(home, "legacy"), folder(home, "cloud")
    coexist("rules", "apply", legacy, "--yes")
    asked(lambda parts: cut_off(parts, cloud))
    assert asked(epochs) == {1, 2}
    other = ended("rules", "apply", cloud, "--yes", "--by", "bob")
    assert other.exit_code == 1
    assert "ann has a flip to rule version" in other.err
    assert "`coexist rules apply --resume`, or take it back with `coexist rules rollback`" in (
        " ".join(other.err.split())
    )
    said = coexist("rules", "rollback", "--yes", "--by", "bob")
    assert f"{load_rules(Path(legacy)).version} is back in force, as epoch 3" in said
    assert asked(epochs) == {3}

    asked(lambda parts: cut_off(parts, cloud))
    assert asked(epochs) == {3, 4}
    said = coexist("rules", "apply", "--resume", "--by", "bob")
    assert f"{load_rules(Path(cloud)).version} is in force, as epoch 4" in said
    assert asked(epochs) == {4}
    found = json.loads(coexist("rules", "history", "--json"))
    assert found["open"] is None
    assert {it["epoch"]: it["note"] for it in found["history"]} == {
        1: "", 2: "interrupted, taken back by bob", 3: "", 4: "begun by ann, finished by bob",
    }  # fmt: skip


def test_left_counts_what_the_legacy_erp_owns(home: Path) -> None:
    coexist("rules", "apply", folder(home, "cloud"), "--yes")

    def follow_ups() -> list[tuple[str, int]]:
        rows = json.loads(coexist("rules", "left", "--json"))["left"]
        return [(row["process"], row["owned"]) for row in rows if "owned" in row]

    assert follow_ups() == [], "it owns nothing, so nothing follows there"
    (home / "owners.csv").write_text("owner,channel,order_ref\nlegacy,webshop,OLD-1\n")
    coexist("owner", "import", "owners.csv")
    names = [it.name for it in PROCESSES.values() if it.kind is Kind.FOLLOW_UP]
    assert follow_ups() == [(name, 1) for name in names]
    assert "follow-up: goes to the owner, legacy for 1 objects" in coexist("rules", "left")
