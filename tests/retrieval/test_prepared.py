"""A model is prepared once, is checked whenever it is opened, and is another one when any of its files is."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from corpus.home import Home
from retrieval.apart import Apart
from retrieval.batches import Tokens
from retrieval.models import resolve
from retrieval.prepared import Prepared, prepare
from retrieval.probe import make_runtime

IDS: Tokens = [[2, 8, 9, 10, 3], [2, 11, 3], [2, *[8, 9] * 20, 3]]


@pytest.fixture
def folder(make_e5: Callable[..., Path], tmp_path: Path) -> Path:
    copy = tmp_path / "e5-tiny"
    shutil.copytree(make_e5("e5-tiny"), copy)
    return copy


def prepared_in(folder: Path, home: Home) -> Prepared:
    with Apart() as apart:
        return prepare(resolve(str(folder), home), apart, home.root / "here")


@pytest.fixture
def prepared(folder: Path, home: Home) -> Prepared:
    return prepared_in(folder, home)


def same_but_for_names(one: Prepared, other: Prepared) -> bool:
    """A graph numbers its parts by what was converted before it, which its hash sees."""
    return replace(one.recipe, graph_sha256="") == replace(other.recipe, graph_sha256="")


@pytest.mark.parametrize(
    ("runtime", "dtype"), [("torch", "bf16"), ("openvino", "bf16"), ("openvino", "fp32")]
)
def test_every_runtime_computes_what_pytorch_does_in_fp32(
    prepared: Prepared, runtime: str, dtype: str
) -> None:
    exact = make_runtime(prepared, "torch", "fp32", 4096).vectors(IDS)
    found = make_runtime(prepared, runtime, dtype, 64)
    assert found.name == runtime
    tolerance = 1e-5 if dtype == "fp32" else 0.02
    np.testing.assert_allclose(found.vectors(IDS), exact, atol=tolerance)
    np.testing.assert_allclose(found.vectors(IDS * 60), np.tile(exact, (60, 1)), atol=tolerance)
    assert found.vectors([]).shape == (0, 32)


def test_a_prepared_model_is_found_again_without_reading_the_model(
    prepared: Prepared, folder: Path, home: Home
) -> None:
    before = prepared.graph.stat() if prepared.graph else None
    again = prepared_in(folder, home)
    assert again == prepared
    assert before is not None
    assert again.graph is not None
    assert again.graph.stat().st_ino == before.st_ino


def test_a_damaged_graph_is_made_anew(prepared: Prepared, folder: Path, home: Home) -> None:
    assert prepared.graph is not None
    weights = prepared.graph.with_suffix(".bin")
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    again = prepared_in(folder, home)
    assert same_but_for_names(again, prepared)
    assert weights.read_bytes() == whole


def test_a_recipe_that_cannot_be_read_is_made_anew(
    prepared: Prepared, folder: Path, home: Home
) -> None:
    (prepared.folder / "recipe.json").write_text("{")
    assert same_but_for_names(prepared_in(folder, home), prepared)


def test_another_configuration_is_another_model(
    prepared: Prepared, folder: Path, home: Home
) -> None:
    pooling = folder / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps({"word_embedding_dimension": 32, "pooling_mode_cls_token": True}))
    other = prepared_in(folder, home)
    assert other.folder != prepared.folder
    assert (prepared.recipe.pooling, other.recipe.pooling) == ("mean", "cls")


def test_nothing_half_written_stays(prepared: Prepared, home: Home) -> None:
    assert [path.name for path in (home.root / "here").iterdir()] == [prepared.folder.name]


def test_the_conversion_loads_no_telemetry(prepared: Prepared) -> None:
    assert prepared.graph is not None
    assert sys.modules.get("openvino_telemetry") is None
