"""Compaction: no byte of a deleted document is left, and what is left alone is named."""

from __future__ import annotations

import fcntl
import io
from contextlib import closing

from corpus.home import Home
from corpus.job_records import save_job
from corpus.settings import CorpusSettings
from corpus.snapshot import SnapshotStore
from ingest.compact import Compaction, compact
from ingest.writer import Writer
from tests.ingest.conftest import Desk

SECRET = "zebraquartz"


def compacted(desk: Desk, *, drop_quarantine: bool = False) -> Compaction:
    corpus = CorpusSettings(home=desk.home.root)
    with closing(Writer(desk.home, desk.catalog, desk.encoder, corpus)) as writer:
        return compact(desk.home, desk.catalog, writer, drop_quarantine=drop_quarantine)


def files_with(home: Home, word: str) -> list[str]:
    files = (path for path in home.root.rglob("*") if path.is_file())
    return [path.name for path in files if word.encode() in path.read_bytes()]


def delete_a_secret(desk: Desk) -> None:
    desk.write("secret.txt", f"The {SECRET} sleeps in the hall. " * 400)
    desk.write("box.txt", "red box")
    desk.sync()
    (desk.folder / "secret.txt").unlink()
    desk.sync()


def test_no_byte_of_a_deleted_document_is_left(desk: Desk) -> None:
    delete_a_secret(desk)
    assert files_with(desk.home, SECRET)
    done = compacted(desk)
    assert files_with(desk.home, SECRET) == []
    assert done.bytes_after < done.bytes_before
    assert done.bytes_after == desk.home.size()
    assert SnapshotStore(desk.home).numbers() == [done.snapshot]
    assert desk.found("red") == ["box.txt"]


def test_leftovers_of_killed_processes_go_too(desk: Desk) -> None:
    delete_a_secret(desk)
    text = SECRET.encode()
    desk.home.keep(io.BytesIO(text), 100)  # kept, but never committed
    left = ["uploads/1/a.txt", "unpacked/1/a.txt", "snapshots/staging/a", "originals/x.tmp"]
    for name in left:
        path = desk.home.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    compacted(desk)
    assert files_with(desk.home, SECRET) == []


def test_compaction_embeds_nothing_and_forgets_vectors_nobody_needs(desk: Desk) -> None:
    delete_a_secret(desk)
    encoded = desk.encoder.encoded
    compacted(desk)
    assert desk.encoder.encoded == encoded
    desk.write("secret.txt", f"The {SECRET} sleeps in the hall. " * 400)
    desk.sync()
    assert desk.encoder.encoded > encoded


def test_an_empty_home_can_be_compacted(desk: Desk) -> None:
    assert compacted(desk).snapshot == 0


def test_what_was_set_aside_is_kept_and_named_unless_asked(desk: Desk) -> None:
    delete_a_secret(desk)
    kept = desk.home.set_aside(SnapshotStore(desk.home).folder(1))
    (note,) = compacted(desk).notes
    assert "quarantine" in note
    assert kept.exists()
    assert compacted(desk, drop_quarantine=True).notes == ()
    assert not desk.home.quarantine.exists()


def test_uploads_of_a_running_service_are_left_alone(desk: Desk) -> None:
    delete_a_secret(desk)
    upload = desk.home.uploads / "1" / "new.txt"
    upload.parent.mkdir(parents=True)
    upload.write_text("just arrived")
    with (desk.home.root / "service.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (note,) = compacted(desk).notes
    assert "stop it" in note
    assert upload.exists()
    compacted(desk)
    assert not upload.exists()


def test_uploads_of_an_unfinished_job_are_kept_for_it(desk: Desk) -> None:
    for id, state in (("1", "queued"), ("2", "done")):
        save_job(desk.catalog.database, id, state, 0.0, {}, {})
        folder = desk.home.uploads / id
        folder.mkdir(parents=True)
        (folder / "new.txt").write_text("just arrived")
    compacted(desk)
    assert [folder.name for folder in desk.home.uploads.iterdir()] == ["1"]
