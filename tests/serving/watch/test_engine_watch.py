"""The watchdog ends an engine before memory does, notices one that is dead, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from corpus.errors import OperatorError
from serving.watch.engine_watch import Limits, Watchdog, Watched
from serving.watch.state import EngineState, read_state, shed_reason, write_state
from tests.ports import free_port

MIB = 2**20
ENGINE = Path(__file__).with_name("fake_engine.py")
QUICK = Limits(
    shed=0, stop=0, probe_s=0.2, token_s=1.0, look_s=0.05, ready_s=60, backoff_s=0.05,
    longest_backoff_s=0.2, give_up=3,
)  # fmt: skip
PATIENCE_S = 60.0


def watched(*arguments: str, port: int | None = None) -> Watched:
    port = port or free_port()
    command = [sys.executable, str(ENGINE), str(port), *arguments]
    return Watched("fake", command, f"http://127.0.0.1:{port}/v1", "m")


class Dog:
    """A watchdog at work in a thread, with all that it told."""

    def __init__(
        self, home: Path, engine: Watched, limits: Limits, left: Callable[[], int]
    ) -> None:
        self.home, self.told = home, list[str]()
        self.watchdog = Watchdog(engine, limits, home, home / "log", left, self.told.append)
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.watchdog.run()
        except OperatorError as exc:
            self.error = exc

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, self.told
            time.sleep(0.02)

    def said(self, words: str) -> bool:
        return any(words in line for line in self.told)


@contextmanager
def at_work(
    home: Path, engine: Watched, limits: Limits = QUICK, left: Callable[[], int] = lambda: 2**40
) -> Iterator[Dog]:
    dog = Dog(home, engine, limits, left)
    dog.thread.start()
    try:
        yield dog
    finally:
        dog.watchdog.stop()
        dog.thread.join(PATIENCE_S)
        assert not dog.thread.is_alive()
    assert not children(), "something outlived the watchdog"


def children() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if any("fake_engine.py" in part for part in _command(child))
    ]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_an_engine_is_ready_once_it_makes_a_token(tmp_path: Path) -> None:
    with at_work(tmp_path, watched()) as dog:
        dog.until(lambda: dog.said("fake: ready"))
        assert dog.told[0] == "fake: starting"
        state = read_state(tmp_path)
        assert state is not None
        assert (state.state, state.pid, state.restarts) == ("ready", os.getpid(), 0)
    assert dog.told[-1] == "fake: stopped"


def test_an_engine_that_dies_is_started_again(tmp_path: Path) -> None:
    with at_work(tmp_path, watched("--die-after", "2")) as dog:
        dog.until(lambda: dog.said("ended by itself with status 3"))
        dog.until(lambda: dog.told.count("fake: ready") == 2)


def test_an_engine_that_is_healthy_and_says_nothing_is_noticed(tmp_path: Path) -> None:
    with at_work(tmp_path, watched("--mute-after", "1")) as dog:
        dog.until(lambda: dog.said("did not make a token within 1 seconds"))


def test_the_usual_limits_notice_it_within_fifteen_seconds() -> None:
    limits = Limits()
    first = limits.probe_s + limits.token_s  # it died just after a token
    again = (limits.misses - 1) * (1.0 + limits.token_s)
    looks_for_others = limits.misses * 1.0
    assert first + again + looks_for_others < 15


def test_an_engine_that_is_busy_with_others_is_left_alone(tmp_path: Path) -> None:
    with at_work(tmp_path, watched("--mute-after", "1", "--count")) as dog:
        dog.until(lambda: dog.said("fake: ready"))
        time.sleep(4)  # in which two tokens would have been missed
        assert not dog.said("did not make a token")


def test_new_work_is_refused_while_memory_is_short_and_taken_again(tmp_path: Path) -> None:
    left = [1000]
    limits = Limits(**{**_fields(QUICK), "shed": 500, "stop": 100, "ahead_s": 0.0})
    with at_work(tmp_path, watched(), limits, lambda: left[0]) as dog:
        dog.until(lambda: dog.said("fake: ready"))
        assert shed_reason(tmp_path) == ""
        left[0] = 400
        dog.until(lambda: shed_reason(tmp_path))
        assert "GiB of memory are left" in shed_reason(tmp_path)
        left[0] = 600  # not yet a quarter above the line
        time.sleep(0.3)
        assert shed_reason(tmp_path)
        left[0] = 700
        dog.until(lambda: not shed_reason(tmp_path))
        assert not dog.said("so it was ended")


def test_an_engine_is_ended_below_the_second_line_and_waits_for_what_it_needs(
    tmp_path: Path,
) -> None:
    left = [1000]
    limits = Limits(**{**_fields(QUICK), "shed": 500, "stop": 100, "needed": 800})
    with at_work(tmp_path, watched(), limits, lambda: left[0]) as dog:
        dog.until(lambda: dog.said("fake: ready"))
        left[0] = 50
        dog.until(lambda: dog.said("so it was ended"))
        dog.until(lambda: dog.said("it needs"))
        assert not children()
        left[0] = 900
        dog.until(lambda: dog.told.count("fake: ready") == 2)


def test_a_fall_is_met_ahead_of_time(tmp_path: Path) -> None:
    began = time.monotonic()
    limits = Limits(**{**_fields(QUICK), "shed": 600, "stop": 100, "ahead_s": 2.0})
    steps = iter([1000] * 40)

    def left() -> int:  # after the steps, 200 a second from 1000 on
        nonlocal began
        if next(steps, None) is not None:
            began = time.monotonic()
            return 1000
        return int(1000 - 200 * (time.monotonic() - began))

    with at_work(tmp_path, watched(), limits, left) as dog:
        dog.until(lambda: dog.said("so it was ended"))
        assert left() > 100


def test_an_engine_that_never_works_is_given_up_with_its_log(tmp_path: Path) -> None:
    engine = Watched("fake", [sys.executable, "-c", "print('no such card'); raise SystemExit(7)"],
                     "http://127.0.0.1:1/v1", "m")  # fmt: skip
    dog = Dog(tmp_path, engine, QUICK, lambda: 2**40)
    dog.thread.start()
    dog.thread.join(PATIENCE_S)
    assert "was started 3 times and made no token (it ended by itself with status 7)" in str(
        dog.error
    )
    assert (tmp_path / "log").read_text().count("no such card") == 3


def test_a_program_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    engine = Watched("vllm", ["/no/such/vllm"], "http://127.0.0.1:1/v1", "m")
    dog = Dog(tmp_path, engine, Limits(**{**_fields(QUICK), "give_up": 1}), lambda: 2**40)
    dog.thread.start()
    dog.thread.join(PATIENCE_S)
    assert "'vllm' was started 1 times" in str(dog.error)
    assert "cannot be run" in (tmp_path / "log").read_text()


def test_what_an_engine_started_ends_with_it(tmp_path: Path) -> None:
    file = tmp_path / "child"
    with at_work(tmp_path, watched("--child", str(file))) as dog:
        dog.until(lambda: dog.said("fake: ready"))
        child = int(file.read_text())
        assert psutil.pid_exists(child)
    assert not psutil.pid_exists(child)


def test_a_watchdog_that_is_killed_takes_its_engine_along(tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "child"
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from serving.watch.engine_watch import Limits, Watchdog, Watched\n"
        f"w = Watched('fake', [sys.executable, {str(ENGINE)!r}, '{port}', '--child', {str(file)!r}],"
        f" 'http://127.0.0.1:{port}/v1', 'm')\n"
        f"Watchdog(w, Limits(shed=0, stop=0), Path({str(tmp_path)!r}), Path({str(tmp_path / 'log')!r})).run()"
    )
    dog = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[3])
    deadline = time.monotonic() + PATIENCE_S
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child = int(file.read_text())
    dog.send_signal(signal.SIGKILL)
    dog.wait()
    while psutil.pid_exists(child) or not _free(port):
        assert time.monotonic() < deadline, "the engine outlived its watchdog"
        time.sleep(0.05)


def _free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_an_old_or_foreign_state_says_nothing(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
    write_state(tmp_path, EngineState("e", "m", "u", "shedding", "little memory"))
    assert shed_reason(tmp_path) == "little memory"
    file = tmp_path / "engine" / "state.json"
    old = time.time() - 60
    os.utime(file, (old, old))
    assert shed_reason(tmp_path) == ""
    file.write_text('{"another": "version"}')
    assert read_state(tmp_path) is None


def _fields(limits: Limits) -> dict[str, object]:
    return {name: getattr(limits, name) for name in Limits.__dataclass_fields__}


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group of 300 MiB, where this machine lets one be made."""
    for base, name in (("memory", "memory.limit_in_bytes"), (".", "memory.max")):
        folder = Path("/sys/fs/cgroup", base, f"alcove-{os.getpid()}")
        try:
            folder.mkdir()
            (folder / name).write_text(str(300 * MIB))
        except OSError:
            if folder.is_dir():
                folder.rmdir()
            continue
        yield folder
        folder.rmdir()
        return
    pytest.skip("this machine lets no control group be made, so no memory can be run out of safely")


