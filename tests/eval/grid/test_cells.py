"""From the axes of a grid to its systems: their names, what they share, and what each is set to."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.settings import Settings
from corpus.errors import UserError
from eval.grid.cells import Cell, cells_of, groups
from eval.grid.plan import Axes


def cells(tmp_path: Path, **axes: object) -> tuple[Cell, ...]:
    return cells_of(Axes.model_validate(axes), Settings.load(tmp_path, environment={}))


def names(found: tuple[Cell, ...]) -> list[str]:
    return [cell.name for cell in found]


def test_without_axes_the_settings_are_searched_in_three_ways(tmp_path: Path) -> None:
    found = cells(tmp_path)
    assert names(found) == ["dense", "lexical", "hybrid"]
    assert {cell.indexed.chunker for cell in found} == {"recursive-200-30"}


def test_a_reranker_that_is_set_is_used_unless_the_grid_says_otherwise(tmp_path: Path) -> None:
    (tmp_path / "alcove.toml").write_text('[retrieval]\nrerank_model = "/models/reader"\n')
    as_set, without = cells(tmp_path), cells(tmp_path, rerank=[""])
    assert {cell.search.rerank_model for cell in as_set} == {Path("/models/reader")}
    assert {cell.search.rerank_model for cell in without} == {None}
    assert names(as_set) == names(without) == ["dense", "lexical", "hybrid"]


def test_an_overlap_keeps_its_share_of_the_size(tmp_path: Path) -> None:
    found = cells(tmp_path, chunker=["fixed"], size=[100, 400], fusion=["dense"])
    assert names(found) == ["fixed-100-15 dense", "fixed-400-60 dense"]
    assert [cell.indexed.ingest.overlap_tokens for cell in found] == [15, 60]


def test_names_hold_what_varies(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    found = cells(
        tmp_path,
        fusion=["hybrid"],
        encoder=["auto", f"{tmp_path}/a"],
        index=["exact", "approximate"],
        rerank=["", str(tmp_path / "b")],
    )
    assert names(found) == [
        f"{encoder} {index} hybrid{rerank}"
        for encoder in ("auto", "a")
        for index in ("exact", "approximate")
        for rerank in ("", " b")
    ]


def test_each_fusion_is_what_it_says(tmp_path: Path) -> None:
    found = cells(tmp_path, fusion=["dense", "hybrid", "rrf", "convex"])
    assert [(cell.mode, cell.search.fusion) for cell in found] == [
        ("dense", "calibrated"),
        ("hybrid", "calibrated"),
        ("hybrid", "rrf"),
        ("hybrid", "convex"),
    ]


def test_a_setting_that_a_chunker_does_not_heed_makes_no_second_system(tmp_path: Path) -> None:
    chosen = {"chunker": ["recursive", "sentence_window"], "sentences": [1, 2]}
    assert names(cells(tmp_path, fusion=["dense"], **chosen)) == [
        "recursive-200-30 dense",
        "sentence_window-1-3-200 dense",
        "sentence_window-2-3-200 dense",
    ]


def test_cells_are_grouped_by_index_and_indexes_by_encoder(tmp_path: Path) -> None:
    found = groups(cells(tmp_path, encoder=["x", "y"], size=[100, 200]))
    assert [(indexed.encoder, len(group)) for indexed, group in found.items()] == [
        ("x", 3), ("x", 3), ("y", 3), ("y", 3)
    ]  # fmt: skip


def test_two_models_of_one_name_are_refused(tmp_path: Path) -> None:
    folders = [str(tmp_path / name / "reader") for name in ("a", "b")]
    with pytest.raises(UserError, match="would be called 'dense reader'"):
        cells(tmp_path, fusion=["dense"], rerank=folders)
