"""Snapshots are immutable, checked against their manifest, and switched atomically."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from corpus.errors import Damaged, OperatorError
from corpus.home import Home, write_durably
from corpus.snapshot import SnapshotStore, link_tree


@pytest.fixture
def store(home: Home) -> SnapshotStore:
    made = SnapshotStore(home)
    staging = made.stage()
    (staging / "dense").mkdir()
    (staging / "dense" / "a.bin").write_bytes(b"abc" * 100)
    (staging / "b.bin").write_bytes(b"xyz")
    made.publish(staging, 1, {"chunks": 3})
    made.go_live(1)
    return made


def test_a_published_snapshot_reads_back_whole(store: SnapshotStore) -> None:
    snapshot = store.open(store.current())
    snapshot.verify()
    assert (snapshot.number, dict(snapshot.body)) == (1, {"chunks": 3})
    assert set(snapshot.files) == {"dense/a.bin", "b.bin"}


def test_what_was_compared_before_is_not_read_again_unless_it_changed(store: SnapshotStore) -> None:
    snapshot = store.open(1)
    stamps = snapshot.verify()
    assert stamps == snapshot.stamps()
    path = snapshot.folder / "dense" / "a.bin"
    before = path.stat()
    path.write_bytes(b"abd" * 100)
    with pytest.raises(Damaged, match=r"a\.bin"):
        snapshot.verify(stamps)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # the disk changed it, nobody wrote
    assert snapshot.verify(stamps) == stamps
    with pytest.raises(Damaged, match=r"a\.bin"):
        snapshot.verify()


def test_a_snapshot_of_a_newer_version_is_refused_and_left_alone(
    store: SnapshotStore, home: Home
) -> None:
    path = store.folder(1) / "manifest.json"
    manifest = {**json.loads(path.read_text()), "format": 99}
    del manifest["sha256"]
    sha256 = hashlib.sha256(json.dumps(manifest, indent=1, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps({**manifest, "sha256": sha256}, indent=1, sort_keys=True))
    with pytest.raises(OperatorError, match=r"written by a newer Alcove .*upgrade") as refused:
        store.open(1)
    assert not isinstance(refused.value, Damaged)  # a repair would make it anew, in an older format


def test_before_the_first_snapshot_there_is_none(home: Home) -> None:
    assert SnapshotStore(home).current() == 0


@pytest.mark.parametrize("damage", ["flip", "truncate", "zero", "remove", "add", "swap"])
def test_every_damage_is_found_and_named(store: SnapshotStore, damage: str) -> None:
    folder = store.folder(1)
    path = folder / "dense" / "a.bin"
    raw = bytearray(path.read_bytes())
    if damage == "flip":
        raw[150] ^= 4
    elif damage == "truncate":
        raw = raw[:-1]
    elif damage == "zero":
        raw[:] = bytes(len(raw))
    elif damage == "swap":
        raw = bytearray((folder / "b.bin").read_bytes())
    if damage == "remove":
        path.unlink()
    elif damage == "add":
        (folder / "dense" / "c.bin").write_bytes(b"")
    else:
        path.write_bytes(raw)
    with pytest.raises(Damaged, match=r"c\.bin" if damage == "add" else r"a\.bin"):
        store.open(1).verify()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 99}'])
def test_a_manifest_that_cannot_be_read_is_damaged(store: SnapshotStore, text: str) -> None:
    (store.folder(1) / "manifest.json").write_text(text)
    with pytest.raises(Damaged, match=r"manifest"):
        store.open(1)


@pytest.mark.parametrize("raw", [b"", b"latest\n", b"\xff\xfe"])
def test_a_current_file_that_names_no_snapshot_is_damaged(home: Home, raw: bytes) -> None:
    home.current.write_bytes(raw)
    with pytest.raises(Damaged, match="CURRENT"):
        SnapshotStore(home).current()


def test_a_staging_folder_left_by_a_killed_writer_is_cleared(store: SnapshotStore) -> None:
    left = store.stage()
    (left / "half").write_bytes(b"half")
    assert list(store.stage().iterdir()) == []


def test_a_number_that_was_staged_but_never_committed_is_reused(store: SnapshotStore) -> None:
    for content in (b"lost", b"kept"):
        staging = store.stage()
        (staging / "c.bin").write_bytes(content)
        store.publish(staging, 2, {})
    snapshot = store.open(2)
    snapshot.verify()
    assert (snapshot.folder / "c.bin").read_bytes() == b"kept"
    assert store.current() == 1


def test_old_snapshots_go_and_kept_ones_stay(store: SnapshotStore) -> None:
    for number in (2, 3):
        store.publish(store.stage(), number, {})
    store.clear({2, 3})
    assert store.numbers() == [2, 3]


def test_linked_files_share_bytes_and_copies_do_not(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "big").write_bytes(b"big")
    (source / "meta.json").write_text(json.dumps({}))
    link_tree(source, tmp_path / "target", frozenset({"meta.json"}))
    assert (tmp_path / "target" / "big").samefile(source / "big")
    assert not (tmp_path / "target" / "meta.json").samefile(source / "meta.json")


def test_a_durable_write_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_durably(path, b"a long first version")
    write_durably(path, b"short")
    assert path.read_bytes() == b"short"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_home_that_is_a_file_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(OperatorError, match="not a folder"):
        Home(path / "home")


def test_current_repeats_the_manifest_s_checksum(store: SnapshotStore, home: Home) -> None:
    live = store.live()
    assert live is not None
    assert home.current.read_bytes() == f"v000001 {live.sha256}\n".encode()
    home.current.write_bytes(b"v000001\n")  # cut short, though it still names the right one
    with pytest.raises(Damaged, match="differ"):
        store.live()


def test_a_manifest_of_another_snapshot_is_damaged(store: SnapshotStore) -> None:
    store.publish(store.stage(), 2, {})
    other = (store.folder(2) / "manifest.json").read_bytes()
    (store.folder(1) / "manifest.json").write_bytes(other)
    with pytest.raises(Damaged, match="does not match"):
        store.open(1)


def test_a_snapshot_of_the_first_format_is_read(store: SnapshotStore, home: Home) -> None:
    path = store.folder(1) / "manifest.json"
    manifest = json.loads(path.read_bytes())
    del manifest["sha256"]
    path.write_text(json.dumps({**manifest, "format": 1}, indent=1, sort_keys=True))
    home.current.write_bytes(b"v000001\n")
    live = store.live()
    assert live is not None
    live.verify()
    store.go_live(1)
    assert home.current.read_bytes() == b"v000001\n"


def test_a_linked_file_keeps_the_checksum_it_had_even_if_it_was_damaged_since(
    store: SnapshotStore,
) -> None:
    previous = store.open(1)
    staging = store.stage()
    link_tree(previous.folder / "dense", staging / "dense")
    with (previous.folder / "dense" / "a.bin").open("r+b") as file:
        file.write(b"x")
    snapshot = store.publish(staging, 2, {}, previous)
    assert snapshot.files["dense/a.bin"] == previous.files["dense/a.bin"]
    with pytest.raises(Damaged, match=r"a\.bin"):
        store.open(2).verify()
