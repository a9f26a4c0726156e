"""The service as a person runs it: a process of its own, real models on the CPU, real signals."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes import FakeLLMServer
from tests.service_bench import sse, until

ROOT = Path(__file__).parents[2]
START_S = 120.0

# Loaded by every Python process of the service: notes each connection that leaves this machine.
SPY = """
import os, socket
def spied(real):
    def call(self, address):
        host = str(address[0]) if isinstance(address, tuple) else ""
        if host and host != "localhost" and host != "::1" and not host.startswith("127."):
            with open(os.environ["SPY_FILE"], "a") as file:
                file.write(repr(address) + "\\n")
        return real(self, address)
    return call
socket.socket.connect = spied(socket.socket.connect)
socket.socket.connect_ex = spied(socket.socket.connect_ex)
"""


class Process:
    """``python -m agents`` on a free port."""

    def __init__(self, folder: Path, **variables: str) -> None:
        spy = folder / "spy"
        spy.mkdir(exist_ok=True)
        (spy / "sitecustomize.py").write_text(SPY, encoding="utf-8")
        self.connections = folder / "connections"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("ALCOVE_")}
        self.variables = {
            **kept,
            "PYTHONPATH": f"{spy}{os.pathsep}{ROOT}",
            "SPY_FILE": str(self.connections),
            "ALCOVE_HOME": str(folder / "home"),
            "ALCOVE_SERVICE__PORT": "0",
            "ALCOVE_LLM__DISCOVER": "false",
            "ALCOVE_ANSWER__THRESHOLD": "0",
            **variables,
        }
        self.http = httpx.Client(timeout=30, trust_env=False)

    def start(self, wait: bool = True) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agents"],
            cwd=ROOT,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        address = self.process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), self.process.stderr
        self.http.base_url = address
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        until(lambda: self.http.get("/readyz").status_code == 200, START_S)

    def end(self, sig: int) -> int:
        self.process.send_signal(sig)
        _, errors = self.process.communicate(timeout=20)
        assert "Traceback" not in errors
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.http.close()

    def post(self, path: str, body: Any, status: int) -> Any:
        response = self.http.post(path, json=body)
        assert response.status_code == status, response.text
        return response.json()

    def ask(self, question: str, **fields: Any) -> dict[str, str]:
        thread = self.post("/v1/threads", {}, 201)["id"]
        ids: dict[str, str] = self.post(
            "/v1/runs", {"thread": thread, "question": question, **fields}, 202
        )
        return ids

    def events(self, run: str) -> list[dict[str, Any]]:
        with self.http.stream("GET", f"/v1/runs/{run}/events") as stream:
            return list(sse(stream))

    def message(self, ids: dict[str, str]) -> dict[str, Any]:
        messages: list[dict[str, Any]] = self.http.get(f"/v1/threads/{ids['thread']}").json()[
            "messages"
        ]
        return messages[1]

    def kept_events(self, run: str) -> int:
        """Events of a run that have reached the disk."""
        file = Path(self.variables["ALCOVE_HOME"]) / "chats.sqlite"
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as db:
            (count,) = db.execute("SELECT count(*) FROM events WHERE run = ?", [run]).fetchone()
        return int(count)

    def upload(self, name: str, text: str) -> dict[str, Any]:
        files = [("files", (name, text.encode()))]
        job = self.http.post("/v1/documents", files=files).json()["job"]
        state: dict[str, Any] = {}

        def ended() -> bool:
            state.update(self.http.get(f"/v1/jobs/{job}").json())
            return state["state"] not in ("queued", "running")

        until(ended, START_S)
        return state


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLMServer]:
    with FakeLLMServer() as server:
        yield server


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory, llm: FakeLLMServer) -> Iterator[Process]:
    """One service for the module: starting it loads the real encoder."""
    folder = tmp_path_factory.mktemp("service")
    made = Process(folder, ALCOVE_LLM__URL=llm.url, ALCOVE_LLM__MODEL=llm.model)
    made.start()
    job = made.upload("backups.md", "# Backups\n\nBackups are kept for thirty days.\n")
    assert job["state"] == "done", job
    yield made
    made.close()


@pytest.fixture
def service(started: Process) -> Process:
    """The module's service, ready, whatever a test before did to it."""
    if started.process.poll() is not None:
        started.start(wait=False)
    started.wait_until_ready()
    return started


def test_an_upload_is_searchable_once_its_job_is_done(service: Process) -> None:
    documents = service.http.get("/v1/documents").json()["documents"]
    (document,) = [one for one in documents if one["source"] == "upload:backups.md"]
    assert document["state"] == "indexed"
    hits = service.post("/v1/search", {"query": "how long are they kept"}, 200)["hits"]
    assert hits[0]["document"] == document["id"]


