"""Search figures come from a real home of the size that was asked for, and leave nothing behind."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import pytest

from eval.copies import Copies
from eval.search_speed import measure_search
from tests.fakes import HashEncoder


@pytest.mark.full
def test_a_home_of_the_asked_size_is_made_measured_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "weather"
    (data / "qrels").mkdir(parents=True)
    rows = [{"_id": str(n), "title": "", "text": f"Fog and rain on day {n}."} for n in range(20)]
    (data / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (data / "queries.jsonl").write_text('{"_id": "q", "text": "when was the fog?"}\n')
    (data / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\t1\t1\n")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    speed = measure_search(250, 48, data, tmp_path / "home")
    assert (speed.chunks, speed.dimension, speed.index) == (250, 48, "exact")
    assert speed.recall_at_10 == 1
    assert speed.bytes_per_chunk > 48 * 4  # a vector, at least
    times = {name: value for name, value in asdict(speed).items() if name.endswith(("_ms", "_s"))}
    assert min(times.values()) > 0
    assert speed.dense_p50_ms <= speed.dense_p99_ms
    assert speed.hybrid_p50_ms >= speed.search_p50_ms
    assert list(scratch.glob("alcove-*")) == []


@pytest.mark.parametrize("dimension", [0, 24, 96])
def test_copies_are_unit_vectors_near_a_passage_in_any_number_of_dimensions(dimension: int) -> None:
    passages = ["red box", "blue car", "green tree"]
    copies = Copies(HashEncoder(), passages, dimension)
    made = copies.encode_passages(["any text"] * 30)
    assert made.shape == (30, dimension or HashEncoder().fingerprint.dimension)
    assert (made**2).sum(axis=1) == pytest.approx(1, abs=1e-5)
    nearest = (made @ copies.encode_queries(passages).T).max(axis=1)
    assert 0.6 < nearest.mean() < 0.99
