"""Sixty paths that a folder may hold: nothing outside is read, nothing blocks, and each file ends in a named state.

Outside the folder lies a text with a canary in it; when a case is done, the canary is in no byte of the home.
"""

from __future__ import annotations

import os
import socket
import stat
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from corpus.catalog import Catalog
from corpus.errors import NotFound
from corpus.home import Home
from ingest import opening
from ingest.parsing.limits import Limits
from ingest.reading import Reading
from tests.ingest.conftest import Desk

CANARY = "xylophonic-canary-4711"
SECONDS = 60  # for one case, whatever it is; without a guard the blocking ones never end


@dataclass
class Place:
    """The folder that is ingested, and what lies outside."""

    root: Path
    outside: Path

    @property
    def secret(self) -> Path:
        return self.outside / "secret.txt"


def text(place: Place, name: str, words: str = "a red box") -> None:
    path = place.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(words)


def link(place: Place, name: str, target: str | Path) -> None:
    path = place.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def chain(place: Place) -> None:
    link(place, "one.txt", "two.txt")
    link(place, "two.txt", "three.txt")
    link(place, "three.txt", place.secret)


def chain_inside(place: Place) -> None:
    link(place, "one.txt", "two.txt")
    link(place, "two.txt", "real.txt")
    text(place, "real.txt")


def linked_folder_in_the_middle(place: Place) -> None:
    (place.root / "a").mkdir()
    link(place, "a/out", place.outside)


def bytes_name(place: Place, name: bytes, words: str = "a red box") -> None:
    Path(os.fsdecode(os.fsencode(place.root) + b"/" + name)).write_text(words)


def unix_socket(place: Place) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(place.root)  # the path of a socket may only be short
        try:
            server.bind("s.txt")
        finally:
            os.chdir(here)


