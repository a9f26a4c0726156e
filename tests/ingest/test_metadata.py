"""Metadata comes from documents and from files beside them, and searches can be limited by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.metadata import flat, read_yaml
from tests.ingest.conftest import Desk


def the_document(desk: Desk, name: str = "a.txt") -> object:
    (found,) = [d for d in desk.catalog.documents() if Path(d.source).name == name]
    return found


def test_a_sidecar_gives_its_document_metadata_and_a_title(desk: Desk) -> None:
    desk.write("a.txt", "red box")
    desk.write("a.txt.meta.yaml", "Title: Boxes\nversion: 1.10\ntags: [wood, paint]\n")
    desk.write("b.txt", "red car")
    desk.write("b.txt.meta.json", '{"year": 2024, "draft": true, "note": null}')
    report = desk.sync()
    assert (len(report.files), report.exit_status) == (2, 0)
    assert the_document(desk).title == "Boxes"
    assert the_document(desk).metadata == {
        "title": "Boxes",
        "version": "1.10",
        "tags": "wood, paint",
    }
    assert the_document(desk, "b.txt").metadata == {"year": "2024", "draft": "true"}
    hits = desk.searcher.search("red", filters={"tags": "wood", "version": "1.10"}).hits
    assert [Path(hit.document.source).name for hit in hits] == ["a.txt"]


def test_a_changed_sidecar_is_followed_without_embedding_anything(desk: Desk) -> None:
    desk.write("a.txt", "red box")
    desk.write("a.txt.meta.yaml", "author: Ada")
    desk.sync()
    encoded, snapshot = desk.encoder.encoded, desk.catalog.snapshot
    assert desk.sync().to_json()["files"] == {"unchanged": 1}
    assert desk.catalog.snapshot == snapshot
    desk.write("a.txt.meta.yaml", "author: Bob")
    desk.sync()
    assert the_document(desk).metadata == {"author": "Bob"}
    assert desk.found("red") == ["a.txt"]
    (desk.folder / "a.txt.meta.yaml").unlink()
    desk.sync()
    assert the_document(desk).metadata == {}
    assert desk.encoder.encoded == encoded


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("just words", "no mapping"),
        ("a: [1, {b: c}]", "'a' is no text"),
        ("a: {b: c}", "'a' is no text"),
        ("a: &x 1\nb: *x", "anchors"),
        ("a: [", "no valid YAML"),
        ("[" * 5000, "no valid YAML"),
        ("a: " + "x" * 70_000, "MiB"),
        ("\n".join(f"k{n}: v" for n in range(200)), "200 keys"),
    ],
)
def test_a_broken_sidecar_is_a_partial_document_with_a_reason(
    desk: Desk, content: str, why: str
) -> None:
    desk.write("a.txt", "red box")
    desk.write("a.txt.meta.yaml", content)
    (file,) = desk.sync().files
    assert file.state == "indexed_partial"
    assert "'a.txt.meta.yaml' is not used" in file.reason
    assert why in file.reason
    assert desk.found("red") == ["a.txt"]


def test_two_sidecars_are_one_too_many(desk: Desk) -> None:
    desk.write("a.txt", "red box")
    desk.write("a.txt.meta.yaml", "a: b")
    desk.write("a.txt.meta.json", "{}")
    (file,) = desk.sync().files
    assert "there are 2 of them; keep one" in file.reason


def test_front_matter_is_metadata_and_a_sidecar_s_word_counts_more(desk: Desk) -> None:
    desk.write("a.md", "---\nauthor: Ada\ntags:\n  - wood\n  - paint\n---\n\nRed box.")
    desk.sync()
    assert the_document(desk, "a.md").metadata == {"author": "Ada", "tags": "wood, paint"}
    desk.write("a.md.meta.yaml", "author: Bob")
    desk.sync()
    assert the_document(desk, "a.md").metadata == {"author": "Bob", "tags": "wood, paint"}


def test_values_are_read_as_they_are_written() -> None:
    assert read_yaml("country: no\ndate: 2024-01-05\nnumber: 0o17\nempty:\n") == {
        "country": "no",
        "date": "2024-01-05",
        "number": "0o17",
    }
    assert flat({"A  b": [1, None, 2.5]}) == {"a b": "1, 2.5"}
