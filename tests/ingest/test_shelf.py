"""Documents are deleted and brought back, cut otherwise, and found to be the same, without reading a file again."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from corpus.errors import Conflict, NotFound, UserError
from corpus.home import Home
from corpus.settings import CorpusSettings
from corpus.shelf import same_as
from ingest.pipeline import Pipeline
from ingest.recipes import chunking_of, own_of
from ingest.reindex import Reindexer
from ingest.settings import IngestSettings
from ingest.writer import Writer
from tests.fakes import HashEncoder
from tests.ingest.conftest import Desk
from tests.ingest.test_compact import SECRET, compacted, files_with

LONG = "\n\n".join(f"# Part {n}\n\n" + f"The box {n} is red. " * 30 for n in range(8))


def id_of(desk: Desk, name: str) -> str:
    (found,) = [d.id for d in desk.catalog.documents() if Path(d.source).name == name]
    return found


def chunks(desk: Desk, id: str) -> list[str]:
    return [chunk.id for chunk in desk.catalog.chunks_of(id)]


def test_a_deleted_document_comes_back_without_reading_or_embedding(desk: Desk) -> None:
    desk.write("a.md", LONG)
    desk.write("b.txt", "blue car")
    desk.sync()
    id, before = id_of(desk, "a.md"), desk.catalog.stored()
    was, encoded = chunks(desk, id), desk.encoder.encoded
    desk.pipeline.remove([id], undo_s=60)
    assert desk.found("red") == []
    assert not desk.catalog.is_live(id)
    (desk.folder / "a.md").unlink()
    for n in range(5):  # commits that clear away what no snapshot can see any more
        desk.write("b.txt", f"blue car {n}")
        desk.sync()
    (desk.folder / "b.txt").write_text("blue car")
    encoded = desk.encoder.encoded
    desk.pipeline.restore(id)
    assert set(desk.found("red")) == {"a.md"}
    assert chunks(desk, id) == was
    assert desk.encoder.encoded == encoded
    assert desk.catalog.stored()[0] == before[0]
    assert desk.home.original(desk.catalog.document(id).sha256).exists()
    assert desk.pipeline.restore(id) == desk.catalog.snapshot  # once more changes nothing


def test_what_cannot_be_brought_back_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("a.txt", "red box")
    desk.sync()
    id = id_of(desk, "a.txt")
    with pytest.raises(NotFound, match="no document"):
        desk.pipeline.remove(["nobody"])
    desk.pipeline.remove([id])
    with pytest.raises(Conflict, match="any more"):
        desk.pipeline.restore(id)
    desk.sync()
    desk.pipeline.remove([id], undo_s=60)
    desk.write("a.txt", "another red box")
    desk.sync()
    with pytest.raises(Conflict, match="added again since"):
        desk.pipeline.restore(id)
    now = time.time()
    monkeypatch.setattr("corpus.undo.time.time", lambda: now + 61)
    desk.pipeline.remove([id_of(desk, "a.txt")])
    with pytest.raises(Conflict, match="any more"):
        desk.pipeline.restore(id)


def test_compaction_respects_an_undo_and_leaves_no_byte_once_it_is_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("secret.txt", f"The {SECRET} sleeps in the hall. " * 400)
    desk.write("box.txt", "red box")
    desk.sync()
    id = id_of(desk, "secret.txt")
    desk.pipeline.remove([id], undo_s=60)
    (note,) = compacted(desk).notes
    assert note.startswith("1 deleted document can still be brought back")
    encoded = desk.encoder.encoded
    desk.pipeline.restore(id)
    assert set(desk.found(SECRET)) == {"secret.txt"}
    assert desk.encoder.encoded == encoded
    desk.pipeline.remove([id], undo_s=60)
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 61)
    assert compacted(desk).notes == ()
    assert files_with(desk.home, SECRET) == []
    assert desk.catalog.database.rows("SELECT * FROM undos") == []


def test_an_archive_goes_and_comes_back_with_its_members(desk: Desk) -> None:
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.txt", "red box")
        archive.writestr("deep/two.txt", "red car")
    desk.write("a.zip", packed.getvalue())
    desk.sync()
    before = desk.catalog.stored()
    id = id_of(desk, "a.zip")
    desk.pipeline.remove([id], undo_s=60)
    assert desk.catalog.documents() == []
    desk.pipeline.restore(id)
    assert desk.catalog.stored() == before
    assert set(desk.found("red")) == {"one.txt", "two.txt"}
    report = desk.pipeline.rechunk(id, "fixed", 32)
    assert {f.state for f in report.files} == {"indexed"}
    assert len(report.files) == 2


def test_a_document_brought_back_after_a_move_is_cut_and_embedded_in_the_new_space(
    desk: Desk,
) -> None:
    desk.write("a.md", LONG)
    desk.write("b.txt", "blue car")
    desk.sync()
    id = id_of(desk, "a.md")
    desk.pipeline.remove([id], undo_s=60)
    (desk.folder / "a.md").unlink()
    corpus, settings = CorpusSettings(home=desk.home.root), IngestSettings(workers=1)
    other = HashEncoder(64, "next")
    with closing(Reindexer(desk.home, desk.catalog, other, settings, corpus)) as reindexer:
        reindexer.run()
    with closing(Pipeline(desk.home, desk.catalog, other, settings, corpus)) as pipeline:
        pipeline.restore(id)
        assert other.fingerprint.key in desk.catalog.stored_one(id).recipe
        assert len(desk.catalog.chunks_of(id)) > 1
        report = pipeline.sync([desk.folder])
    assert report.removed == 1  # its file is gone, and the index agrees again


def test_a_document_is_cut_by_its_own_strategy_until_that_is_taken_back(desk: Desk) -> None:
    path = desk.write("a.md", LONG)
    desk.write("b.txt", LONG)
    desk.sync()
    id, other = id_of(desk, "a.md"), id_of(desk, "b.txt")
    was, untouched = chunks(desk, id), chunks(desk, other)
    path.unlink()  # nothing is read
    report = desk.pipeline.rechunk(id, "fixed", 40)
    assert [(f.state, f.reason) for f in report.files] == [("indexed", "")]
    assert (report.chunks_removed, report.chunks_added) == (len(was), len(chunks(desk, id)))
    assert {c.strategy for c in desk.catalog.chunks_of(id)} == {"fixed-40-6"}
    assert set(desk.found("red")) == {"a.md", "b.txt"}
    cut = chunks(desk, id)
    path.write_text(LONG)
    assert desk.sync().to_json()["files"] == {"unchanged": 2}
    assert (chunks(desk, id), chunks(desk, other)) == (cut, untouched)
    path.write_text(LONG + "\n\nA last word.")
    desk.sync()
    edited = desk.catalog.stored_one(id_of(desk, "a.md"))
    assert (chunking_of(edited.recipe), str(own_of(edited.recipe))) == (
        "fixed-40-6",
        "own fixed 40",
    )
    again = desk.pipeline.rechunk(edited.document.id, "recursive")
    assert again.chunks_added > 0
    assert own_of(desk.catalog.stored_one(edited.document.id).recipe) is None
    same = desk.pipeline.rechunk(edited.document.id, "recursive", 200)
    assert [f.state for f in same.files] == ["unchanged"]


def test_another_strategy_of_the_settings_and_reindexing_leave_a_documents_own(desk: Desk) -> None:
    desk.write("a.md", LONG)
    desk.write("b.txt", LONG)
    desk.sync()
    id = id_of(desk, "a.md")
    desk.pipeline.rechunk(id, "structure")
    corpus = CorpusSettings(home=desk.home.root)
    fixed = IngestSettings(workers=1, strategy="fixed")
    with closing(Pipeline(desk.home, desk.catalog, desk.encoder, fixed, corpus)) as pipeline:
        pipeline.sync([desk.folder])
    names = {Path(s.document.source).name: chunking_of(s.recipe) for s in desk.catalog.stored()}
    assert names == {"a.md": "structure-200", "b.txt": "fixed-200-30"}
    other = HashEncoder(64, "next")
    with closing(Reindexer(desk.home, desk.catalog, other, fixed, corpus)) as reindexer:
        reindexer.run()
        assert reindexer.run().switch_ms == 0  # nothing more was to be done
    assert {c.strategy for c in desk.catalog.chunks_of(id)} == {"structure-200"}


def test_what_cannot_be_cut_stays_as_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write("a.md", LONG)
    desk.write("bad.pdf", b"\x89PNG\r\n\x1a\n")
    desk.sync()
    id, before = id_of(desk, "a.md"), desk.catalog.stored()
    with pytest.raises(UserError, match="no chunking strategy"):
        desk.pipeline.rechunk(id, "magic")
    with pytest.raises(NotFound):
        desk.pipeline.rechunk("nobody", "fixed")
    with pytest.raises(Conflict, match="no text"):
        desk.pipeline.rechunk(id_of(desk, "bad.pdf"), "fixed")
    assert desk.catalog.stored() == before
    assert set(desk.found("red")) == {"a.md"}


def test_the_same_bytes_and_the_same_text_are_found_to_be_the_same(desk: Desk) -> None:
    desk.write("a.txt", "red box")
    desk.write("copy.txt", "red box")
    desk.write("deep/text.md", "red box\n")
    desk.write("other.txt", "blue car")
    desk.write("nothing.txt", "")
    desk.write("nothing either.txt", "")
    desk.sync()
    same = same_as(desk.catalog.database, id_of(desk, "a.txt"), desk.catalog.snapshot, None)
    assert [Path(d.source).name for d in same] == ["copy.txt", "text.md"]
    desk.pipeline.add([("mine.txt", desk.folder / "a.txt")], "private")
    desk.catalog.set_readers("private", ["ada"])
    for reader, found in ((None, 3), ("ada", 3), ("bob", 2)):
        at = desk.catalog.snapshot
        seen = same_as(desk.catalog.database, id_of(desk, "a.txt"), at, reader)
        assert len(seen) == found
    empty = same_as(desk.catalog.database, id_of(desk, "nothing.txt"), desk.catalog.snapshot, None)
    assert empty == []


def test_a_copied_home_of_before_is_searched_and_listed(home: Home, tmp_path: Path) -> None:
    """Restoring needs the writer alone: no pipeline has to be open for the rows to stay."""
    folder = tmp_path / "papers"
    folder.mkdir()
    desk = Desk(home, folder)
    desk.write("a.txt", "red box")
    desk.sync()
    id = id_of(desk, "a.txt")
    desk.pipeline.remove([id], undo_s=60)
    desk.close()
    again = Desk(home, folder)
    with closing(
        Writer(home, again.catalog, again.encoder, CorpusSettings(home=home.root))
    ) as writer:
        writer.clear_away()
    again.pipeline.restore(id)
    assert again.found("red") == ["a.txt"]
    again.close()