def device(place: Place) -> None:
    try:
        os.mknod(place.root / "zero.txt", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("a device node can only be made by root")


def hard_link(place: Place) -> None:
    text(place, "a.txt")
    os.link(place.root / "a.txt", place.root / "b.txt")


def sparse(place: Place) -> None:
    with (place.root / "huge.txt").open("wb") as file:
        file.truncate(10 * 2**30)


def forbidden(place: Place) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    text(place, "locked.txt")
    (place.root / "locked.txt").chmod(0)


# Each: how the folder is made, and the state of each file by its name. What is not named is passed
# over, as the documentation says.
CASES: dict[str, tuple[Callable[[Place], object], dict[str, str]]] = {
    # links out of the folder
    "absolute link to a file": (lambda p: link(p, "a.txt", p.secret), {"a.txt": "unsafe_path"}),
    "relative link to a file": (
        lambda p: link(p, "a.txt", "../outside/secret.txt"),
        {"a.txt": "unsafe_path"},
    ),
    "absolute link to a folder": (lambda p: link(p, "f", p.outside), {"f": "unsafe_path"}),
    "relative link to a folder": (lambda p: link(p, "f", "../outside"), {"f": "unsafe_path"}),
    "link to the parent": (lambda p: link(p, "up", ".."), {"up": "unsafe_path"}),
    "link to a folder, deep down": (linked_folder_in_the_middle, {"out": "unsafe_path"}),
    "chain of links out": (
        chain,
        {"one.txt": "unsafe_path", "two.txt": "unsafe_path", "three.txt": "unsafe_path"},
    ),
    "link that goes out and comes back": (
        lambda p: (text(p, "real.txt"), link(p, "a.txt", "../root/real.txt")),
        {"real.txt": "indexed"},
    ),
    "link over a linked folder": (
        lambda p: (link(p, "f", p.outside), link(p, "a.txt", "f/secret.txt")),
        {"f": "unsafe_path", "a.txt": "unsafe_path"},
    ),
    "link to /proc": (
        lambda p: link(p, "a.txt", "/proc/self/environ"),
        {"a.txt": "unsafe_path"},
    ),
    "link to the root by /proc": (
        lambda p: link(p, "a", "/proc/self/root"),
        {"a": "unsafe_path"},
    ),
    "link to a descriptor": (lambda p: link(p, "a.txt", "/dev/fd/0"), {"a.txt": "unsafe_path"}),
    "link to /dev/zero": (lambda p: link(p, "a.txt", "/dev/zero"), {"a.txt": "unsafe_path"}),
    "link to /dev/full": (lambda p: link(p, "a.txt", "/dev/full"), {"a.txt": "unsafe_path"}),
    "link to /dev/stdin": (lambda p: link(p, "a.txt", "/dev/stdin"), {"a.txt": "unsafe_path"}),
    "link to /etc": (lambda p: link(p, "a.txt", "/etc/passwd"), {"a.txt": "unsafe_path"}),
    "link to /": (lambda p: link(p, "top", "/"), {"top": "unsafe_path"}),
    "dangling link out": (lambda p: link(p, "a.txt", "/no/such"), {"a.txt": "unsafe_path"}),
    "link whose name ends in .pdf to a folder": (
        lambda p: link(p, "a.pdf", p.outside),
        {"a.pdf": "unsafe_path"},
    ),
    "sidecar that is a link out": (
        lambda p: (text(p, "a.txt"), link(p, "a.txt.meta.yaml", p.secret)),
        {"a.txt": "indexed", "a.txt.meta.yaml": "unsafe_path"},
    ),
    "ignore file that is a link out": (
        lambda p: (text(p, "a.txt"), link(p, ".alcoveignore", p.secret)),
        {"a.txt": "indexed", ".alcoveignore": "unsafe_path"},
    ),
    # links inside the folder
    "link to a file inside": (
        lambda p: (text(p, "a.txt"), link(p, "b.txt", "a.txt")),
        {"a.txt": "indexed"},
    ),
    "absolute link to a file inside": (
        lambda p: (text(p, "a.txt"), link(p, "b.txt", p.root / "a.txt")),
        {"a.txt": "indexed"},
    ),
    "link to a folder inside": (
        lambda p: (text(p, "f/a.txt"), link(p, "g", "f")),
        {"a.txt": "indexed"},
    ),
    "chain of links inside": (chain_inside, {"real.txt": "indexed"}),
    "link to itself": (lambda p: link(p, "a.txt", "a.txt"), {"a.txt": "unreadable"}),
    "two links in a circle": (
        lambda p: (link(p, "a", "b"), link(p, "b", "a")),
        {"a": "unreadable", "b": "unreadable"},
    ),
    "link to its own folder": (
        lambda p: (text(p, "a.txt"), link(p, "loop", ".")),
        {"a.txt": "indexed"},
    ),
    "links to the folder above, on many levels": (
        lambda p: (text(p, "f/g/a.txt"), link(p, "f/up", "."), link(p, "f/g/up", "..")),
        {"a.txt": "indexed"},
    ),
    "dangling link inside": (lambda p: link(p, "a.txt", "gone.txt"), {"a.txt": "unreadable"}),
    # what is no regular file
    "named pipe": (lambda p: os.mkfifo(p.root / "pipe.txt"), {"pipe.txt": "unsupported_type"}),
    "named pipe called like a sidecar": (
        lambda p: (text(p, "a.txt"), os.mkfifo(p.root / "a.txt.meta.yaml")),
        {"a.txt": "indexed_partial"},
    ),
    "named pipe called like an ignore file": (
        lambda p: (text(p, "a.txt"), os.mkfifo(p.root / ".alcoveignore")),
        {"a.txt": "indexed", ".alcoveignore": "corrupt"},
    ),
    "socket": (unix_socket, {"s.txt": "unsupported_type"}),
    "device node": (device, {"zero.txt": "unsupported_type"}),
    "folder called like a file": (lambda p: text(p, "a.pdf/b.txt"), {"b.txt": "indexed"}),
    "empty folder called like a file": (lambda p: (p.root / "a.pdf").mkdir(), {}),
    # names
    "name that is no UTF-8": (
        lambda p: bytes_name(p, b"caf\xe9.txt"),
        {"caf\\xe9.txt": "indexed"},
    ),
    "two names that look the same": (
        lambda p: (bytes_name(p, b"caf\xe9.txt"), bytes_name(p, b"caf\\xe9.txt", "other words")),
        {"caf\\xe9.txt": "indexed", "caf\\xe9.txt\\": "indexed"},
    ),
    "name of 255 bytes": (
        lambda p: bytes_name(p, b"n" * 251 + b".txt"),
        {"n" * 251 + ".txt": "indexed"},
    ),
    "name of 255 bytes, none of them UTF-8": (
        lambda p: bytes_name(p, b"\xff" * 251 + b".txt"),
        {"\\xff" * 251 + ".txt": "indexed"},
    ),
    "name with a line break": (lambda p: text(p, "a\nb.txt"), {"a\nb.txt": "indexed"}),
    "name with quotes": (lambda p: text(p, "a'\"`b.txt"), {"a'\"`b.txt": "indexed"}),
    "name with a terminal's escape": (
        lambda p: text(p, "a\x1b[2Jb.txt"),
        {"a\x1b[2Jb.txt": "indexed"},
    ),
    "name with an emoji": (lambda p: text(p, "📄.txt"), {"📄.txt": "indexed"}),
    "name written right to left": (
        lambda p: text(p, "\u202egpj.txt"),
        {"\u202egpj.txt": "indexed"},
    ),
    "name with a leading dash": (lambda p: text(p, "--help.txt"), {"--help.txt": "indexed"}),
    "name with trailing dots": (lambda p: text(p, "a.txt..."), {"a.txt...": "indexed"}),
    "name with spaces around": (lambda p: text(p, " a.txt "), {" a.txt ": "indexed"}),
    "name of glob characters": (lambda p: text(p, "[a]*?.txt"), {"[a]*?.txt": "indexed"}),
    "name with a percent sign and markup": (
        lambda p: text(p, "100%[bold].txt"),
        {"100%[bold].txt": "indexed"},
    ),
    "name that looks like an upload": (
        lambda p: text(p, "upload:a.txt"),
        {"upload:a.txt": "indexed"},
    ),
    "names that differ in case only": (
        lambda p: (text(p, "A.txt"), text(p, "a.txt", "other words")),
        {"A.txt": "indexed", "a.txt": "indexed"},
    ),
    "names that are one after normalisation": (
        lambda p: (text(p, "caf\u00e9.txt"), text(p, "cafe\u0301.txt", "other words")),
        {"caf\u00e9.txt": "indexed", "cafe\u0301.txt": "indexed"},
    ),
    "very deep folders": (
        lambda p: text(p, "/".join(["d"] * 200) + "/a.txt"),
        {"a.txt": "indexed"},
    ),
    # contents
    "hard link": (hard_link, {"a.txt": "indexed", "b.txt": "indexed"}),
    "sparse file of 10 GiB": (sparse, {"huge.txt": "too_large"}),
    "file without permissions": (forbidden, {"locked.txt": "unreadable"}),
}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "root", tmp_path / "outside")
    made.root.mkdir()
    made.outside.mkdir()
    made.secret.write_text(f"a red secret {CANARY}")
    return made


