"""Over the reference documents: every file ends in a state, and what is read is what stands there.

Needs the folder ``parsing`` of the evaluation data (``$ALCOVE_DATA``, or ``../shared/data``); part of the full run.
"""

import os
import re
import statistics
from collections import Counter
from pathlib import Path

import pytest

from corpus.errors import FileProblem
from corpus.records import State
from ingest.parsing.worker import ParserPool

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("ALCOVE_DATA", ROOT.parent / "shared" / "data")) / "parsing"
# Median token F1 against the reference rendering, by format.
WANTED = {
    "csv": 0.99,
    "docx": 0.97,
    "epub": 0.95,
    "html": 0.95,
    "md": 0.97,
    "odf": 0.90,
    "pdf": 0.95,
    "pptx": 0.95,
    "xls": 0.90,
    "xlsx": 0.85,
}

pytestmark = [
    pytest.mark.full,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the evaluation data is not at {DATA}"),
]

_NOT_TEXT = re.compile(
    r"!\[[^]]*\]\([^)]*\)|<!--.*?-->|\]\([^)]*\)|https?://\S+|&\w+;|\\", re.DOTALL
)


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", _NOT_TEXT.sub(" ", text).lower()))


def f1(found: Counter[str], wanted: Counter[str]) -> float:
    return 2 * (found & wanted).total() / max(found.total() + wanted.total(), 1)


def reference(source: Path) -> Path | None:
    folder = source.parent.parent / "groundtruth"
    names = (f"{source.name}.md", f"{source.stem}.md")
    return next((folder / name for name in names if (folder / name).exists()), None)


def test_every_reference_document_ends_in_a_state_and_most_words_are_read() -> None:
    sources = sorted(path for path in DATA.glob("*/sources/*") if path.is_file())
    assert len(sources) > 100
    scores: dict[str, list[float]] = {}
    bugs = []
    with ParserPool(2) as pool:
        for source in sources:
            try:
                parsed = pool.parse(source)
            except FileProblem as problem:
                bugs += [problem.reason] if problem.state == State.INTERNAL_ERROR else []
                continue
            wanted = reference(source)
            if wanted is not None:
                score = f1(words(parsed.text), words(wanted.read_text(encoding="utf-8")))
                scores.setdefault(source.parent.parent.name, []).append(score)
    assert bugs == []
    medians = {name: round(statistics.median(found), 3) for name, found in scores.items()}
    assert {name: medians[name] for name in WANTED if medians[name] < WANTED[name]} == {}
