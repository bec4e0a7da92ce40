"""Files made to cost much or to be read wrongly: refused with a place, or read right, in no time.

Bounds are on memory (tracemalloc counts what Python allocates) and on CPU time of this process,
ten times what was measured, so that a busy machine fails nothing.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway.routing.loader import load
from gateway.routing.model import Vocabulary
from gateway.routing.nodes import FILE_BYTES_MAX, NODES_MAX
from tests.unit.routing.conftest import RuleFiles

HEAD = "wave: w\nowner: o\n"
RULE = "{id: a, process: order.intake, when: {channel: webshop}, mode: cloud}"
ANYTHING = Vocabulary()


@contextmanager
def bounded(cpu_s: float, mib: float | None = None) -> Iterator[None]:
    if mib is not None:  # it makes what it watches several times as slow
        tracemalloc.start()
    started_s = time.process_time()
    try:
        yield
        assert time.process_time() - started_s < cpu_s
        assert mib is None or tracemalloc.get_traced_memory()[1] < mib * 1024 * 1024
    finally:
        tracemalloc.stop()


def laughs(levels: int) -> str:
    """Each line names the one above ten times: 10 ** levels words."""
    words = ["x", *(f"*a{at}" for at in range(levels))]
    lines = [f"a{at}: &a{at} [{', '.join([words[at]] * 10)}]\n" for at in range(levels)]
    return "".join(lines)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            HEAD + "rules: []\n" + laughs(9),
            (
                f"9:25: (file): says more than {NODES_MAX} values, aliases counted as what they "
                "mean; split the wave, or write ranges and prefixes"
            ),
        ),
        (
            HEAD + f"r: &r {RULE}\nrules: [" + "*r, " * 900_000 + "]\n",
            (
                f"4:181817: (file): says more than {NODES_MAX} values, aliases counted as what "
                "they mean; split the wave, or write ranges and prefixes"
            ),
        ),
        (
            HEAD + "rules: &r [*r]\n",
            "3:12: (file): '*r' stands inside what it names; write it out",
        ),
        (
            HEAD + "rules: *r\n",
            "3:8: (file): '*r' names nothing; write `&r` before what it means",
        ),
        (
            HEAD + "rules: " + "[" * 100_000,
            "3:17: (file): is nested too deeply; rules need a depth of five",
        ),
        (
            HEAD + "rules: " + "{a: " * 100_000,
            "3:44: (file): is nested too deeply; rules need a depth of five",
        ),
        (
            HEAD + "# " + "x" * 10_000_000,
            (
                "1:1: (file): is larger than 4 MB; split the wave, or write lists, ranges and "
                "prefixes instead of a rule each"
            ),
        ),
        (
            HEAD + "rules:\n\t- " + RULE + "\n",
            (
                "4:1: (file): is not YAML: found character that cannot start any token; indent "
                "with spaces: there is a tab"
            ),
        ),
        (
            (HEAD + "rules: []\n").encode("utf-16"),
            "1:1: (file): is not UTF-8 text: byte 0 is 0xff; save it as UTF-8",
        ),
        (
            b"wave: w\x00\n",
            "1:1: (file): has the character U+0000, which YAML forbids; remove it",
        ),
    ],
    ids=[
        "laughs",
        "aliases",
        "itself",
        "nothing",
        "lists",
        "maps",
        "10 MB",
        "tab",
        "utf-16",
        "nul",
    ],
)
def test_a_file_that_is_refused_as_a_whole(
    files: RuleFiles, content: str | bytes, said: str
) -> None:
    files.write("waves/w.yaml", content)

    with bounded(cpu_s=20, mib=500):
        assert files.problems() == [f"waves/w.yaml:{said}"]


def test_a_key_given_twice_is_a_problem_wherever_it_is(files: RuleFiles) -> None:
    files.write(
        "waves/w.yaml",
        "wave: w\nowner: o\nowner: p\nrules:\n"
        "- id: a\n  process: order.intake\n  mode: cloud\n  mode: legacy\n"
        "  when: {channel: webshop, channel: pos}\nrules: []\n",
    )

    assert files.problems() == [
        "waves/w.yaml:3:1: owner: is given twice, first in line 2; keep one of them",
        "waves/w.yaml:8:3: rules[0].mode: is given twice, first in line 7; keep one of them",
        (
            "waves/w.yaml:9:28: rules[0].when.channel: is given twice, first in line 9; keep one "
            "of them"
        ),
        "waves/w.yaml:10:1: rules: is given twice, first in line 5; keep one of them",
    ]


@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("  # why", "\t# why").encode(),
        lambda text: text.replace(": webshop", ":\twebshop").encode(),
        lambda text: b"%YAML 1.1\n---\n" + text.encode() + b"...\n",
    ],
    ids=["crlf", "bom", "bom and crlf", "tab before a comment", "tab in a line", "directive"],
)
def test_what_editors_leave_behind_is_read_right(files: RuleFiles, encoded: object) -> None:
    text = f"{HEAD}rules:  # why\n- {RULE}\n"
    files.write("waves/w.yaml", text.encode())
    plain = load(files.root, ANYTHING)
    assert callable(encoded)
    files.write("waves/w.yaml", encoded(text))

    assert load(files.root, ANYTHING) == plain


def test_places_count_lines_and_characters_whatever_ends_a_line(files: RuleFiles) -> None:
    bad = RULE.replace("cloud", "clowd").replace("webshop", "wébshöp")
    for text in (f"{HEAD}rules:\n- {bad}\n", f"{HEAD}rules:\n- {bad}\n".replace("\n", "\r\n")):
        files.write("waves/w.yaml", text.encode())
        (said,) = files.problems(ANYTHING)

        assert said.startswith("waves/w.yaml:4:66: rules[0].mode: unknown mode 'clowd'")


def test_an_anchor_says_the_same_as_writing_it_out(files: RuleFiles) -> None:
    files.write(
        "waves/w.yaml",
        HEAD + "rules:\n"
        "- {id: a, process: order.intake, when: {legal_entity: &both [NL01, DE01]}, mode: cloud}\n"
        "- {id: b, process: catalog.price, when: {legal_entity: *both}, mode: cloud}\n",
    )

    (rule,) = [rule for rule in load(files.root).rules if rule.rule_id == "b"]

    assert rule.when == (("legal_entity", ("DE01", "NL01")),)


def test_a_problem_of_an_anchor_is_told_where_it_is_written(files: RuleFiles) -> None:
    files.write(
        "waves/w.yaml",
        HEAD + "rules:\n"
        "- {id: a, process: order.intake, when: &when {channel: webshp}, mode: cloud}\n"
        "- {id: b, process: catalog.price, when: *when, mode: cloud}\n",
    )

    assert [said.split("; ")[0] for said in files.problems()] == [
        "waves/w.yaml:4:56: rules[0].when.channel: unknown channel 'webshp'",
        "waves/w.yaml:4:56: rules[1].when.channel: unknown channel 'webshp'",
    ]


def test_keys_are_not_merged(files: RuleFiles) -> None:
    files.write(
        "waves/w.yaml",
        HEAD + f"rules:\n- &a {RULE}\n- {{<<: *a, id: b}}\n",
    )

    assert "waves/w.yaml:5:4: rules[1].<<: keys are not merged here; write them out" in (
        files.problems()
    )


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.getcwd []", "!x {a: b}"])
def test_a_tag_makes_nothing_happen(files: RuleFiles, tag: str) -> None:
    files.write("waves/w.yaml", f"{HEAD}rules: {tag}\n")

    (said, *more) = files.problems() if "{" in tag else ("",)

    if said:
        assert said == "waves/w.yaml:3:8: rules: is not a list; write `- …` items, or [] for none"
        assert not more
    else:
        assert load(files.root).rules_of("order.intake")


def test_of_a_file_full_of_mistakes_the_first_are_told(files: RuleFiles) -> None:
    rules = "".join(f"- {{id: r{n}, process: order.x, mode: y}}\n" for n in range(5000))
    files.write("waves/w.yaml", f"{HEAD}rules:\n{rules}")

    with bounded(cpu_s=20, mib=200):
        said = files.problems()

    assert len(said) == 501
    assert said[-1].endswith("has more problems than are listed; solve these 500 first")


def test_a_value_of_a_megabyte_is_not_quoted_whole(files: RuleFiles) -> None:
    files.wave(f"- {{id: {'x' * 1_000_000}, process: {'y' * 1_000_000}, mode: z}}")

    with bounded(cpu_s=20, mib=200):
        said = files.problems()

    assert len(said) == 2
    assert all(len(each) < 1000 for each in said)


def test_the_largest_file_that_is_read(files: RuleFiles) -> None:
    rules = [
        f"- {{id: r{n}, process: catalog.price, when: {{channel: [webshop, pos], "
        f"store: S-{n:05d}, brand: B-{n % 7}}}, mode: cloud, shadow: legacy}}\n"
        for n in range(10_000)
    ]
    content = f"{HEAD}rules:\n{''.join(rules)}"
    assert len(content) < FILE_BYTES_MAX
    files.write("waves/w.yaml", content)

    with bounded(cpu_s=100):
        assert len(load(files.root).rules) == 10_007


def test_prefixes_beyond_what_can_be_compared_are_refused(files: RuleFiles) -> None:
    files.wave("".join(
        f"- {{id: r{n}, process: catalog.price, when: {{store: S-{n:05d}-*}}, mode: cloud}}\n"
        for n in range(1001)
    ))  # fmt: skip

    with bounded(cpu_s=30, mib=300):
        said = files.problems(ANYTHING)

    assert said == [
        (
            "waves/w.yaml:1005:3: rules[1000]: 1001 rules of one process have prefixes; keep to "
            "1000: list the values, or write a range"
        )
    ]
