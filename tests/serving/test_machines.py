"""Machines by name, by an amount of memory, and as they are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.errors import OperatorError, UserError
from serving.machines import MACHINES, any_machine, detect, machine, parse_memory

GIB = 2**30


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal:       127535104 kB\nMemFree: 1 kB\n")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "size"),
    [("128GiB", 128 * GIB), ("80 GB", 80 * 10**9), ("64", 64 * GIB), ("1.5tib", int(1.5 * 2**40))],
)
def test_amounts_have_units(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "-1GiB", "0", "much", "1e9", "12 parsecs", "nan"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is no amount of memory"):
        parse_memory(text)


def test_a_card_that_tells_no_memory_shares_the_machines(root: Path) -> None:
    found = detect(lambda: "NVIDIA GB10, [N/A], 12.1\n", root)
    assert (found.name, found.unified, found.memory) == ("dgx-spark", True, 127535104 * 1024)
    assert found.bandwidth == 273e9


def test_cards_with_memory_of_their_own_are_added_up(root: Path) -> None:
    rows = "NVIDIA H100 80GB HBM3, 81559, 9.0\n" * 2
    found = detect(lambda: rows, root)
    assert (found.unified, found.cards, found.memory) == (False, 2, 2 * 81559 * 2**20)
    assert found.host_memory == 127535104 * 1024
    assert (found.bandwidth, "fp4" in found.multiplies) == (3.35e12, False)


def test_of_an_unknown_card_no_speed_is_claimed(root: Path) -> None:
    found = detect(lambda: "Some Card, 24576, 8.6\n", root)
    assert (found.bandwidth, dict(found.compute)) == (None, {})
    assert found.multiplies == ("fp32", "bf16", "int8")


def test_without_a_card_there_is_the_memory(root: Path) -> None:
    found = detect(lambda: "", root)
    assert (found.cards, found.unified, found.memory) == (0, True, 127535104 * 1024)


def test_a_kernel_that_tells_nothing_is_said_to(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="does not tell how much memory"):
        detect(lambda: "", tmp_path)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemFree: 1 kB\n")
    with pytest.raises(OperatorError, match="does not tell 'MemTotal'"):
        detect(lambda: "", tmp_path)


def test_names_are_listed_when_misspelt() -> None:
    assert machine("DGX-Spark") is MACHINES["dgx-spark"]
    with pytest.raises(UserError, match="no machine 'dgx'; choose one of dgx-spark"):
        machine("dgx")


def test_an_amount_alone_is_a_machine_with_one_card() -> None:
    found = any_machine(128 * GIB, unified=True)
    assert (found.cards, found.bandwidth, "fp4" in found.multiplies) == (1, None, True)
