"""What people read of an error that names fields."""

from __future__ import annotations

import pytest
import rich_click as click

from gateway import cli
from gateway.errors import FieldError, Invalid
from tests.contract.command_line import ended


def test_every_wrong_field_is_told_with_its_place_and_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @click.command("owner")
    def refuse() -> None:
        whole = FieldError("", "is no order")
        raise Invalid("2 fields are not valid", [FieldError("/lines/0/skuu", "is unknown"), whole])

    monkeypatch.setitem(cli.coexist.commands, "owner", refuse)
    done = ended("owner")
    assert done.exit_code == 1
    assert done.err.splitlines() == [
        "coexist: 2 fields are not valid",
        "  /lines/0/skuu: is unknown",
        "  (the whole): is no order",
    ]


@pytest.mark.parametrize(
    ("option", "value", "one"),
    [("--cause", "nonsense", "unknown-item"), ("--process", "orders", "order.intake")],
)
def test_a_filter_that_could_find_nothing_is_refused_with_what_there_is(
    option: str, value: str, one: str
) -> None:
    done = ended("exceptions", "list", option, value)
    assert done.exit_code == 2
    said = " ".join(done.err.replace("│", " ").split())
    assert f"Invalid value for {option}: '{value}' is none; there are" in said
    assert one in said
