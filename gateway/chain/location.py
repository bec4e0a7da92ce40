"""Location: where the order is fulfilled, unless the channel does so itself."""

from __future__ import annotations

from gateway.canonical.envelope import Envelope
from gateway.chain.plan import Plan
from gateway.chain.step import Done, Step, changed


def location(envelope: Envelope, plan: Plan) -> Step:
    """Give lines without a fulfilment node the channel's.

    What the channel fulfils itself is only booked: nobody here is asked to send it.
    """
    if envelope.body.get("fulfilled_by") == "channel":
        return Done(envelope, "fulfilled by the channel")
    if not plan.node:
        return Done(envelope)
    lines = [line if line.get("node") else {**line, "node": plan.node}
             for line in envelope.body["lines"]]  # fmt: skip
    nodes = sorted({line["node"] for line in lines})
    return Done(changed(envelope, lines=lines), f"location {' '.join(nodes)}")
