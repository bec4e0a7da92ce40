"""Processes that need others: what is refused, where it is said to be, what is let pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.routing.loader import load
from tests.unit.routing.conftest import DEFAULTS, RuleFiles, intake


def with_needs(files: RuleFiles, **needs: str) -> RuleFiles:
    """Give the defaults of some processes (``order_intake``) needs, as YAML text."""
    files.defaults(
        "".join(
            f"- {{id: default-{process}, process: {process}, mode: {mode}"
            + (f", needs: {named}" if (named := needs.get(process.replace(".", "_"))) else "")
            + "}\n"
            for process, mode in DEFAULTS.items()
        )
    )
    return files


def products(rule_id: str, when: str, mode: str = "mode: cloud") -> str:
    return f"- {{id: {rule_id}, process: catalog.product, when: {{{when}}}, {mode}}}\n"


def stock(rule_id: str, when: str, mode: str = "mode: cloud") -> str:
    return f"- {{id: {rule_id}, process: inventory.availability, when: {{{when}}}, {mode}}}\n"


NL_ORDERS = intake("orders", "channel: webshop, legal_entity: NL01")


def test_what_goes_to_the_cloud_without_what_it_needs(files: RuleFiles) -> None:
    with_needs(files, order_intake="catalog.product")
    files.wave(NL_ORDERS)

    (problem,) = files.problems()

    assert problem == (
        "waves/w.yaml:5:3: rules[0]: 'orders' sends order.intake to the cloud ERP, which needs "
        "catalog.product there for channel=webshop, legal_entity=NL01: 'default-catalog.product' "
        "(defaults.yaml:7) says legacy; move catalog.product first, or change the needs of "
        "'default-order.intake' (defaults.yaml:2)"
    )


@pytest.mark.parametrize(
    ("more", "where", "who"),
    [
        (products("de", "legal_entity: DE01"), "channel=webshop, legal_entity=NL01", "default"),
        (
            products("nl", "legal_entity: NL01") + products("one", "brand: own", "mode: legacy")
            + products("both", "legal_entity: NL01, brand: own", "mode: legacy"),
            "brand=own, channel=webshop, legal_entity=NL01", "both",
        ),
        (
            products("nl", "legal_entity: NL01", "mode: split, cloud_percent: 99, sticky_by: sku"),
            "channel=webshop, legal_entity=NL01", "nl",
        ),
    ],
    ids=["another entity", "an exception of one brand", "a share of the items"],
)  # fmt: skip
def test_only_part_of_what_is_needed_is_there(
    files: RuleFiles, more: str, where: str, who: str
) -> None:
    with_needs(files, order_intake="[catalog.product]")
    files.wave(NL_ORDERS + more)

    (problem,) = files.problems()

    assert f"needs catalog.product there for {where}: '{who}" in problem


def test_the_rest_of_what_is_needed_may_be_anywhere(files: RuleFiles) -> None:
    with_needs(files, order_intake="[catalog.product, order.cancellation]")
    files.wave(NL_ORDERS + products("nl", "legal_entity: NL01")
               + products("de", "legal_entity: DE01", "mode: legacy"))  # fmt: skip

    (default,) = [it for it in load(files.root).rules if it.needs]

    assert default.needs == ("catalog.product", "order.cancellation")


def test_a_follow_up_that_is_held_is_not_there(files: RuleFiles) -> None:
    with_needs(files, order_intake="order.cancellation")
    held = "- {id: c, process: order.cancellation, when: {legal_entity: NL01}, mode: hold}\n"
    files.wave(NL_ORDERS + held)

    (problem,) = files.problems()

    assert "needs order.cancellation there for channel=webshop, legal_entity=NL01: 'c'" in problem
    assert "says hold; move order.cancellation first" in problem


def test_what_is_held_needs_nothing_yet(files: RuleFiles) -> None:
    with_needs(files, order_intake="catalog.product")
    files.wave(intake("orders", "legal_entity: NL01", "hold"))

    assert load(files.root).rules


@pytest.mark.parametrize(
    ("asked", "given", "refused"),
    [("5", "5", False), ("5", "25", False), ("25", "5", True), ("0", "0", False)],
)
def test_of_two_splits_by_one_key_the_larger_has_what_the_smaller_has(
    files: RuleFiles, asked: str, given: str, *, refused: bool
) -> None:
    with_needs(files, inventory_availability="catalog.product")
    split = "mode: split, sticky_by: sku, cloud_percent: "
    files.wave(stock("s", "channel: webshop", split + asked)
               + products("p", "channel: webshop", split + given))  # fmt: skip

    if refused:
        assert "'p' (waves/w.yaml:6) says split 5 % by sku" in files.problems()[0]
    else:
        assert load(files.root).rules


def test_processes_that_need_each_other(files: RuleFiles) -> None:
    with_needs(
        files, order_intake="catalog.product", catalog_product="[catalog.price]",
        catalog_price="order.intake",
    )  # fmt: skip
    files.wave(NL_ORDERS)

    (problem,) = files.problems()

    assert problem == (
        "defaults.yaml:8:3: rules[6]: the processes need each other in a circle: catalog.price -> "
        "order.intake -> catalog.product -> catalog.price; remove one of the dependencies"
    )


def test_a_process_that_needs_itself(files: RuleFiles) -> None:
    with_needs(files, catalog_price="catalog.price")

    assert "in a circle: catalog.price -> catalog.price" in files.problems()[0]


def test_a_process_nobody_knows(files: RuleFiles) -> None:
    with_needs(files, order_intake="[catalog.product, catalog.prize]")

    (problem,) = files.problems()

    assert "needs[1]: unknown process 'catalog.prize'; did you mean 'catalog.price'?" in problem


def test_needs_stand_at_a_default_that_can_move(files: RuleFiles) -> None:
    with_needs(files, return_credit="order.intake")
    files.wave("""
        - {id: a, process: order.intake, when: {channel: pos}, mode: legacy, needs: catalog.price}
    """)

    one, other = files.problems()

    assert one == (
        "defaults.yaml:4:75: rules[2].needs: return.credit goes to the owner of its business "
        "object, whichever ERP that is; write it at the process that begins its business object"
    )
    assert other == (
        "waves/w.yaml:5:77: rules[0].needs: what a process needs holds for all its rules; write it "
        "at the default of order.intake in defaults.yaml"
    )


def test_needs_are_part_of_the_version(files: RuleFiles) -> None:
    before = load(files.root)
    after = load(with_needs(files, order_intake="catalog.product").root)

    assert before.version != after.version
    assert "needs" not in before.text


def test_the_shipped_example_states_some() -> None:
    rules = load(Path(__file__).parents[3] / "routing_rules").rules

    assert any(it.needs for it in rules)
