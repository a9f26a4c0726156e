"""Speed figures come from a whole ingestion, and leave nothing behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpus.errors import UserError
from eval.speed import IngestSpeed, measure_ingest


def test_a_folder_of_files_is_measured_from_file_to_index_and_through_the_parsers(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    for name in ("rain", "snow"):
        (folder / f"{name}.md").write_text(f"# {name}\n\nA gauge shows the {name} of one day.\n")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing more")
    before = sorted(tmp_path.rglob("*"))
    speed = measure_ingest(folder, tmp_path / "home")
    assert (speed.documents, speed.chunks, speed.pages) == (2, 2, 0)
    assert speed.parse_seconds is not None
    assert speed.parse_seconds > 0
    assert speed.bytes_per_chunk > 384 * 4  # a vector and its text, at least
    left = [path for path in sorted(tmp_path.rglob("*")) if path not in before]
    assert all(path.is_relative_to(tmp_path / "home") for path in left)


def test_a_folder_in_beir_layout_has_nothing_to_parse(tmp_path: Path) -> None:
    folder = tmp_path / "weather"
    (folder / "qrels").mkdir(parents=True)
    documents = [{"_id": str(n), "title": "", "text": f"Fog on day {n}."} for n in range(3)]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(d) + "\n" for d in documents))
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "fog?"}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\t1\t1\n")
    speed = measure_ingest(folder, tmp_path / "home")
    assert (speed.documents, speed.chunks) == (3, 3)
    assert speed.pages is None
    assert speed.to_json()["parse_documents_per_s"] is None


def test_rates_are_counts_over_seconds() -> None:
    figures = IngestSpeed(10, 40, 20, 2.0, 0.5, 300.0, 5000.0).to_json()
    assert (figures["documents_per_s"], figures["chunks_per_s"]) == (5.0, 20.0)
    assert (figures["pages_per_s"], figures["parse_pages_per_s"]) == (10.0, 40.0)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no file below"):
        measure_ingest(tmp_path)
