"""Parser processes: whatever a file does to its parser, the job goes on and nothing is left behind."""

import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from corpus.errors import DiskFull, FileProblem
from corpus.records import State
from ingest.parsing import parse_file
from ingest.parsing.limits import Limits
from ingest.parsing.worker import ParserPool
from tests.ingest.parsing.papers import pdf, picture_of

ROOT = Path(__file__).resolve().parents[3]
BAD = "tests.ingest.parsing.bad_parsers:parse"
GIB = 1 << 30
LIMITS = Limits(timeout_s=60, memory_bytes=GIB, scratch_bytes=4 << 20)


@pytest.fixture(autouse=True)
def nothing_is_left_behind(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """After each test: no child process, no process of a child, no file in the temporary folder."""
    scratch = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    yield
    deadline = time.monotonic() + 5
    while (alive := _started_from(scratch)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive == []
    assert list(scratch.iterdir()) == []


def _started_from(scratch: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR", "").startswith(str(scratch)):
                found.append(process.name())
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found


def file_that_says(folder: Path, words: str) -> Path:
    path = folder / f"{words.replace(' ', '-')}.txt"
    path.write_text(words)
    return path


def ends_as(pool: ParserPool, path: Path) -> FileProblem:
    with pytest.raises(FileProblem) as caught:
        pool.parse(path)
    return caught.value


def test_a_file_read_in_a_child_is_the_same_as_one_read_here(tmp_path: Path) -> None:
    table = tmp_path / "fans.csv"
    table.write_text("Fan,Größe\nleft,12 👩‍🚀\n")
    page = pdf(tmp_path / "fans.pdf", [[(72, 72, "Two fans")], []])
    with ParserPool(1) as pool:
        for path in (table, page):
            assert pool.parse(path) == parse_file(path)


def test_a_problem_with_a_file_comes_back_with_its_state_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    picture_of(["words"]).save(path, "PNG")
    with ParserPool(1) as pool:
        problem = ends_as(pool, path)
    assert problem.state == State.TYPE_MISMATCH
    assert "scan.pdf" in problem.reason


@pytest.mark.parametrize("deed", ["hang", "ignore", "program"])
def test_a_parser_that_hangs_is_killed_in_time(tmp_path: Path, deed: str) -> None:
    with ParserPool(1, Limits(timeout_s=2), parser=BAD) as pool:
        begin = time.monotonic()
        problem = ends_as(pool, file_that_says(tmp_path, deed))
        assert time.monotonic() - begin < 8
        assert problem.state == State.TIMEOUT
        assert "2 seconds" in problem.reason
        assert pool.parse(file_that_says(tmp_path, "good words")).text == "good words"


def test_a_parser_that_spins_is_stopped_by_its_processor_time(tmp_path: Path) -> None:
    with ParserPool(1, Limits(timeout_s=60, cpu_s=1), parser=BAD) as pool:
        problem = ends_as(pool, file_that_says(tmp_path, "spin"))
    assert problem.state == State.TIMEOUT
    assert "processor time" in problem.reason


def test_a_parser_that_hoards_memory_is_out_of_memory(tmp_path: Path) -> None:
    with ParserPool(1, LIMITS, parser=BAD) as pool:
        assert ends_as(pool, file_that_says(tmp_path, "allocate")).state == State.OUT_OF_MEMORY
        assert pool.parse(file_that_says(tmp_path, "good words")).text == "good words"


def test_a_library_that_aborts_for_want_of_memory_is_out_of_memory(tmp_path: Path) -> None:
    with ParserPool(1, LIMITS, parser=BAD) as pool:
        assert ends_as(pool, file_that_says(tmp_path, "burst")).state == State.OUT_OF_MEMORY


@pytest.mark.parametrize(("deed", "how"), [("abort", "SIGABRT"), ("exit", "ended early")])
def test_a_parser_that_dies_has_crashed(tmp_path: Path, deed: str, how: str) -> None:
    with ParserPool(1, LIMITS, parser=BAD) as pool:
        problem = ends_as(pool, file_that_says(tmp_path, deed))
        assert problem.state == State.PARSER_CRASH
        assert how in problem.reason
        assert pool.parse(file_that_says(tmp_path, "good words")).text == "good words"


@pytest.mark.parametrize("deed", ["shout", "fork", "litter"])
def test_noise_forks_and_litter_do_not_disturb_the_answer(tmp_path: Path, deed: str) -> None:
    with ParserPool(1, LIMITS, parser=BAD) as pool:
        assert pool.parse(file_that_says(tmp_path, f"{deed} a little")).text == f"{deed} a little"
        assert pool.parse(file_that_says(tmp_path, "good words")).text == "good words"


@pytest.mark.parametrize(
    ("deed", "state"),
    [
        ("daemonise", None),
        ("daemonise-and-abort", "parser_crash"),
        ("daemonise-and-hang", "timeout"),
    ],
)
def test_a_process_that_cut_itself_off_ends_with_the_file_it_came_from(
    tmp_path: Path, deed: str, state: str | None
) -> None:
    with ParserPool(1, Limits(timeout_s=3), parser=BAD) as pool:
        path = file_that_says(tmp_path, deed)
        if state is None:
            assert pool.parse(path).text == deed
        else:
            assert ends_as(pool, path).state == state
        assert daemons() == set()  # while the pool goes on
        assert pool.parse(file_that_says(tmp_path, "good words")).text == "good words"


def daemons() -> set[int]:
    """The processes that ``bad_parsers`` has left behind in this test."""
    mark = f"daemon of {tempfile.gettempdir()}"
    found = set()
    for process in psutil.process_iter():
        try:
            if "".join(process.cmdline()).startswith(mark):
                found.add(process.pid)
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found


@pytest.mark.parametrize("deed", ["fill", "many", "nameless"])
def test_a_parser_cannot_fill_the_disk(tmp_path: Path, deed: str) -> None:
    with ParserPool(1, LIMITS, parser=BAD) as pool:
        problem = ends_as(pool, file_that_says(tmp_path, deed))
    assert problem.state == State.BOMB
    assert "temporary files" in problem.reason


def test_no_space_for_temporary_files_is_the_machines_fault(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    with ParserPool(1, parser=BAD) as pool, pytest.raises(DiskFull) as caught:
        pool.parse(file_that_says(tmp_path, "fill"))
    assert str(small_disk) in str(caught.value)


def test_a_parser_that_reports_steps_is_stopped_when_it_gets_no_further(tmp_path: Path) -> None:
    with ParserPool(1, Limits(timeout_s=60, stall_s=1.2), parser=BAD) as pool:
        assert pool.parse(file_that_says(tmp_path, "step")).text == "step"
        begin = time.monotonic()
        problem = ends_as(pool, file_that_says(tmp_path, "stall"))
        assert time.monotonic() - begin < 20
    assert problem.state == State.TIMEOUT
    assert "got no further for 1.2 seconds" in problem.reason


def test_a_parser_cannot_use_the_network(tmp_path: Path) -> None:
    with ParserPool(1, LIMITS, parser=BAD) as pool:
        problem = ends_as(pool, file_that_says(tmp_path, "connect"))
    assert "PermissionError" in problem.reason


def test_a_library_of_a_parser_cannot_use_the_network_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    can_leave = "from corpus.processes.kernel import leave_network; print(leave_network())"
    said = subprocess.run(
        [sys.executable, "-c", can_leave], cwd=ROOT, capture_output=True, text=True, check=True
    )
    if said.stdout.strip() != "True":
        pytest.skip("this machine does not let a process leave its network")
    with socket.create_server(("127.0.0.1", 0)) as server, ParserPool(1, parser=BAD) as pool:
        monkeypatch.setenv("ALCOVE_TEST_PORT", str(server.getsockname()[1]))
        assert pool.parse(file_that_says(tmp_path, "connect-in-c")).text == "connect-in-c"
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_bug_of_a_parser_is_called_one(tmp_path: Path) -> None:
    with ParserPool(1, LIMITS, parser=BAD) as pool:
        problem = ends_as(pool, file_that_says(tmp_path, "raise"))
    assert problem.state == State.INTERNAL_ERROR
    assert "ZeroDivisionError at bad_parsers.py" in problem.reason


def test_evil_files_among_200_good_ones_cost_only_themselves(tmp_path: Path) -> None:
    evil = {
        "hang": "timeout",
        "ignore": "timeout",
        "spin": "timeout",
        "stall": "timeout",
        "program": "timeout",
        "daemonise-and-hang": "timeout",
        "allocate": "out_of_memory",
        "segfault": "parser_crash",
        "abort": "parser_crash",
        "exit": "parser_crash",
        "daemonise-and-abort": "parser_crash",
        "fill": "bomb",
        "raise": "internal_error",
        "connect": "internal_error",
    }
    odd = ["shout", "fork", "daemonise", "litter"]  # these answer all the same
    names = [f"good words {n}" for n in range(200)]
    for place, words in enumerate([*evil, *odd]):
        names.insert(11 * place, words)

    def state(words: str) -> str:
        try:
            return pool.parse(file_that_says(tmp_path, words)).text
        except FileProblem as problem:
            return problem.state

    limits = Limits(timeout_s=4, memory_bytes=GIB // 2, scratch_bytes=4 << 20)
    with ParserPool(2, limits, parser=BAD) as pool, ThreadPoolExecutor(4) as threads:
        results = list(threads.map(state, names))
        assert daemons() == set()
    assert results == [evil.get(words, words) for words in names]


def test_a_pool_runs_no_more_files_at_once_than_it_has_workers(tmp_path: Path) -> None:
    before = set(psutil.Process().children())  # what other tests of this run keep open
    running: list[int] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            running.append(len(set(psutil.Process().children()) - before))

    paths = [file_that_says(tmp_path, f"good words {n}") for n in range(12)]
    watcher = threading.Thread(target=watch)
    watcher.start()
    with ParserPool(2, parser=BAD) as pool, ThreadPoolExecutor(6) as threads:
        list(threads.map(pool.parse, paths))
    done.set()
    watcher.join()
    assert max(running) <= 2


def test_a_child_is_replaced_after_so_many_files(tmp_path: Path) -> None:
    path = file_that_says(tmp_path, "good words")
    before = set(psutil.Process().children())
    seen: set[psutil.Process] = set()
    with ParserPool(1, Limits(files_per_worker=2), parser=BAD) as pool:
        for _ in range(4):
            pool.parse(path)
            seen.update(set(psutil.Process().children()) - before)
    assert len(seen) == 2  # each was seen once, after its first file, and was gone after its second


def test_recognising_a_picture_fits_in_the_default_memory(tmp_path: Path) -> None:
    path = tmp_path / "sign.png"
    picture_of(["Keep this door shut"]).save(path)
    with ParserPool(1) as pool:
        assert pool.parse(path).text == "Keep this door shut"


def test_a_child_follows_its_parent_into_death(tmp_path: Path) -> None:
    path = file_that_says(tmp_path, "hang")
    script = f"""
import tempfile
tempfile.tempdir = {tempfile.gettempdir()!r}
from pathlib import Path
from ingest.parsing.worker import ParserPool
ParserPool(1, parser={BAD!r}).parse(Path({str(path)!r}))
"""
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT) as parent:
        deadline = time.monotonic() + 20
        while not (children := psutil.Process(parent.pid).children()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)
        parent.kill()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
