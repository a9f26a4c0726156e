"""Killed at any moment, run again: the same index as if nothing had happened."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

from corpus.catalog import Catalog
from corpus.home import Home
from corpus.snapshot import SnapshotStore
from retrieval.search import Searcher
from retrieval.settings import RetrievalSettings
from tests.fakes import HashEncoder

KILLS = 10
INGEST = """
import sys
from pathlib import Path
from corpus.catalog import Catalog
from corpus.home import Home
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from tests.fakes import HashEncoder
home = Home(Path(sys.argv[1]))
settings = IngestSettings(workers=1, commit_documents=4)
pipeline = Pipeline(home, Catalog(home), HashEncoder(), settings)
print("ready", flush=True)
pipeline.sync([Path(sys.argv[2])])
"""
QUERIES = ("red box 7", "paragraph about subject3", "blue car 21", "words", "subject11 red")


def ingest(home: Path, folder: Path) -> subprocess.Popen[bytes]:
    """An ingestion in a process of its own, just about to begin its work."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", INGEST, str(home), str(folder)]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.stdout.close()
    return process


def results(root: Path) -> list[list[tuple[str, float]]]:
    home = Home(root)
    catalog = Catalog(home)
    searcher = Searcher(home, catalog, HashEncoder(), RetrievalSettings())
    found = [
        [(hit.chunk.id, round(hit.score, 5)) for hit in searcher.search(query, 10).hits]
        for query in QUERIES
    ]
    catalog.close()
    return found


def test_ten_kills_at_random_moments_change_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    for n in range(40):
        text = f"red box {n}\n\nA paragraph about subject{n % 13}.\n\nblue car {n}, more words"
        (folder / f"{n:02d}.txt").write_text(text)
    whole = ingest(tmp_path / "whole", folder)
    started = time.monotonic()
    assert whole.wait(timeout=120) == 0
    work_s = time.monotonic() - started
    rng = random.Random(20)
    kills = 0
    for _ in range(4 * KILLS):
        process = ingest(tmp_path / "killed", folder)
        time.sleep(rng.uniform(0, work_s / 2))
        process.kill()
        if process.wait() == 0:  # all is ingested: what follows would have nothing to interrupt
            shutil.rmtree(tmp_path / "killed")
            continue
        kills += 1
        store = SnapshotStore(Home(tmp_path / "killed"))
        if store.current():
            store.open(store.current()).verify()  # whatever is live is whole
        if kills == KILLS:
            break
    assert kills == KILLS
    assert ingest(tmp_path / "killed", folder).wait(timeout=120) == 0
    assert results(tmp_path / "killed") == results(tmp_path / "whole")