HOG = """
import os, sys
from pathlib import Path
Path(sys.argv[1], "cgroup.procs").write_text(str(os.getpid()))
from serving.available import available, total
from serving.watch.engine_watch import Limits, Watchdog, Watched
from serving.watch.state import shed_reason
MIB = 2**20
assert total() == 300 * MIB, total()
port, home = sys.argv[2], Path(sys.argv[3])
engine = Watched("fake", [sys.executable, sys.argv[4], port, "--eat", sys.argv[5]], f"http://127.0.0.1:{port}/v1", "m")
seen = []
def tell(line):
    seen.append(line)
    if "so it was ended" in line or "shedding" in line and "--shed" in sys.argv:
        dog.stop()
dog = Watchdog(engine, Limits(shed=120 * MIB, stop=60 * MIB, probe_s=0.5), home, home / "log", tell=tell)
dog.run()
print(seen)
"""


@pytest.mark.parametrize(
    "run", [0, 1, *(pytest.param(n, marks=pytest.mark.full) for n in range(2, 20))]
)
def test_a_hog_in_a_control_group_is_ended_before_its_limit(
    tmp_path: Path, group: Path, run: int
) -> None:
    command = [sys.executable, "-c", HOG, str(group), str(free_port()), str(tmp_path), str(ENGINE)]
    speed = 20 + 20 * (run % 5)  # MiB a second
    done = subprocess.run(
        [*command, str(speed)], capture_output=True, text=True, timeout=120, check=False,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    assert "so it was ended" in done.stdout
    assert (group / "cgroup.procs").read_text() == ""
