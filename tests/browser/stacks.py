"""What the journeys are made on: the page over the fake service, and the whole product.

Both hold the same three documents and answer with the text a test gives them.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from tests.fakes import FakeLLMServer
from tests.ports import free_port
from tests.ui.fake_papers import papers
from tests.ui.fake_service import FakeService
from ui.supervisor import is_up, page_command

ROOT = Path(__file__).parents[2]
START_S = 120.0


class Stack(Protocol):
    """A running page with something behind it."""

    url: str

    def answer(self, text: str, pace: float = 0.0, rewritten: str = "") -> None:
        """Let the next answer be ``text``, written with ``pace`` seconds between its words.

        In a conversation the model is first asked to rewrite the question, and says ``rewritten``.
        """

    def restart(self) -> None:
        """Stop what answers, and start it again with what it had stored."""

    def restart_service(self) -> None:
        """As ``restart``, while the page's own process goes on."""


class FakeStack:
    """The page in a process of its own, over the fake service."""

    def __init__(self, service: FakeService, url: str) -> None:
        self.service, self.url = service, url

    def answer(self, text: str, pace: float = 0.0, rewritten: str = "") -> None:
        text = text.encode("utf-8", "replace").decode()
        self.service.store.say, self.service.store.pace = text, pace

    def restart(self) -> None:
        self.service.stop()
        self.service.start()

    def restart_service(self) -> None:
        self.restart()


class RealStack:
    """``alcove up`` on a home, with the sample or without, and with a scripted language model."""

    def __init__(self, home: Path, llm: FakeLLMServer, with_sample: bool = False) -> None:
        self._home, self._llm = home, llm
        self._options = [] if with_sample else ["--no-sample"]
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"

    def answer(self, text: str, pace: float = 0.0, rewritten: str = "") -> None:
        self._llm.script.clear()
        if rewritten:
            self._llm.say(rewritten)
        self._llm.say(*re.findall(r"\S+\s*", text), gap=pace)

    def start(self) -> None:
        command = _cli("up", "--home", str(self._home), "--port", str(self._port))
        self._process = subprocess.Popen(
            [*command, *self._options, "--llm", self._llm.url],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert f"Alcove is ready: {self.url}" in said, said or "alcove up ended"

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(30) == 0
        assert self._process.stdout is not None
        self._process.stdout.close()

    def restart(self) -> None:
        self.stop()
        self.start()

    def restart_service(self) -> None:
        """Let it die; what supervises it starts it again."""
        parent = self._process.pid
        for child in Path(f"/proc/{parent}/task/{parent}/children").read_text("utf-8").split():
            folder = Path("/proc", child)
            if b"serve" in (folder / "cmdline").read_bytes().split(b"\0"):
                os.kill(int(child), signal.SIGKILL)
                deadline = time.monotonic() + START_S
                while folder.exists():
                    assert time.monotonic() < deadline, "the service did not end"
                    time.sleep(0.05)
        settings = tomllib.loads((self._home / "alcove.toml").read_text("utf-8"))
        _wait_for(f"http://127.0.0.1:{settings['service']['port']}/healthz", self._process)


@contextmanager
def fake_stack() -> Iterator[FakeStack]:
    """The page over the fake service."""
    with FakeService() as service:
        port = free_port()
        command = page_command(service.url, "127.0.0.1", port)
        with page_of(command, f"http://127.0.0.1:{port}") as url:
            yield FakeStack(service, url)


@contextmanager
def real_stack(folder: Path) -> Iterator[RealStack]:
    """The whole product, with its home and its documents in ``folder``."""
    home, documents = folder / "home", folder / "documents"
    for paper in papers():
        if paper.state == "indexed":
            path = documents / paper.source
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(paper.original)
    _configure(home, f"[ingest]\nfolders = [{str(folder)!r}]\n")
    ingest = _cli("ingest", str(documents), "--home", str(home), "--collection", "papers")
    subprocess.run(ingest, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    with _started(home) as stack:
        yield stack


@contextmanager
def sample_stack(folder: Path) -> Iterator[RealStack]:
    """The whole product as it is on a first run: with the sample."""
    _configure(folder / "home")
    with _started(folder / "home", with_sample=True) as stack:
        yield stack


def _configure(home: Path, more: str = "") -> None:
    """Write a home's settings; the usual port of the service may be another Alcove's on this machine."""
    home.mkdir()
    (home / "alcove.toml").write_text(f"[service]\nport = {free_port()}\n\n{more}", "utf-8")


@contextmanager
def _started(home: Path, with_sample: bool = False) -> Iterator[RealStack]:
    with FakeLLMServer() as llm:
        stack = RealStack(home, llm, with_sample)
        stack.start()
        try:
            yield stack
        finally:
            stack.stop()


def _cli(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "ui.cli", *arguments]


@contextmanager
def page_of(command: Sequence[str], url: str) -> Iterator[str]:
    """The page's process, once it answers at ``url``."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait_for(url + "/_stcore/health", process)
        yield url
    finally:
        process.terminate()
        process.wait(15)


def _wait_for(url: str, process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + START_S
    while True:
        assert process.poll() is None, f"what serves {url} ended"
        if is_up(url):
            return
        assert time.monotonic() < deadline, f"{url} does not answer"
        time.sleep(0.1)