def test_searches_go_on_while_the_job_process_adds_documents(service: Process) -> None:
    replies: list[httpx.Response] = []
    stop = threading.Event()

    def search() -> None:
        while not stop.is_set():
            replies.append(service.http.post("/v1/search", json={"query": "box of paint"}))

    with ThreadPoolExecutor(8) as pool:
        tasks = [pool.submit(search) for _ in range(8)]
        try:
            for name in ("red", "blue", "green"):
                assert service.upload(f"{name}.txt", f"A box of {name} paint.\n")["state"] == "done"
                found = service.post("/v1/search", {"query": f"{name} paint"}, 200)["hits"]
                assert f"upload:{name}.txt" in {hit["source"] for hit in found}
        finally:
            stop.set()
        for task in tasks:
            task.result()
    assert {reply.status_code for reply in replies} == {200}
    assert len({reply.json()["snapshot"] for reply in replies}) >= 2


def test_the_model_s_answer_is_streamed_and_cited(service: Process, llm: FakeLLMServer) -> None:
    llm.say("They are kept ", "for thirty days [1].")
    ids = service.ask("How long are backups kept?")
    assert [e["kind"] for e in service.events(ids["run"])][-1] == "answered"
    (citation,) = service.message(ids)["citations"]
    span = {"start": citation["start"], "end": citation["end"]}
    text = service.http.get(f"/v1/documents/{citation['document']}/text", params=span).json()
    assert text["text"] == citation["quote"]


def test_the_agent_searches_with_the_real_index(service: Process, llm: FakeLLMServer) -> None:
    llm.call("search_corpus", {"query": "backup retention"})
    llm.say("For thirty days [1].")
    ids = service.ask("How long?", mode="agent")
    kinds = [e["kind"] for e in service.events(ids["run"])]
    assert kinds == ["tool_call", "tool_result", "retrieved", "token", "answered"]
    assert service.message(ids)["citations"]


def test_a_killed_service_keeps_what_it_wrote_and_says_so(
    service: Process, llm: FakeLLMServer
) -> None:
    llm.say("They are ", "kept ", end="hang")
    ids = service.ask("How long are backups kept?")
    until(lambda: service.kept_events(ids["run"]) == 3)
    service.process.kill()
    service.process.communicate()
    service.start(wait=False)
    assert service.http.get(f"/v1/runs/{ids['run']}").json()["state"] == "interrupted"
    message = service.message(ids)
    assert (message["content"], message["interrupted"]) == ("They are kept", True)
    last = service.events(ids["run"])[-1]
    assert (last["kind"], last["error"]) == ("failed", "Interrupted")


def test_a_signal_stops_it_cleanly_while_somebody_watches(
    service: Process, llm: FakeLLMServer
) -> None:
    llm.say("They are ", end="hang")
    ids = service.ask("How long are backups kept?")
    seen: list[list[dict[str, Any]]] = []
    watcher = threading.Thread(target=lambda: seen.append(service.events(ids["run"])))
    watcher.start()
    until(lambda: service.http.get(f"/v1/runs/{ids['run']}").json()["events"] >= 2)
    began = time.monotonic()
    assert service.end(signal.SIGTERM) == 0
    assert time.monotonic() - began < 30
    watcher.join(30)
    assert (seen[0][-1]["kind"], seen[0][-1]["error"]) == ("failed", "Interrupted")
    service.start(wait=False)
    assert service.message(ids)["content"] == "They are"


def test_ctrl_c_stops_it_cleanly_even_while_it_loads(service: Process) -> None:
    for _ in range(5):  # where this process is slow, the service has loaded before it is looked at
        service.end(signal.SIGTERM)
        service.start(wait=False)
        if loading := service.http.get("/readyz").status_code == 503:
            break
    assert loading
    assert service.end(signal.SIGINT) == 0


def test_nothing_ever_left_this_machine(service: Process) -> None:
    assert not service.connections.exists(), service.connections.read_text()


def test_a_port_in_use_is_one_sentence_and_status_3(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        service = Process(tmp_path, ALCOVE_SERVICE__PORT=str(port))
        service.http.close()
        done = _run(service)
    assert done.returncode == 3
    assert re.fullmatch(rf"alcove: port {port} of '127\.0\.0\.1' is in use; .+\n", done.stderr)


def test_a_wrong_setting_is_one_sentence_and_status_2(tmp_path: Path) -> None:
    service = Process(tmp_path, ALCOVE_LLM__ULR="x")
    service.http.close()
    done = _run(service)
    assert done.returncode == 2
    assert done.stderr.startswith("alcove: there is no setting 'llm.ulr'")
    assert done.stderr.count("\n") == 1


def _run(service: Process) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agents"]
    return subprocess.run(
        command,
        check=False,
        cwd=ROOT,
        env=service.variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
