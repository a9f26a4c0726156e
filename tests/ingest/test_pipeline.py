"""The index is exactly the folder, and every file ends in a named state."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from corpus.errors import Conflict, DiskFull, FingerprintMismatch, NotFound, UserError
from corpus.home import Home
from corpus.settings import CorpusSettings
from corpus.snapshot import SnapshotStore
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from retrieval.search import Searcher
from retrieval.settings import RetrievalSettings
from tests.fakes import HashEncoder
from tests.ingest.conftest import Desk


def test_each_file_ends_in_a_state_with_a_reason(desk: Desk) -> None:
    desk.write("good.txt", "the red box")
    desk.write("empty.txt", "")
    desk.write("wrong.pdf", b"\x89PNG\r\n\x1a\n0000")
    desk.write("thing.bin", b"\x00\x01\x02\x03" * 50)
    desk.write("broken.docx", b"PK\x03\x04 nothing")
    report = desk.sync()
    states = {Path(f.source).name: str(f.state) for f in report.files}
    assert states == {
        "good.txt": "indexed",
        "empty.txt": "empty_text",
        "wrong.pdf": "type_mismatch",
        "thing.bin": "unsupported_type",
        "broken.docx": "corrupt",
    }
    assert all(f.reason for f in report.files if f.is_problem)
    assert report.exit_status == 1
    listed = {Path(d.source).name: str(d.state) for d in desk.catalog.documents()}
    assert listed == states


def test_adding_changing_renaming_and_deleting_files_is_followed(desk: Desk) -> None:
    desk.write("a.txt", "red box")
    desk.write("b.txt", "blue car")
    first = desk.sync()
    assert (first.chunks_added, first.exit_status) == (2, 0)
    assert desk.found("red") == ["a.txt"]

    desk.write("a.txt", "green box")
    desk.write("c.txt", "yellow house")
    second = desk.sync()
    assert (second.chunks_added, second.chunks_removed, second.chunks_kept) == (2, 1, 1)
    assert (desk.found("red"), desk.found("green")) == ([], ["a.txt"])

    encoded = desk.encoder.encoded
    (desk.folder / "c.txt").rename(desk.folder / "d.txt")
    desk.sync()
    assert desk.found("yellow") == ["d.txt"]
    assert desk.encoder.encoded == encoded  # the same text is never embedded twice

    (desk.folder / "b.txt").unlink()
    last = desk.sync()
    assert (last.removed, desk.found("blue")) == (1, [])
    assert [Path(d.source).name for d in desk.catalog.documents()] == ["a.txt", "d.txt"]


def test_an_unchanged_folder_embeds_and_writes_nothing(desk: Desk) -> None:
    desk.write("a.txt", "red box")
    desk.write("empty.txt", "")
    desk.sync()
    encoded, snapshot = desk.encoder.encoded, desk.catalog.snapshot
    before = {p: p.stat().st_mtime_ns for p in desk.home.snapshots.rglob("*")}
    report = desk.sync()
    assert report.to_json()["files"] == {"unchanged": 1, "empty_text": 1}
    assert (desk.encoder.encoded, desk.catalog.snapshot) == (encoded, snapshot)
    assert {p: p.stat().st_mtime_ns for p in desk.home.snapshots.rglob("*")} == before


def test_a_changed_part_of_a_long_file_embeds_only_what_changed(desk: Desk) -> None:
    paragraphs = [f"Paragraph {n} speaks of subject{n}. " * 12 for n in range(40)]
    desk.write("long.txt", "\n\n".join(paragraphs))
    desk.sync()
    chunks, encoded = desk.catalog.chunk_ids(), desk.encoder.encoded
    paragraphs[20] = "Now it speaks of something else entirely. " * 12
    desk.write("long.txt", "\n\n".join(paragraphs))
    desk.sync()
    assert len(chunks) >= 20
    assert 0 < desk.encoder.encoded - encoded <= len(chunks) // 4


def test_equal_files_are_both_found_and_embedded_once(desk: Desk) -> None:
    desk.write("a.txt", "red box")
    desk.write("copy/a.txt", "red box")
    desk.sync()
    assert desk.encoder.encoded == 1
    assert len(desk.found("red")) == 2
    assert len([p for p in desk.home.originals.rglob("*") if p.is_file()]) == 1


def test_deleted_documents_leave_nothing_behind(desk: Desk) -> None:
    desk.write("a.txt", "red box")
    desk.write("b.txt", "blue car")
    desk.sync()
    (desk.folder / "a.txt").unlink()
    for number in range(3):  # the last snapshots are kept a while
        desk.write("b.txt", f"blue car {number}")
        desk.sync()
    assert len(list(desk.home.snapshots.glob("v*"))) == 2
    assert not [
        p for p in desk.home.originals.rglob("*") if p.is_file() and b"red" in p.read_bytes()
    ]


def test_chunks_point_at_the_stored_text(desk: Desk) -> None:
    desk.write(
        "a.md",
        "# Title\n\nSome words.\n\n" + "\n\n".join(f"Paragraph {n}. " * 30 for n in range(9)),
    )
    desk.sync()
    (document,) = desk.catalog.documents()
    text = desk.catalog.text(document.id)
    for chunk in desk.catalog.chunks_of(document.id):
        assert chunk.text == "\n".join(text[span.start : span.end] for span in chunk.spans)


def test_uploads_stay_when_a_folder_is_synchronised(desk: Desk, tmp_path: Path) -> None:
    upload = tmp_path / "upload.txt"
    upload.write_text("purple tree")
    desk.pipeline.add([("notes.txt", upload)])
    desk.write("a.txt", "red box")
    desk.sync()
    assert desk.found("purple") == ["upload:notes.txt"]
    upload.write_text("orange tree")
    desk.pipeline.add([("notes.txt", upload)])
    assert (desk.found("purple"), desk.found("orange")) == ([], ["upload:notes.txt"])


def test_what_is_wrong_with_an_upload_is_said_with_the_name_it_was_given(
    desk: Desk, tmp_path: Path
) -> None:
    (tmp_path / "upload.txt").write_bytes(b"")
    desk.pipeline.add([("empty.txt", tmp_path / "upload.txt")])
    (document,) = desk.catalog.documents()
    assert document.reason == "The file 'empty.txt' has no bytes in it."


def test_collections_are_kept_apart(desk: Desk, tmp_path: Path) -> None:
    desk.write("a.txt", "red box")
    desk.sync(collection="one")
    desk.sync(collection="two")
    (desk.folder / "a.txt").unlink()
    desk.sync(collection="two")
    assert [c.name for c in desk.catalog.collections()] == ["one"]
    assert desk.found("red") == ["a.txt"]


def test_removing_a_document_is_searched_at_once(desk: Desk) -> None:
    desk.write("a.txt", "red box")
    desk.write("b.txt", "red car")
    desk.sync()
    first = desk.catalog.documents()[0]
    desk.pipeline.remove([first.id])
    assert desk.found("red") == ["b.txt"]
    with pytest.raises(NotFound, match=first.id):
        desk.pipeline.remove([first.id])


def test_another_encoder_than_the_index_has_is_refused_by_name(desk: Desk) -> None:
    desk.write("a.txt", "red box")
    desk.sync()
    other = Pipeline(desk.home, desk.catalog, HashEncoder(64, "next"), IngestSettings(workers=1))
    desk.write("b.txt", "blue car")
    with pytest.raises(FingerprintMismatch, match="model 'hash' against 'next'; dimension 256"):
        other.sync([desk.folder])
    with pytest.raises(FingerprintMismatch, match="reindex"):
        other.remove([desk.catalog.documents()[0].id])
    assert (desk.catalog.snapshot, len(desk.catalog.documents())) == (1, 1)
    assert desk.found("red") == ["a.txt"]
    other.close()


def test_an_emptied_index_takes_any_encoder(desk: Desk) -> None:
    desk.write("a.txt", "red box")
    desk.sync()
    desk.pipeline.remove([document.id for document in desk.catalog.documents()])
    other = HashEncoder(64, "next")
    searcher = Searcher(desk.home, desk.catalog, other, RetrievalSettings())
    assert searcher.search("red box").hits == ()
    with closing(Pipeline(desk.home, desk.catalog, other, IngestSettings(workers=1))) as pipeline:
        assert pipeline.sync([desk.folder]).chunks_added == 1
    assert len(searcher.search("red box", mode="dense").hits) == 1


def test_a_commit_that_was_killed_before_current_moved_is_finished(desk: Desk) -> None:
    desk.write("a.txt", "red box")
    desk.sync()
    desk.write("b.txt", "red car")
    desk.sync()
    SnapshotStore(desk.home).go_live(1)  # as if killed between catalog and CURRENT
    assert desk.found("red") == ["a.txt"]
    desk.sync()
    assert sorted(desk.found("red")) == ["a.txt", "b.txt"]


def test_one_ingestion_at_a_time(desk: Desk) -> None:
    with desk.home.writer_lock(), pytest.raises(Conflict, match="another ingestion"):
        desk.sync()


def test_too_little_space_is_said_before_anything_is_written(desk: Desk) -> None:
    desk.write("a.txt", "red box")
    desk.sync()
    desk.write("b.txt", "red car")
    settings = CorpusSettings(home=desk.home.root, min_free_mib=2**40)
    pipeline = Pipeline(desk.home, desk.catalog, desk.encoder, IngestSettings(workers=1), settings)
    with pytest.raises(DiskFull, match="free at least"):
        pipeline.sync([desk.folder])
    pipeline.close()
    assert desk.found("red") == ["a.txt"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "a\nb"])
def test_a_bad_collection_name_is_refused(desk: Desk, name: str) -> None:
    with pytest.raises(UserError, match="cannot name a collection"):
        desk.sync(collection=name)


def test_progress_counts_every_file(desk: Desk) -> None:
    for number in range(5):
        desk.write(f"{number}.txt", f"text {number}")
    seen = []
    desk.sync(listen=seen.append)
    assert [(p.done, p.total) for p in seen] == [(n, 5) for n in range(1, 6)]


def test_a_full_disk_leaves_the_last_snapshot_serving(tmp_path: Path, small_disk: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    desk = Desk(Home(small_disk / "home"), folder)
    desk.pipeline.close()
    corpus = CorpusSettings(home=desk.home.root, min_free_mib=0)
    desk.pipeline = Pipeline(
        desk.home, desk.catalog, desk.encoder, IngestSettings(workers=1), corpus
    )
    desk.write("a.txt", "red box")
    desk.sync()
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(b"x" * 2**24)
    desk.write("b.txt", "red car")
    with pytest.raises(DiskFull, match="no space left"):
        desk.sync()
    assert desk.found("red") == ["a.txt"]
    filler.unlink()
    desk.sync()
    assert set(desk.found("red")) == {"a.txt", "b.txt"}
    desk.close()
