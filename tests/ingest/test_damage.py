"""Any damage to any file of a snapshot is found before an answer is served from it."""

from __future__ import annotations

import logging
import random
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from corpus.catalog import Catalog
from corpus.errors import Damaged
from corpus.home import Home
from corpus.settings import CorpusSettings
from corpus.snapshot import SnapshotStore
from corpus.upkeep import check_catalog
from ingest.repair import Repair, damaged_originals, repair
from ingest.writer import Writer
from retrieval.search import Searcher
from retrieval.settings import RetrievalSettings
from retrieval.vectors import VectorStore, check_vectors, mend_vectors
from tests.fakes import HashEncoder
from tests.ingest.conftest import Desk

PAGE = 4096


def flip(raw: bytearray, rng: random.Random, _: bytes) -> None:
    raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)


def truncate(raw: bytearray, rng: random.Random, _: bytes) -> None:
    del raw[rng.randrange(len(raw)) :]


def zero(raw: bytearray, rng: random.Random, _: bytes) -> None:
    start = rng.randrange(len(raw)) // PAGE * PAGE
    raw[start : start + PAGE] = bytes(len(raw[start : start + PAGE]))


def swap(raw: bytearray, _: random.Random, other: bytes) -> None:
    raw[:] = other


DAMAGES: list[Callable[[bytearray, random.Random, bytes], None]] = [flip, truncate, zero, swap]


@pytest.fixture
def desk_of_two(desk: Desk) -> Desk:
    """The last snapshot but one holds two documents; the last lacks the first and has another."""
    desk.write("box.txt", "red box")
    desk.write("car.txt", "red car")
    desk.sync()
    (desk.folder / "box.txt").unlink()
    desk.write("house.txt", "red house")
    desk.sync()
    return desk


def mended(desk: Desk) -> Repair:
    """What a repair says, by a writer of its own."""
    corpus = CorpusSettings(home=desk.home.root)
    with closing(Writer(desk.home, desk.catalog, desk.encoder, corpus)) as writer:
        return repair(desk.home, desk.catalog, writer)


def files_of(home: Home, number: int) -> list[Path]:
    files = (p for p in SnapshotStore(home).folder(number).rglob("*") if p.is_file())
    return sorted([home.current, *(p for p in files if p.suffix != ".lock")])


def served(home: Home) -> list[str]:
    """What a search finds when the home is opened now."""
    with closing(Catalog(home)) as catalog:
        searcher = Searcher(home, catalog, HashEncoder(), RetrievalSettings())
        hits = searcher.search("red", 10, "lexical").hits
        return sorted(Path(hit.document.source).stem for hit in hits)


def replace(path: Path, raw: bytes) -> None:
    """Other bytes in a file of its own: whoever has the old one mapped into memory keeps that."""
    path.unlink()
    path.write_bytes(raw)


def verify(home: Home) -> None:
    """What opening the live snapshot checks."""
    snapshot = SnapshotStore(home).live()
    assert snapshot is not None
    snapshot.verify()


def test_damage_anywhere_is_found_before_an_answer_is_served(desk: Desk) -> None:
    desk.write("box.txt", "red box")
    desk.write("car.txt", "red car")
    desk.sync()
    files = files_of(desk.home, 1)
    whole = {path: path.read_bytes() for path in files}
    rng = random.Random(7)
    for n in range(500):
        path = files[n % len(files)]
        other = rng.choice([raw for raw in whole.values() if raw != whole[path]])
        raw = bytearray(whole[path])
        while raw == whole[path]:  # a page may hold nothing but zeros
            rng.choice(DAMAGES)(raw, rng, other)
        replace(path, raw)
        with pytest.raises(Damaged):
            verify(desk.home)
        if path == desk.home.current:  # the snapshot itself is whole, and found
            assert served(desk.home) == ["box", "car"]
        else:
            with pytest.raises(Damaged):
                served(desk.home)
        replace(path, whole[path])
    assert served(desk.home) == ["box", "car"]


