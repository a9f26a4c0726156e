"""Files made to hurt: each ends in its named state, in its time, and leaves nothing behind.

They are read in a process of their own, two at a time, each parser with 2 GiB of address space and 60 seconds. The
default run leaves out those that take long; the full run reads all.
"""

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.ingest.parsing.hostile import HOSTILE, KEPT, make

ROOT = Path(__file__).resolve().parents[3]
MEBIBYTE = 1 << 20
# Those that take more than a few seconds of a processor, or of which making them does.
LONG = {
    "attachments.eml",
    "brackets.md",
    "cells.docx",
    "columns.csv",
    "deep.html",
    "deep.md",
    "deep.rtf",
    "deeper.html",
    "flate.pdf",
    "form-loop.pdf",
    "large.png",
    "laughs.xlsx",
    "line.txt",
    "lines.pdf",
    "loop.epub",
    "many-members.zip",
    "open-quote.csv",
    "picture.pdf",
    "stars.md",
}
WITHOUT_WORDS = {  # in which the known words do not stand
    "cells.docx",
    "columns.csv",
    "deep.json",
    "line.txt",
    "lines.pdf",
    "open-quote.csv",
    "wide.pdf",
}
TIMEOUT_S = 60

READ = """
import json, resource, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from corpus.errors import FileProblem
from ingest.parsing import is_archive
from ingest.parsing.limits import Limits
from ingest.parsing.worker import ParserPool

folder, scratch, timeout_s = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
tempfile.tempdir = str(scratch)

def read(path):
    begin = time.monotonic()
    state, kept = judge(path)
    return path.name, [state, kept, time.monotonic() - begin]

def judge(path):
    try:
        if is_archive(path):
            with tempfile.TemporaryDirectory() as inside:
                members = pool.unpack(path, Path(inside))
                return "unpacked", all(one.problem for one in members)
        parsed = pool.parse(path)
    except FileProblem as problem:
        return str(problem.state), problem.reason.count(repr(path.name)) == 1
    return "indexed_partial" if parsed.missing else "indexed", KEPT in parsed.text

KEPT = sys.argv[4]
paths = sorted(folder.iterdir())
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
limits = Limits(timeout_s=timeout_s)
with ParserPool(2, limits) as pool, ThreadPoolExecutor(2) as threads:
    pool.parse(Path(sys.argv[5]))
    before = peak()
    ends = dict(threads.map(read, paths))
print(json.dumps({"ends": ends, "grown": peak() - before, "left": [str(p) for p in scratch.iterdir()]}))
"""


def read_all(names: list[str], tmp_path: Path) -> dict[str, list]:
    """How each of the files ended: its state, whether what should be kept is, and the seconds it took."""
    folder, scratch = tmp_path / "files", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    for name in names:
        make(name, folder)
    note = tmp_path / "note.txt"
    note.write_text("a harmless file")
    command = [
        sys.executable,
        "-c",
        READ,
        str(folder),
        str(scratch),
        str(TIMEOUT_S),
        KEPT,
        str(note),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as reader:
        said = json.loads(reader.communicate()[0])
    assert said["left"] == []
    assert started_from(scratch) == []
    assert said["grown"] < 50 * MEBIBYTE
    return said["ends"]


def started_from(scratch: Path) -> list[str]:
    """The processes that have their temporary folder in ``scratch``."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR", "").startswith(str(scratch)):
                found.append(process.name())
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found


def assert_ended_well(ends: dict[str, list]) -> None:
    states = {name: state for name, (state, _, _) in ends.items()}
    assert states == {name: HOSTILE[name][0] for name in ends}
    not_kept = {name for name, (_, kept, _) in ends.items() if not kept}
    assert not_kept - WITHOUT_WORDS == set()
    assert [name for name, (_, _, seconds) in ends.items() if seconds > TIMEOUT_S + 10] == []


def test_hostile_files_end_in_their_states_and_leave_nothing_behind(tmp_path: Path) -> None:
    assert_ended_well(read_all(sorted(HOSTILE.keys() - LONG), tmp_path))


@pytest.mark.full
@pytest.mark.timeout(900)
def test_hostile_files_that_take_long_end_in_their_states_as_well(tmp_path: Path) -> None:
    assert_ended_well(read_all(sorted(LONG), tmp_path))


def test_there_are_enough_hostile_files() -> None:
    assert len(HOSTILE) >= 40
    assert HOSTILE.keys() >= LONG
    assert not [name for name, (state, _) in HOSTILE.items() if state == "internal_error"]
