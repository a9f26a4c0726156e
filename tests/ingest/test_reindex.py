"""Reindexing: another space beside the one that answers, and the way back."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from corpus.catalog import Catalog
from corpus.errors import Conflict, OperatorError
from corpus.records import Chunk, Parsed
from corpus.settings import CorpusSettings
from corpus.snapshot import SnapshotStore
from ingest.chunking import chunker_for
from ingest.compact import compact
from ingest.pipeline import Pipeline
from ingest.protocols import Chunker
from ingest.reindex import CHUNKS_AT_ONCE, Listener, Reindexer, forget
from ingest.report import Reindexed
from ingest.retention import way_back
from ingest.settings import IngestSettings
from ingest.writer import Writer
from retrieval.search import Searcher
from retrieval.settings import RetrievalSettings
from retrieval.spaces import live_space
from tests.fakes import HashEncoder
from tests.ingest.conftest import Desk

WORDS = "red box about subject and a further word"


class Shelf(Desk):
    """A desk whose index may move between the spaces of two encoders; pipeline and search follow it."""

    def __init__(self, desk: Desk) -> None:
        desk.close()
        super().__init__(desk.home, desk.folder)
        self.next = HashEncoder(64, "next")
        self.encoder_of = {e.fingerprint: e for e in (self.encoder, self.next)}.__getitem__
        self.use(IngestSettings(workers=1))
        self.searcher = Searcher(
            self.home,
            self.catalog,
            self.encoder,
            RetrievalSettings(),
            encoder_of=self.encoder_of,
        )

    def use(self, settings: IngestSettings) -> None:
        self.pipeline.close()
        self.settings, self.corpus = settings, CorpusSettings(home=self.home.root)
        self.pipeline = Pipeline(
            self.home,
            self.catalog,
            self.encoder,
            settings,
            self.corpus,
            encoder_of=self.encoder_of,
        )

    def reindexer(self, encoder: HashEncoder) -> Reindexer:
        return Reindexer(self.home, self.catalog, encoder, self.settings, self.corpus)

    def move(self, listen: Listener | None = None) -> Reindexed:
        with closing(self.reindexer(self.next)) as reindexer:
            return reindexer.run(listen)

    def back(self) -> Reindexed:
        with closing(self.reindexer(self.encoder)) as reindexer:
            return reindexer.back()

    def found(self, query: str) -> list[str]:
        """What is found by meaning, in the space that the index is in."""
        self.searcher.reader(patience_s=None)
        hits = self.searcher.search(query, 100, "dense").hits
        return sorted(Path(hit.document.source).name for hit in hits)

    @property
    def model(self) -> str:
        space = live_space(self.home)
        return space.model if space else ""


@pytest.fixture
def shelf(desk: Desk) -> Shelf:
    made = Shelf(desk)
    for number in range(6):
        made.write(f"{number}.txt", f"{WORDS} {number}")
    made.sync()
    desk.catalog, desk.pipeline = made.catalog, made.pipeline  # which the desk's end closes
    return made


def test_the_index_moves_to_the_other_space_and_says_so(shelf: Shelf) -> None:
    steps: list[tuple[int, int]] = []
    done = shelf.move(lambda n, total, source: steps.append((n, total)))
    assert done.to_json() | {"job": "", "seconds": 0, "switch_ms": 0} == {
        "job": "",
        "snapshot": 2,
        "from": {
            "model": "hash",
            "precision": "fp32",
            "dimension": 256,
            "space": shelf.encoder.fingerprint.key,
            "chunking": ["recursive-200-30"],
        },
        "to": {
            "model": "next",
            "precision": "fp32",
            "dimension": 64,
            "space": shelf.next.fingerprint.key,
            "chunking": ["recursive-200-30"],
        },
        "chunks": 6,
        "embedded": 6,
        "kept": 0,
        "remade": 6,
        "seconds": 0,
        "switch_ms": 0,
    }
    assert 0 < done.switch_ms < 1000
    assert steps == [(6, 6)]
    assert shelf.found("red box") == [f"{n}.txt" for n in range(6)]
    assert shelf.searcher.live.encoder is shelf.next


def test_a_bug_that_a_move_brings_to_light_costs_that_document_alone(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Faulty:
        def __init__(self, chunker: Chunker) -> None:
            self.name, self._chunker = chunker.name, chunker

        def chunk(self, id: str, parsed: Parsed) -> list[Chunk]:
            if parsed.text.endswith("3"):
                raise ZeroDivisionError
            return self._chunker.chunk(id, parsed)

    monkeypatch.setattr(
        "ingest.own_chunking.chunker_for", lambda *about: Faulty(chunker_for(*about))
    )
    shelf.move()
    assert shelf.found("red box") == [f"{n}.txt" for n in range(6) if n != 3]
    (lost,) = [d for d in shelf.catalog.documents() if not d.state.searchable]
    assert (Path(lost.source).name, str(lost.state)) == ("3.txt", "internal_error")


def test_where_nothing_would_change_nothing_is_done(shelf: Shelf) -> None:
    shelf.move()
    before = {path: path.stat().st_mtime_ns for path in shelf.home.snapshots.rglob("*")}
    again = shelf.move()
    assert (again.switch_ms, again.embedded, again.snapshot) == (0, 0, 2)
    assert {path: path.stat().st_mtime_ns for path in shelf.home.snapshots.rglob("*")} == before


def test_an_ingestion_follows_the_index_and_leaves_unchanged_files_alone(shelf: Shelf) -> None:
    shelf.move()
    shelf.write("new.txt", "blue car")
    report = shelf.sync()
    assert report.to_json()["files"] == {"indexed": 1, "unchanged": 6}
    assert shelf.model == "next"
    assert "new.txt" in shelf.found("blue car")
    shelf.pipeline.remove([shelf.catalog.documents()[0].id])
    assert "0.txt" not in shelf.found("red box")


class Tiring(HashEncoder):
    """Gives up after some passages, as a machine does that is switched off."""

    def __init__(self, passages: int) -> None:
        super().__init__(64, "next")
        self.left = passages

    def encode_passages(self, texts: Sequence[str]) -> np.ndarray:
        self.left -= len(texts)
        if self.left < 0:
            raise OperatorError("the lights went out; switch them on again")
        return super().encode_passages(texts)


def test_a_run_that_was_stopped_goes_on_where_it_was(shelf: Shelf) -> None:
    text = "\n\n".join(f"Paragraph {n} has its own words{n}. " * 25 for n in range(150))
    for number in range(4):
        shelf.write(f"long{number}.txt", text.replace("own", f"own{number}"))
    shelf.sync()
    chunks = sum(shelf.catalog.chunk_counts().values())
    tired = Tiring(chunks - CHUNKS_AT_ONCE)
    with closing(shelf.reindexer(tired)) as reindexer, pytest.raises(OperatorError, match="lights"):
        reindexer.run()
    assert shelf.model == "hash"
    assert tired.encoded > 0
    done = shelf.move()
    assert done.embedded == chunks - tired.encoded
    assert (done.chunks, done.to_json()["kept"]) == (chunks, tired.encoded)


def test_what_changes_during_the_embedding_is_in_the_new_index(shelf: Shelf) -> None:
    (stays,) = [d for d in shelf.catalog.documents() if d.source.endswith("5.txt")]

    def meanwhile(done: int, total: int, source: str) -> None:
        if (shelf.folder / "late.txt").exists():
            return
        shelf.write("late.txt", "a late arrival")
        shelf.write("1.txt", "another text altogether")
        (shelf.folder / "2.txt").unlink()
        assert shelf.sync().chunks_added == 2  # in the old space, without waiting
        assert shelf.found("late arrival")

    done = shelf.move(meanwhile)
    assert (done.embedded, done.chunks) == (8, 6)
    assert shelf.found("x") == ["0.txt", "1.txt", "3.txt", "4.txt", "5.txt", "late.txt"]
    assert shelf.catalog.is_live(stays.id)
    assert shelf.sync().to_json()["files"] == {"unchanged": 6}


def test_the_way_back_embeds_only_what_changed_since(shelf: Shelf) -> None:
    shelf.move()
    shelf.write("new.txt", "blue car")
    shelf.write("1.txt", "another text altogether")
    (shelf.folder / "2.txt").unlink()
    shelf.sync()
    encoded = shelf.encoder.encoded
    done = shelf.back()
    assert (done.embedded, done.remade, done.chunks) == (2, 2, 6)
    assert shelf.encoder.encoded == encoded + 2
    assert 0 < done.switch_ms < 1000
    assert shelf.model == "hash"
    assert shelf.found("x") == ["0.txt", "1.txt", "3.txt", "4.txt", "5.txt", "new.txt"]
    assert shelf.sync().to_json()["files"] == {"unchanged": 6}
    with pytest.raises(Conflict, match="no index from before"):
        shelf.back()
    assert shelf.move().embedded == 0  # the vectors of the space that was left are still there


def test_an_index_that_came_back_is_the_one_it_was(shelf: Shelf) -> None:
    before = shelf.searcher.search("red box 3", 100)
    shelf.move()
    shelf.back()
    shelf.searcher.reader(patience_s=None)
    after = shelf.searcher.search("red box 3", 100)
    assert after.snapshot == before.snapshot + 2
    assert after.hits == before.hits


def test_the_index_from_before_outlives_ingestions_and_ends_with_the_next_move(
    shelf: Shelf,
) -> None:
    shelf.move()
    for number in range(4):
        shelf.write("again.txt", f"edition {number}")
        shelf.sync()
    assert SnapshotStore(shelf.home).numbers() == [1, 5, 6]
    shelf.next = HashEncoder(32, "third")
    shelf.move()
    assert SnapshotStore(shelf.home).numbers() == [6, 7]
    keys = {HashEncoder(64, "next").fingerprint.key, shelf.next.fingerprint.key}
    assert {path.stem for path in shelf.home.vectors.glob("*.sqlite")} == keys


@pytest.mark.parametrize("how", ["forget", "compact"])
def test_the_index_from_before_can_be_given_up(shelf: Shelf, how: str) -> None:
    shelf.move()
    shelf.write("again.txt", "edition")
    shelf.sync()
    if how == "forget":
        assert forget(shelf.home, shelf.catalog) == [shelf.encoder.fingerprint.key]
    else:
        with closing(Writer(shelf.home, shelf.catalog, shelf.next, shelf.corpus)) as writer:
            compact(shelf.home, shelf.catalog, writer)
    assert way_back(shelf.home) is None
    assert len(SnapshotStore(shelf.home).numbers()) == 1
    assert [path.stem for path in shelf.home.vectors.glob("*.sqlite")] == [
        shelf.next.fingerprint.key
    ]
    with pytest.raises(Conflict, match="no index from before"):
        shelf.back()
    assert len(shelf.found("red box")) == 7


def test_another_chunking_is_moved_to_and_back_as_well(shelf: Shelf) -> None:
    shelf.write(
        "long.txt", "\n\n".join(f"Paragraph {n} is of some length. " * 9 for n in range(20))
    )
    shelf.sync()
    before = shelf.catalog.chunk_ids()
    shelf.settings = IngestSettings(workers=1, chunk_tokens=64, overlap_tokens=0)
    shelf.next = shelf.encoder
    done = shelf.move()
    assert done.before is not None
    assert done.after is not None
    assert (done.before.chunkings, done.after.chunkings) == (
        ("recursive-200-30",),
        ("recursive-64-0",),
    )
    assert len(shelf.catalog.chunk_ids()) > len(before)
    shelf.back()
    assert shelf.catalog.chunk_ids() == before


def test_one_reindexing_at_a_time_and_no_compaction_under_it(shelf: Shelf) -> None:
    with shelf.home.reindex_lock():
        with pytest.raises(Conflict, match="being reindexed"):
            shelf.move()
        with (
            closing(Writer(shelf.home, shelf.catalog, shelf.encoder, shelf.corpus)) as writer,
            pytest.raises(Conflict, match="being reindexed"),
        ):
            compact(shelf.home, shelf.catalog, writer)


def test_nothing_ingested_is_nothing_to_move(desk: Desk) -> None:
    corpus = CorpusSettings(home=desk.home.root)
    with closing(
        Reindexer(desk.home, desk.catalog, desk.encoder, IngestSettings(), corpus)
    ) as reindexer:
        done = reindexer.run()
    assert (done.before, done.after, done.snapshot) == (None, None, 0)


def test_the_old_pair_answers_until_the_new_encoder_is_loaded(shelf: Shelf) -> None:
    asked, loaded = threading.Event(), threading.Event()

    def slowly(space: object) -> HashEncoder:
        asked.set()
        assert loaded.wait(20)
        return shelf.next

    searcher = Searcher(
        shelf.home, shelf.catalog, shelf.encoder, RetrievalSettings(), encoder_of=slowly
    )
    assert searcher.search("red box").snapshot == 1
    shelf.move()
    queries: list[int] = []
    while len(queries) < 5 or not asked.is_set():
        queries.append(searcher.search("red box", mode="dense").snapshot)
    assert set(queries) == {1}
    assert searcher.live.encoder is shelf.encoder
    loaded.set()
    searcher.reader(patience_s=None)
    assert searcher.search("red box", mode="dense").snapshot == 2
    assert searcher.live.encoder is shelf.next


def test_rows_that_wait_for_a_commit_are_never_seen(shelf: Shelf) -> None:
    seen: list[tuple[int, int]] = []

    class Watched(Catalog):
        """Looks from outside whenever a part was staged."""

        def stage(self, *args: object) -> None:
            super().stage(*args)
            with closing(Catalog(shelf.home)) as other:
                seen.append((other.snapshot, sum(other.chunk_counts().values())))

    with closing(Watched(shelf.home)) as catalog:
        reindexer = Reindexer(shelf.home, catalog, shelf.next, shelf.settings, shelf.corpus)
        reindexer.run()
        reindexer.close()
    assert seen == [(1, 6)]
    assert sum(shelf.catalog.chunk_counts().values()) == 6
    assert shelf.catalog.snapshot == 2