@pytest.fixture
def desk(home: Home, place: Place) -> Desk:
    return Desk(home, place.root)


def states(desk: Desk, *paths: Path) -> dict[str, str]:
    report = desk.pipeline.sync(list(paths or [desk.folder]))
    return {f.source.rpartition("/")[2]: str(f.state) for f in report.files}


def assert_nothing_leaked(desk: Desk) -> None:
    desk.close()
    for path in desk.home.root.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path


@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("case", CASES)
def test_a_path_ends_in_its_state_and_nothing_outside_is_read(
    desk: Desk, place: Place, case: str
) -> None:
    make, expected = CASES[case]
    make(place)
    found = states(desk)
    assert found == expected
    assert {k: v for k, v in states(desk).items() if v != "unchanged"} == {
        k: v for k, v in expected.items() if v not in ("indexed", "indexed_partial")
    }
    assert_nothing_leaked(desk)


# Paths as arguments


@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("path", ["/dev/zero", "/dev/full", "/dev/tty"])
def test_a_device_as_argument_is_not_opened(desk: Desk, path: str) -> None:
    assert states(desk, Path(path)) == {Path(path).name: "unsupported_type"}
    assert_nothing_leaked(desk)


@pytest.mark.timeout(SECONDS)
def test_a_link_as_argument_is_followed_to_a_folder_or_beside_it_only(
    desk: Desk, place: Place
) -> None:
    text(place, "a.txt")
    link(place, "beside.txt", "a.txt")
    link(place, "out.txt", place.secret)
    link(place, "zero.txt", "/dev/zero")
    (place.outside.parent / "door").symlink_to(place.root)
    assert states(desk, place.root / "beside.txt") == {"a.txt": "indexed"}
    assert states(desk, place.root / "out.txt") == {"out.txt": "unsafe_path"}
    assert states(desk, place.root / "zero.txt") == {"zero.txt": "unsafe_path"}
    (door,) = [d for d in states(desk, place.outside.parent / "door").items() if d[0] == "a.txt"]
    assert door == ("a.txt", "indexed")
    assert_nothing_leaked(desk)


@pytest.mark.timeout(SECONDS)
def test_dots_in_an_argument_are_resolved_before_links(desk: Desk, place: Place) -> None:
    text(place, "a.txt")
    (place.root / "sub").mkdir()
    link(place, "sub/out", place.outside)
    assert states(desk, place.root / "sub" / ".." / "a.txt") == {"a.txt": "indexed"}
    with pytest.raises(NotFound):  # not the secret that is beside the link's target
        states(desk, place.root / "sub" / "out" / ".." / "secret.txt")
    assert_nothing_leaked(desk)


def test_a_file_behind_a_linked_folder_is_read_when_the_person_names_it(
    desk: Desk, place: Place
) -> None:
    text(place, "real/a.txt")
    link(place, "door", "real")
    assert states(desk, place.root / "door" / "a.txt") == {"a.txt": "indexed"}


