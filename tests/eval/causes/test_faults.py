"""Faults put into the real pipeline are named by the stage they happen at, through the commands' own path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.eval.causes.faults import KINDS, OTHERS, Kind, World

CHEAP = tuple(kind for kind in (*KINDS, *OTHERS) if kind.fault.__name__ != "rerank_inverted")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.read(tmp_path_factory.mktemp("faults"))


def named(
    world: World, folder: Path, kinds: Iterable[Kind], count: int
) -> Counter[tuple[str, str]]:
    """How often each stage was named for each that it should have been."""
    table: Counter[tuple[str, str]] = Counter()
    for kind in kinds:
        rows = list(kind.injected(world, folder, count))
        assert len(rows) == count, f"{kind.fault.__name__} made only {len(rows)} questions fail"
        for row in rows:
            assert kind.whole(world, row.query)  # without the fault nothing is lost, the control
            assert row.missed
            assert all(loss.detail for loss in row.losses)
            assert row.stage is not None
            table[kind.stage.value, row.stage.value] += 1
    return table


def shown(table: Counter[tuple[str, str]]) -> str:
    """The confusion table, one line for each stage that should have been named."""
    lines = []
    for wanted in dict.fromkeys(wanted for wanted, _ in table):
        found = {name: n for (stage, name), n in table.items() if stage == wanted}
        lines.append(f"{wanted:22}" + ", ".join(f"{name} {n}" for name, n in found.items()))
    return "\n".join(lines)


def right(table: Counter[tuple[str, str]]) -> int:
    return sum(n for (wanted, name), n in table.items() if wanted == name)


def test_a_fault_of_every_kind_is_named_by_its_stage(world: World, tmp_path: Path) -> None:
    table = named(world, tmp_path, CHEAP, 1)
    assert right(table) == len(CHEAP), shown(table)


@pytest.mark.full
@pytest.mark.timeout(600)
def test_of_sixty_seeded_faults_at_least_57_are_named_by_their_stage(
    world: World, tmp_path: Path
) -> None:
    table = named(world, tmp_path, KINDS, 10)
    print(f"\n{shown(table)}")
    assert table.total() == 60
    assert right(table) >= 57, shown(table)


@pytest.mark.full
@pytest.mark.timeout(600)
def test_faults_of_fusion_and_of_the_answer_are_named_too(world: World, tmp_path: Path) -> None:
    table = named(world, tmp_path, OTHERS, 5)
    print(f"\n{shown(table)}")
    assert right(table) == 10, shown(table)
