"""Archives are folders: their members are found, updated and removed like files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from ingest.parsing.worker import ParserPool
from tests.ingest.conftest import Desk


def zipped(**members: str | bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return made.getvalue()


def states(desk: Desk, **options: object) -> dict[str, str]:
    report = desk.sync(**options)
    return {f.source.removeprefix(f"{desk.folder}/"): str(f.state) for f in report.files}


def test_the_members_of_an_archive_are_documents(desk: Desk) -> None:
    desk.write("a.zip", zipped(notes__red_txt="red box", blue_md="# Blue\n\ncar"))
    assert states(desk) == {
        "a.zip": "indexed",
        "a.zip/notes/red.txt": "indexed",
        "a.zip/blue.md": "indexed",
    }
    (archive,) = [d for d in desk.catalog.documents() if d.source.endswith(".zip")]
    assert (archive.media_type, archive.reason) == ("application/zip", "archive of 2 files")
    assert desk.found("red") == ["red.txt"]
    assert not (desk.home.root / "unpacked").exists()
    member = desk.searcher.search("red box").hits[0].document
    assert desk.home.original(member.sha256).read_text() == "red box"  # for the viewer


def test_an_unchanged_archive_is_not_unpacked_again(desk: Desk, monkeypatch: object) -> None:
    desk.write("a.zip", zipped(red_txt="red box", empty_txt="", **{"../evil.md": "grey"}))
    assert states(desk)["a.zip"] == "indexed_partial"
    snapshot = desk.catalog.snapshot
    unpacked = []
    monkeypatch.setattr(ParserPool, "unpack", lambda *_: unpacked.append(1))
    assert states(desk) == {
        "a.zip": "unchanged",
        "a.zip/red.txt": "unchanged",
        "a.zip/empty.txt": "empty_text",
        "a.zip/evil.md": "unsafe_path",
    }
    assert (desk.catalog.snapshot, unpacked) == (snapshot, [])


def test_a_changed_archive_changes_only_the_members_that_did(desk: Desk) -> None:
    desk.write("a.zip", zipped(red_txt="red box", blue_txt="blue car", green_txt="green tree"))
    states(desk)
    encoded = desk.encoder.encoded
    desk.write("a.zip", zipped(red_txt="red box", blue_txt="blue house"))
    report = desk.sync()
    assert report.removed == 1
    assert desk.encoder.encoded == encoded + 1
    assert (desk.found("green"), desk.found("house")) == ([], ["blue.txt"])
    (desk.folder / "a.zip").rename(desk.folder / "b.zip")
    desk.sync()
    assert desk.encoder.encoded == encoded + 1
    assert len(desk.catalog.documents()) == 3
    (desk.folder / "b.zip").unlink()
    desk.sync()
    assert desk.catalog.documents() == []


def test_a_bad_member_costs_itself_and_is_named(desk: Desk) -> None:
    inner = zipped(deep_txt="deep green sea")
    desk.write("a.zip", zipped(red_txt="red box", wrong_pdf=b"\x89PNG\r\n", inner_zip=inner))
    found = states(desk)
    assert found["a.zip/wrong.pdf"] == "type_mismatch"
    assert found["a.zip/inner.zip/deep.txt"] == "indexed"
    report = desk.sync()
    (archive,) = [f for f in report.files if f.source.endswith("a.zip")]
    assert "1 of which could not be read" in archive.reason


def test_an_archive_that_cannot_be_unpacked_has_no_members_left(desk: Desk) -> None:
    desk.write("a.zip", zipped(red_txt="red box"))
    desk.sync()
    desk.write("a.zip", b"PK\x03\x04 no archive at all")
    assert states(desk) == {"a.zip": "corrupt"}
    assert desk.found("red") == []
    desk.write("a.zip", zipped())
    assert states(desk) == {"a.zip": "empty_text"}


def test_patterns_and_sidecars_reach_into_archives(home: object, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    desk = Desk(home, folder, exclude=("drafts",))
    archive = {
        "drafts__a_txt": "red draft",
        "b_txt": "red box",
        "b_txt_meta_yaml": "author: Ada",
    }
    desk.write("a.zip", zipped(**archive))
    report = desk.sync()
    assert (desk.found("red"), report.ignored) == (["b.txt"], 1)
    (hit,) = desk.searcher.search("red box", filters={"author": "Ada"}).hits
    assert hit.document.source.endswith("a.zip/b.txt")
    desk.close()


def test_an_uploaded_archive_is_replaced_and_removed_as_a_whole(desk: Desk, tmp_path: Path) -> None:
    upload = tmp_path / "0000.zip"
    upload.write_bytes(zipped(red_txt="red box", blue_txt="blue car"))
    desk.pipeline.add([("a.zip", upload)])
    assert desk.found("red") == ["red.txt"]
    upload.write_bytes(zipped(red_txt="red house"))
    report = desk.pipeline.add([("a.zip", upload)])
    assert (report.removed, desk.found("blue")) == (1, [])
    (archive,) = [d for d in desk.catalog.documents() if d.source == "upload:a.zip"]
    desk.pipeline.remove([archive.id])
    assert desk.catalog.documents() == []
