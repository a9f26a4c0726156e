"""Whatever is done to a folder, its index equals one built from scratch, and what was deleted is gone."""

from __future__ import annotations

import random
import shutil
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from corpus.home import Home
from corpus.records import SearchResult
from corpus.settings import CorpusSettings
from ingest.compact import compact
from ingest.writer import Writer
from retrieval.search import MODES
from tests.ingest.conftest import Desk

NAMES = st.sampled_from([f"{letter}.txt" for letter in "abcdef"] + ["sub/g.md", "sub/h.txt"])
SEEDS = st.integers(0, 10**6)
VOCABULARY = [
    "red",
    "blue",
    "green",
    "box",
    "car",
    "tree",
    "house",
    "street",
    "table",
    "kilogram",
    "weighs",
    "stands",
]
QUERIES = ("red box", "the blue car weighs a kilogram", "house", "nothing of the kind")
LONG = (pytest.mark.full, pytest.mark.timeout(3600))  # each step builds a second index
TOLERANCE = 1e-4  # of a score: sums of the same numbers in another order


class Folder(RuleBasedStateMachine):
    """A folder that people work in, and its index."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        (self.root / "papers").mkdir()
        self.marks: dict[str, str] = {}  # a word that no other text ever had, by file
        self.gone: set[str] = set()
        self.count = 0
        self.desk = Desk(Home(self.root / "home"), self.root / "papers")
        self.desk.sync()

    def teardown(self) -> None:
        self.desk.close()
        shutil.rmtree(self.root)

    def path(self, name: str) -> Path:
        return self.desk.folder / name

    def forget(self, name: str) -> None:
        mark = self.marks.pop(name, None)
        if mark and mark not in self.marks.values():
            self.gone.add(mark)

    @rule(name=NAMES, seed=SEEDS, paragraphs=st.integers(1, 4))
    def add_or_edit(self, name: str, seed: int, paragraphs: int) -> None:
        self.forget(name)
        self.count += 1
        mark = f"mark{self.count}x"
        rng = random.Random(seed)
        texts = [
            " ".join(rng.choices(VOCABULARY, k=rng.randint(3, 160))) for _ in range(paragraphs)
        ]
        self.desk.write(name, f"{mark} " + "\n\n".join(texts))
        self.marks[name] = mark
        self.desk.sync()

    @precondition(lambda self: self.marks)
    @rule(data=st.data(), new=NAMES)
    def rename(self, data: st.DataObject, new: str) -> None:
        old = data.draw(st.sampled_from(sorted(self.marks)))
        if old != new:
            self.forget(new)
            self.path(new).parent.mkdir(exist_ok=True)
            self.path(old).rename(self.path(new))
            self.marks[new] = self.marks.pop(old)
        self.desk.sync()

    @precondition(lambda self: self.marks)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.marks)))
        self.path(name).unlink()
        self.forget(name)
        self.desk.sync()

    @precondition(lambda self: self.marks)
    @rule(data=st.data(), new=NAMES)
    def duplicate(self, data: st.DataObject, new: str) -> None:
        old = data.draw(st.sampled_from(sorted(self.marks)))
        if old != new:
            self.forget(new)
            self.desk.write(new, self.path(old).read_bytes())
            self.marks[new] = self.marks[old]
            self.gone.discard(self.marks[old])
        self.desk.sync()

    @rule()
    def reopen(self) -> None:
        self.desk.close()
        self.desk = Desk(self.desk.home, self.desk.folder)

    @rule()
    def compact(self) -> None:
        home, catalog, encoder = self.desk.home, self.desk.catalog, self.desk.encoder
        with closing(Writer(home, catalog, encoder, CorpusSettings(home=home.root))) as writer:
            compact(home, catalog, writer)
        raw = b"".join(path.read_bytes() for path in home.root.rglob("*") if path.is_file())
        assert not [mark for mark in self.gone if mark.encode() in raw]
        assert all(mark.encode() in raw for mark in self.marks.values())

    @invariant()
    def what_was_deleted_is_in_no_result(self) -> None:
        for mark in self.gone:
            assert self.desk.found(mark) == []
            for mode in MODES:
                hits = self.desk.searcher.search(f"red {mark}", 50, mode).hits
                assert not [hit for hit in hits if mark in hit.chunk.text]

    @invariant()
    def it_equals_an_index_built_from_scratch(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            fresh = Desk(Home(Path(place)), self.desk.folder)
            fresh.sync()
            expected = [(d.source, d.sha256, d.state) for d in fresh.catalog.documents()]
            found = [(d.source, d.sha256, d.state) for d in self.desk.catalog.documents()]
            assert found == expected
            assert self.desk.catalog.chunk_ids() == fresh.catalog.chunk_ids()
            for query in (*QUERIES, *list(self.marks.values())[:2]):
                for mode in MODES:
                    mine = self.desk.searcher.search(query, 10, mode)
                    same(mine, fresh.searcher.search(query, 10, mode))
            fresh.close()


def same(one: SearchResult, other: SearchResult) -> None:
    """The same scores, and the same chunks but for the order of equal scores."""
    scores = [hit.score for hit in other.hits]
    assert [hit.score for hit in one.hits] == pytest.approx(scores, abs=TOLERANCE)
    last = min(scores, default=0.0)
    told, expected = (
        {hit.chunk.id for hit in result.hits if hit.score > last + TOLERANCE}
        for result in (one, other)
    )
    assert told == expected


@pytest.mark.parametrize(("examples", "steps"), [(3, 8), pytest.param(20, 50, marks=LONG)])
def test_the_index_equals_one_built_from_scratch_after_every_step(
    examples: int, steps: int
) -> None:
    run(
        Folder,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