def test_an_older_snapshot_stands_in_without_what_was_removed_since(
    desk_of_two: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    home = desk_of_two.home
    live = SnapshotStore(home).current()
    older = SnapshotStore(home).numbers()[0]
    next(SnapshotStore(home).folder(live).glob("dense/*.vectors.npy")).write_bytes(b"zeroed")
    with caplog.at_level(logging.WARNING):
        result = desk_of_two.searcher.search("red")
    assert result.snapshot == older < live
    assert [Path(hit.document.source).stem for hit in result.hits] == ["car"]
    assert "does not match its checksum" in caplog.text
    assert f"snapshot {older} answers" in caplog.text


@pytest.mark.parametrize("what", ["segment", "manifest", "CURRENT", "no CURRENT", "no folder"])
def test_the_next_writer_sets_damage_aside_and_indexes_anew_without_embedding(
    desk_of_two: Desk, what: str
) -> None:
    home, encoded = desk_of_two.home, desk_of_two.encoder.encoded
    folder = SnapshotStore(home).folder(SnapshotStore(home).current())
    match what:
        case "segment":
            next(folder.glob("dense/*.vectors.npy")).write_bytes(b"zeroed")
        case "manifest":
            (folder / "manifest.json").write_bytes(b"{}")
        case "CURRENT":
            home.current.write_bytes(b"v9\n")
        case "no CURRENT":
            home.current.unlink()
        case "no folder":
            shutil.rmtree(folder)
    done = mended(desk_of_two)
    assert done.done
    assert done.embedded == 0
    assert SnapshotStore(home).current() == done.snapshot
    assert served(home) == ["car", "house"]
    assert home.quarantine.exists() == (what in ("segment", "manifest"))
    assert mended(desk_of_two).done == ()
    desk_of_two.write("tree.txt", "red tree")
    desk_of_two.sync()
    assert served(home) == ["car", "house", "tree"]
    assert desk_of_two.encoder.encoded == encoded + 1


def test_an_ingestion_never_builds_upon_damage(desk_of_two: Desk) -> None:
    home = desk_of_two.home
    folder = SnapshotStore(home).folder(SnapshotStore(home).current())
    replace(next(folder.glob("lexical/*.idx")), b"")
    desk_of_two.close()
    again = Desk(home, desk_of_two.folder)
    again.write("tree.txt", "red tree")
    again.sync()
    assert served(home) == ["car", "house", "tree"]
    assert [path.name for path in home.quarantine.iterdir()] == [f"{folder.name}.1"]
    again.close()


@pytest.mark.parametrize("damage", [flip, zero, truncate])
def test_damaged_vectors_are_never_used_but_computed_again(
    home: Home, damage: Callable[..., None]
) -> None:
    texts = [f"red box {n}" for n in range(300)]
    expected = HashEncoder().encode_passages(texts)
    rng = random.Random(3)
    for _ in range(8):
        store = VectorStore(home, HashEncoder())
        store.embed(texts)
        store.close()
        (path,) = home.vectors.glob("*.sqlite")
        raw = bytearray(path.read_bytes())
        damage(raw, rng, b"")
        path.write_bytes(raw)
        store = VectorStore(home, HashEncoder())
        assert (store.embed(texts) == expected).all()
        store.close()
        mend_vectors(home, path)
        store = VectorStore(home, HashEncoder())
        assert (store.embed(texts) == expected).all()
        store.close()
        check_vectors(path)
        path.unlink()


def test_a_damaged_or_missing_copy_is_named_and_made_anew_from_its_source(desk: Desk) -> None:
    source = desk.write("box.txt", "red box")
    desk.sync()
    (document,) = desk.catalog.documents()
    path = desk.home.original(document.sha256)
    assert list(damaged_originals(desk.home, desk.catalog)) == []
    for damaged in (b"red bux", None):
        path.unlink() if damaged is None else path.write_bytes(damaged)
        named = [(document.sha256, str(source))]
        assert list(damaged_originals(desk.home, desk.catalog)) == named
        assert "made anew from the source" in mended(desk).done[0]
        assert path.read_bytes() == b"red box"


def test_a_copy_whose_source_is_gone_is_named_and_kept_aside(desk: Desk) -> None:
    source = desk.write("box.txt", "red box")
    desk.sync()
    (document,) = desk.catalog.documents()
    source.unlink()
    desk.home.original(document.sha256).write_bytes(b"red bux")
    (said,) = mended(desk).done
    assert "cannot be shown" in said
    assert [p.read_bytes() for p in desk.home.quarantine.iterdir()] == [b"red bux"]


def test_a_chunk_whose_text_was_altered_is_named(desk: Desk) -> None:
    desk.write("box.txt", "red box")
    desk.sync()
    check_catalog(desk.catalog.database)
    with desk.catalog.database.transaction() as db:
        db.execute("UPDATE chunks SET text = 'red bux'")
    with pytest.raises(Damaged, match=r"box\.txt"):
        check_catalog(desk.catalog.database)


def test_a_catalog_with_damaged_pages_is_named(desk: Desk) -> None:
    desk.write("long.txt", "\n\n".join(f"Paragraph {n} of a red box. " * 20 for n in range(60)))
    desk.sync()
    desk.catalog.close()
    raw = bytearray(desk.home.catalog.read_bytes())
    raw[8 * PAGE :] = b"\xff" * (len(raw) - 8 * PAGE)
    desk.home.catalog.write_bytes(raw)
    with closing(Catalog(desk.home)) as catalog, pytest.raises(Damaged, match=r"catalog\.sqlite"):
        check_catalog(catalog.database)
