"""`python -m simulators SYSTEM [--option value ...]`: one simulated ERP or channel."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from simulators.amazon.options import MarketOptions
from simulators.amazon.site import amazon_market
from simulators.cloud.erp import cloud_erp
from simulators.legacy.erp import legacy_erp
from simulators.loop.options import LoopOptions
from simulators.loop.site import loop_platform
from simulators.options import CloudOptions, LegacyOptions, OptionError, ServerOptions
from simulators.pos.options import PosOptions
from simulators.pos.site import pos_estate
from simulators.server import CannotServe, Served, serve
from simulators.shopify.options import ShopOptions
from simulators.shopify.site import shopify_shop
from simulators.tax.options import TaxOptions
from simulators.tax.site import tax_engine

SYSTEMS: dict[str, tuple[type[ServerOptions], Callable[[Any], Served]]] = {
    "legacy": (LegacyOptions, legacy_erp),
    "cloud": (CloudOptions, cloud_erp),
    "shopify": (ShopOptions, shopify_shop),
    "amazon": (MarketOptions, amazon_market),
    "pos": (PosOptions, pos_estate),
    "loop": (LoopOptions, loop_platform),
    "tax": (TaxOptions, tax_engine),
}


HELP = {
    "legacy": "the legacy ERP",
    "cloud": "the cloud ERP",
    "shopify": "a Shopify-like shop",
    "amazon": "an Amazon-like marketplace",
    "pos": "an estate of stores and registers",
    "loop": "a Loop-like returns platform",
    "tax": "a tax engine, as AvaTax speaks",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a simulator until it is stopped; 0, or 2 for a wrong option or address."""
    parser = build_parser()
    given = vars(parser.parse_args(arguments))
    options_class, build = SYSTEMS[given.pop("system")]
    try:
        options = options_class.from_texts(given)
        asyncio.run(serve(build(options)))
    except (OptionError, CannotServe) as error:
        print(f"simulators: {error}", file=sys.stderr)  # noqa: T201 -- what a command says
        return 2
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The command line, made from the table of options."""
    parser = argparse.ArgumentParser(prog="simulators", description="Simulated ERPs and channels.")
    systems = parser.add_subparsers(dest="system", required=True)
    for system, (options_class, _) in SYSTEMS.items():
        # no abbreviations: a later option must not change what a script means
        command = systems.add_parser(system, allow_abbrev=False, help=HELP[system])
        for each in fields(options_class):
            command.add_argument(
                f"--{each.name.replace('_', '-')}",
                dest=each.name,
                default=argparse.SUPPRESS,
                metavar="VALUE",
                help=f"{each.metadata['why']} (default: {_shown(each.default)})".replace("%", "%%"),
            )
    return parser


def _shown(default: object) -> str:
    if default in ("", ()):
        return "none"
    return f"{default:g}" if isinstance(default, float) else str(default).lower()


if __name__ == "__main__":
    sys.exit(main())
