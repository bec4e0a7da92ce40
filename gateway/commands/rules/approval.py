"""Four eyes: a lead proposes rules, somebody else approves or rejects them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import rich_click as click

from gateway.canonical.exchange.governance import Proposal, Ruling
from gateway.commands.common import (
    by_option,
    count_option,
    installation,
    json_option,
    print_json,
    run,
)
from gateway.commands.proof import acting
from gateway.commands.rules.common import directory_argument, load_directory
from gateway.errors import NotFound

proposal_argument = click.argument("proposal_id", metavar="PROPOSAL")


@click.command()
@directory_argument
@click.option(
    "--evidence",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What `coexist rules dryrun --evidence` wrote; default: the newest dry run of these "
    "rules that the ledger has.",
)
@by_option
@click.option("--note", default="", help="Why, for the approver and the history.")
@json_option
def propose(
    directory: Path | None, evidence: Path | None, by: str, note: str, *, as_json: bool
) -> None:
    """Propose the rules of DIRECTORY, with the evidence of a dry run, to an approver.

    An approval is bound to exactly these rules and this evidence: whoever edits either needs
    another one. It ends when other rules come into force.
    """
    read = evidence.read_bytes() if evidence else b""
    proposal = run(_propose(directory, read, by, note))
    if as_json:
        print_json(_as_json(proposal))
        return
    click.echo(f"proposal {proposal.proposal_id}: rule version {proposal.version}")
    click.echo(f"digest {proposal.digest}")
    click.echo(f"next: somebody else runs `coexist rules approve {proposal.proposal_id}`")


@click.command()
@proposal_argument
@by_option
@click.option("--reason", default="", help="For the audit log.")
@json_option
def approve(proposal_id: str, by: str, reason: str, *, as_json: bool) -> None:
    """Approve PROPOSAL; nobody approves their own change."""
    _show_ruling(run(_rule(proposal_id, by, Ruling.APPROVED, reason)), as_json=as_json)


@click.command()
@proposal_argument
@by_option
@click.option("--reason", required=True, help="What has to change; for the audit log.")
@json_option
def reject(proposal_id: str, by: str, reason: str, *, as_json: bool) -> None:
    """Reject PROPOSAL, for good: what is changed then is another proposal."""
    _show_ruling(run(_rule(proposal_id, by, Ruling.REJECTED, reason)), as_json=as_json)


@click.command("approvals")
@count_option("How many at most.")
@click.option("--evidence", "shown", metavar="PROPOSAL", help="Print the evidence of this one.")
@json_option
def list_approvals(count: int, shown: str | None, *, as_json: bool) -> None:
    """List proposals and what was said about them, the newest first."""
    if shown is not None:
        evidence = run(_evidence(shown))
        none = "null" if as_json else f"proposal {shown} was made without a dry run"
        click.echo(evidence or none)
        return
    found = run(_proposals(count))
    if as_json:
        print_json([_as_json(it) for it in found])
        return
    if not found:
        click.echo("nothing was proposed yet; `coexist rules propose` does")
    for it in found:
        said = f"{it.ruling} by {it.ruled_by}" if it.ruling else "waits for an approver"
        why = f"  ({it.reason})" if it.reason else ""
        click.echo(f"{it.proposal_id} {it.version} {it.at:%Y-%m-%d %H:%M} {it.by}: {said}{why}")


async def _propose(directory: Path | None, evidence: bytes, by: str, note: str) -> Proposal:
    wanted = load_directory(directory)
    from gateway.ruling import ruling

    async with installation() as parts:
        staff = acting(parts.settings, by)
        if not evidence and (newest := await parts.ledger.dry_run_of(wanted.version)):
            evidence = newest.report.encode()
        return await ruling(parts).approvals.propose(staff, wanted, evidence, note)


async def _rule(proposal_id: str, by: str, said: Ruling, reason: str) -> Proposal:
    from gateway.ruling import ruling

    async with installation() as parts:
        staff = acting(parts.settings, by)
        return await ruling(parts).approvals.rule(staff, proposal_id, said, reason)


async def _proposals(count: int) -> list[Proposal]:
    from gateway.ruling import ruling

    async with installation() as parts:
        return list(await ruling(parts).approvals.proposals(count))


async def _evidence(proposal_id: str) -> str:
    from gateway.ruling import ruling

    async with installation() as parts:
        proposal = await parts.ledger.proposal(proposal_id)
        if proposal is None:
            raise NotFound(f"no proposal {proposal_id!r}; `coexist rules approvals` lists them")
        return await ruling(parts).approvals.evidence(proposal)


def _show_ruling(proposal: Proposal, *, as_json: bool) -> None:
    if as_json:
        print_json(_as_json(proposal))
        return
    click.echo(
        f"proposal {proposal.proposal_id}, rule version {proposal.version}, is {proposal.ruling} "
        f"by {proposal.ruled_by}"
    )


def _as_json(proposal: Proposal) -> dict[str, Any]:
    return {
        **asdict(proposal),
        "at": proposal.at.isoformat(),
        "ruled_at": proposal.ruled_at.isoformat() if proposal.ruled_at else None,
    }


COMMANDS: Final = (propose, approve, reject, list_approvals)
