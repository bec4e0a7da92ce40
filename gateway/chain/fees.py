"""Fees: which item each fee of the order belongs to."""

from __future__ import annotations

from gateway.canonical.breakdown import LineKind
from gateway.canonical.envelope import Envelope
from gateway.canonical.outcome import Cause, Refused
from gateway.chain.plan import Plan
from gateway.chain.step import Done, Step, changed


def fees(envelope: Envelope, plan: Plan) -> Step:
    """Replace what the channel calls a fee by the item it belongs to; refuse an unknown fee."""
    if not plan.fees:
        return Done(envelope)
    lines, attributed, unknown = [], {}, {}
    for line in envelope.body["lines"]:
        sku = line["sku"]
        if line.get("kind") != LineKind.FEE:
            lines.append(line)
        elif sku not in plan.fees:
            unknown[sku] = line["line"]
        else:
            attributed[sku] = plan.fees[sku]
            lines.append({**line, "sku": plan.fees[sku]})
    if unknown:
        named = ", ".join(f"{sku!r} (line {line})" for sku, line in unknown.items())
        return Refused(
            Cause.FEE_UNKNOWN,
            f"fee {named} of channel {envelope.channel} belongs to no item; name it in chain.fees",
        )
    if not attributed:
        return Done(envelope)
    said = " ".join(f"{sku}={item}" for sku, item in attributed.items())
    return Done(changed(envelope, lines=lines), f"fees {said}")
