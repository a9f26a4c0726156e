"""What several tests of benchmarks measure."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.eval.benchmarks import RAIN, SNOW, write_lines


@pytest.fixture
def papers(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of documents and questions about them."""
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "rain.md").write_text(f"# Rain\n\n{RAIN}\n")
    (folder / "snow.txt").write_text(SNOW + "\n")
    quote = "wiped clean every morning"
    gold = [{"document": "snow.txt", "quote": quote, "start": 0, "end": len(quote)}]
    questions = [
        {"id": "1", "question": "When is the snow board wiped clean?", "kind": "single"}
        | {"answer": "every morning", "gold": gold},
        {"id": "2", "question": "Who was elected mayor of Lisbon?", "kind": "unanswerable"}
        | {"answer": "", "gold": []},
    ]
    write_lines(tmp_path / "questions.jsonl", questions)
    return folder, tmp_path / "questions.jsonl"
