"""``alcove up``: both processes start, a dead one comes back, and nothing is left after a signal."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from corpus.errors import OperatorError
from tests.ports import free_port
from ui.supervisor import is_up, require_free

ROOT = Path(__file__).parents[2]


def children(pid: int) -> list[int]:
    """Processes started by ``pid``, from the kernel's own list."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in listed.split()]


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[[int, int], subprocess.Popen[str]]]:
    """Starts ``alcove up`` on two ports and waits for its address."""
    started: list[subprocess.Popen[str]] = []

    def start(port: int, service_port: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-m", "ui.cli", "up", "--no-sample", "--port", str(port)]
        process = subprocess.Popen(
            [*command, "--home", str(tmp_path / "home")],
            cwd=ROOT,
            env={**os.environ, "ALCOVE_SERVICE__PORT": str(service_port)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def test_a_port_in_use_is_one_sentence_and_the_machine_s_fault(
    up: Callable[[int, int], subprocess.Popen[str]],
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = up(port, free_port())
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (3, "")
        assert f"port {port} of '127.0.0.1' cannot be used" in err
        assert err.count("\n") == 1
        with pytest.raises(OperatorError, match="choose another"):
            require_free("127.0.0.1", port)


def test_both_start_a_dead_one_comes_back_and_a_signal_stops_both(
    up: Callable[[int, int], subprocess.Popen[str]],
) -> None:
    port, service_port = free_port(), free_port()
    process = up(port, service_port)
    assert process.stdout is not None
    assert f"http://127.0.0.1:{port}" in process.stdout.readline()
    health = f"http://127.0.0.1:{service_port}/healthz"
    assert is_up(health)
    assert is_up(f"http://127.0.0.1:{port}/")
    service = next(
        pid
        for pid in children(process.pid)
        if b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    )
    os.kill(service, signal.SIGKILL)
    wait_until(lambda: service not in children(process.pid) and len(children(process.pid)) == 2)
    wait_until(lambda: is_up(health))
    with urllib.request.urlopen(f"http://127.0.0.1:{service_port}/v1/documents") as reply:
        assert json.load(reply)["documents"] == []
    family = children(process.pid)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    assert [pid for pid in family if is_alive(pid)] == []


def test_our_own_words_are_no_sign_of_life() -> None:
    with socket.create_server(("127.0.0.1", 0)) as echo:

        def repeat() -> None:
            connection, _ = echo.accept()
            with connection:
                connection.sendall(connection.recv(4096))

        repeating = threading.Thread(target=repeat)
        repeating.start()
        assert not is_up(f"http://127.0.0.1:{echo.getsockname()[1]}/healthz")
        repeating.join(10)
        assert not repeating.is_alive()
