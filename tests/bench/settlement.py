"""Reading and keeping a settlement of a million rows, beside the whole file in memory; CPU time.

Each side runs in a process of its own, whose peak memory the system reports. The other side is
what one writes first: ``csv.DictReader`` into a list of rows with decimal amounts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.figure import Figure, at_most
from tests.processes import ROOT

ROWS = 1_000_000
ROWS_QUICK = 20_000
BAR_MB = 100

_HEAD = (
    "settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\t"
    "currency\ttransaction-type\torder-id\tmerchant-order-id\tadjustment-id\tshipment-id\t"
    "marketplace-name\tamount-type\tamount-description\tamount\tfulfillment-id\tposted-date\t"
    "posted-date-time\torder-item-code\tmerchant-order-item-id\tmerchant-adjustment-item-id\t"
    "sku\tquantity-purchased\tpromotion-id"
)
#: The components of one order line: they add up to 27.62.
_COMPONENTS = (
    ("ItemPrice", "Principal", "34.95", "1"), ("ItemPrice", "Tax", "7.34", ""),
    ("ItemWithheldTax", "MarketplaceFacilitatorTax-Principal", "-7.34", ""),
    ("ItemFees", "Commission", "-5.24", ""), ("ItemFees", "FBAPerUnitFulfillmentFee", "-2.09", ""),
)  # fmt: skip

# The system's own peak of a process counts what its parent had before it became this program, so
# where the kernel tells the peak of the program alone (VmHWM), that is taken.
_TIMED = """
import json, re, resource, sys, time
from pathlib import Path
{setup}
started = time.process_time()
rows = {work}
spent = time.process_time() - started
status = Path("/proc/self/status")
if status.exists():
    peak_mb = int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]) / 1024
else:
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
print(json.dumps({{"rows": rows, "s": spent, "mb": peak_mb}}))
"""
_STREAMED = """
from gateway.channels.amazon.settlement import SettlementFile
def read(path):
    with open(path, "rb") as file:
        return sum(1 for _ in SettlementFile(file).rows())
"""
_KEPT = """
import asyncio
from gateway.channels.amazon.settlement import SettlementFile
from gateway.store.ledger import open_ledger
async def keep(path, url):
    ledger = await open_ledger(url)
    with open(path, "rb") as file:
        kept = await ledger.keep_settlement(SettlementFile(file), "", "bench")
    await ledger.close()
    return kept.rows
"""
_IN_MEMORY = """
import csv
from decimal import Decimal
def read(path):
    with open(path, newline="") as file:
        rows = [{**row, "amount": Decimal(row["amount"])}
                for row in csv.DictReader(file, delimiter="\\t") if row["amount"]]
    assert sum(row["amount"] for row in rows)
    return len(rows)
"""


def run(quick: bool) -> list[Figure]:
    """Measure reading, keeping, and the other way."""
    count = ROWS_QUICK if quick else ROWS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "settlement.txt"
        with path.open("w") as file:
            file.writelines(f"{line}\n" for line in _lines(count))
        ours = _timed(_STREAMED, f"read({str(path)!r})")
        other = _timed(_IN_MEMORY, f"read({str(path)!r})")
        url = f"sqlite:///{folder}/ledger.sqlite3"
        kept = _timed(_KEPT, f"asyncio.run(keep({str(path)!r}, {url!r}))")
    assert {ours["rows"], other["rows"], kept["rows"]} == {count}
    against = "csv.DictReader, all rows in memory"
    return [
        Figure("settlement: rows read, checked and tied out", count / ours["s"], "/s"),
        Figure("settlement: the same by the other way", count / other["s"], "/s", against),
        Figure("settlement: time of reading", ours["s"] / other["s"], "x", against),
        at_most(f"settlement: peak memory, {count:,} rows", ours["mb"], "MB", "", BAR_MB),
        Figure("settlement: peak memory of the other way", other["mb"], "MB", against),
        Figure("settlement: rows read and kept in SQLite", count / kept["s"], "/s"),
        at_most(f"settlement: peak memory, {count:,} rows kept", kept["mb"], "MB", "", BAR_MB),
    ]


def _lines(count: int) -> Iterator[str]:
    yield _HEAD
    cents = sum(int(_COMPONENTS[n % len(_COMPONENTS)][2].replace(".", "")) for n in range(count))
    yield (
        "19900000001\t2026-11-01 00:00:00 UTC\t2026-11-15 00:00:00 UTC\t2026-11-17 08:00:00 UTC\t"
        f"{cents // 100}.{cents % 100:02}\tEUR" + "\t" * 18
    )
    for n in range(count):
        kind, description, amount, pieces = _COMPONENTS[n % len(_COMPONENTS)]
        order = n // len(_COMPONENTS)
        posted = f"2026-11-{1 + order * 14 // (count // 5 + 1):02} {order % 24:02}:00:00 UTC"
        yield (
            f"19900000001\t\t\t\t\t\tOrder\t902-{order:07}-1000001\t\t\t{order:09}\tAmazon.nl\t"
            f"{kind}\t{description}\t{amount}\tAFN\t\t{posted}\t{order:014}\t\t\t"
            f"SKU-{order % 977:04}\t{pieces}\t"
        )


def _timed(setup: str, work: str) -> dict[str, Any]:
    program = _TIMED.format(setup=setup, work=work)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