# What happens while a file is read: done between two looks of the pipeline, by a wrapper around the
# function that takes the look.


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, act: Callable[[], object]
) -> None:
    """Have ``act`` happen once, just before ``owner.name`` is called for the first time."""
    real = getattr(owner, name)
    once = threading.Lock()

    def wrapped(*args: object, **kwargs: object) -> object:
        if once.acquire(blocking=False):
            act()
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, wrapped)


def swap_for_link(path: Path, target: Path) -> None:
    path.rename(path.with_name("moved-away"))
    path.symlink_to(target)


MEANWHILE: dict[str, tuple[object, str, Callable[[Place], object], str]] = {
    "swapped for a link before it is opened": (
        *(opening, "open_inside"),
        lambda p: swap_for_link(p.root / "f/a.txt", p.secret),
        "unsafe_path",
    ),
    "its folder swapped for a link before it is opened": (
        *(Reading, "_outcome"),  # the folder was opened for the walk before
        lambda p: swap_for_link(p.root / "f", p.outside),
        "unsafe_path",
    ),
    "swapped for a named pipe before it is opened": (
        *(opening, "open_inside"),
        lambda p: ((p.root / "f/a.txt").unlink(), os.mkfifo(p.root / "f/a.txt")),
        "unsupported_type",
    ),
    "deleted before it is opened": (
        *(opening, "open_inside"),
        lambda p: (p.root / "f/a.txt").unlink(),
        "unreadable",
    ),
    "replaced after it was hashed": (
        *(Home, "keep"),
        lambda p: ((p.root / "f/a.txt").unlink(), text(p, "f/a.txt", "a blue car")),
        "indexed",
    ),
    "deleted after it was hashed": (
        *(Home, "keep"),
        lambda p: (p.root / "f/a.txt").unlink(),
        "indexed",
    ),
    "forbidden after it was opened": (
        *(Home, "keep"),
        lambda p: (p.root / "f/a.txt").chmod(0),
        "indexed",
    ),
    "truncated after it was hashed": (
        *(Home, "keep"),
        lambda p: os.truncate(p.root / "f/a.txt", 3),
        "unreadable",
    ),
    "grown after it was hashed": (
        *(Home, "keep"),
        lambda p: (p.root / "f/a.txt").open("a").write("and more"),
        "unreadable",
    ),
    "swapped for a link after it was kept": (
        *(Reading, "_parsed"),
        lambda p: swap_for_link(p.root / "f/a.txt", p.secret),
        "indexed",
    ),
}


@pytest.mark.timeout(SECONDS)
@pytest.mark.filterwarnings("ignore:unclosed file")  # of the case's own writer
@pytest.mark.parametrize("case", MEANWHILE)
def test_a_file_that_changes_under_the_reader_s_eyes_ends_in_a_state(
    desk: Desk, place: Place, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    owner, name, act, expected = MEANWHILE[case]
    text(place, "f/a.txt")
    meanwhile(monkeypatch, owner, name, lambda: act(place))
    assert states(desk) == {"a.txt": expected}
    if expected == "indexed":
        assert [hit.chunk.text for hit in desk.searcher.search("red box", 1).hits] == ["a red box"]
    assert_nothing_leaked(desk)


@pytest.mark.timeout(SECONDS)
def test_a_folder_swapped_for_a_link_during_the_walk_is_not_entered(
    desk: Desk, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    text(place, "f/a.txt")
    from ingest import discover

    meanwhile(
        monkeypatch,
        discover._Walk,
        "_below",
        lambda: swap_for_link(place.root / "f", place.outside),
    )
    assert states(desk) == {"f": "unsafe_path"}
    assert_nothing_leaked(desk)


def test_the_limits_of_a_file_are_its_size_when_it_was_opened() -> None:
    assert Limits().max_bytes < 10 * 2**30  # so that the sparse file above is really too large
    assert sys.getfilesystemencoding() == "utf-8"  # what the names above are written in


def test_an_unreadable_folder_keeps_what_is_known_of_it(
    desk: Desk, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    text(place, "f/a.txt")
    text(place, "b.txt", "a red car")
    states(desk)
    from ingest import discover

    real = discover.open_folder

    def denied(root: Path, folders: list[str]) -> object:
        if list(folders) == ["f"]:
            raise PermissionError(13, "Permission denied")
        return real(root, folders)

    monkeypatch.setattr(discover, "open_folder", denied)
    assert states(desk) == {"b.txt": "unchanged", "f": "unreadable"}
    assert set(desk.found("red")) == {"a.txt", "b.txt"}
    monkeypatch.undo()
    assert states(desk) == {"a.txt": "unchanged", "b.txt": "unchanged"}
    assert len(Catalog(desk.home).documents()) == 2
