"""Encoding is measured on a data set and on files, in the precision asked for, and held against the machine's peak."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.errors import UserError
from eval.embed_speed import _operations, measure_embed
from eval.machine import Peak


@pytest.fixture(scope="module")
def model(make_e5: Callable[..., Path]) -> Path:
    return make_e5("e5-timed")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "boxes"
    (folder / "qrels").mkdir(parents=True)
    documents = [
        {"_id": str(n), "title": "box", "text": "the fast box " * (n % 9 + 1)} for n in range(640)
    ]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(d) + "\n" for d in documents))
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "slow box?"}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\t1\t1\n")
    return folder


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_a_data_set_is_encoded_in_the_precision_asked_for(
    dataset: Path, model: Path, precision: str, tmp_path: Path
) -> None:
    speed = measure_embed(dataset, str(model), precision, 640, tmp_path / "home")
    assert (speed.model, speed.precision, speed.texts) == ("e5-timed", precision, 640)
    assert (speed.quantization is not None) == (precision == "int8")
    assert speed.tokens_per_s > speed.texts_per_s > 0
    assert 0 < speed.query_p50_ms <= speed.query_p99_ms
    assert speed.matrix_peak_fraction is not None
    assert 0 < speed.matrix_peak_fraction < 1


def test_a_folder_without_text_is_refused(tmp_path: Path, model: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "note.txt").write_text("")
    with pytest.raises(UserError, match="there is no text"):
        measure_embed(tmp_path / "empty", str(model), home=tmp_path / "home")


def test_operations_are_those_of_every_matrix_product(tmp_path: Path) -> None:
    config = {"hidden_size": 2, "intermediate_size": 8, "num_hidden_layers": 3}
    (tmp_path / "config.json").write_text(json.dumps(config))
    # a layer and 5 tokens: q, k, v and output 4 x (5x2 @ 2x2), feed-forward 5x2 @ 2x8 and back, scores and values
    layer = 4 * 2 * 5 * 2 * 2 + 2 * 2 * 5 * 2 * 8 + 2 * 2 * 5 * 5 * 2
    assert _operations(tmp_path, [5, 5]) == 2 * 3 * layer
    (tmp_path / "config.json").write_text("{}")
    assert _operations(tmp_path, [5]) is None


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_a_machine_multiplies_more_than_a_billion_times_a_second(precision: str) -> None:
    assert Peak(precision).measure() > 1e9
