"""A real service in this process: uvicorn on a free port, a small ingested corpus, a scripted model.

Only the encoder (words hashed into a bag) and the language model's server are stand-ins.
"""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from agents.build import App, build
from agents.service import create_app
from agents.settings import Settings
from corpus.catalog import Catalog
from corpus.home import Home
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from retrieval.spaces import Load
from tests.fakes import FakeLLMServer, HashEncoder

Json = dict[str, Any]

PAPERS = {
    "work": {
        "backups.md": "# Backups\n\nBackups run every night at two. They are kept for thirty days.\n",
        "lunch.txt": "The canteen opens at noon. On Fridays there is soup.\n",
    },
    "vault": {"secret.txt": "The vault code is 4711.\n"},
}
ASK = "How long are backups kept?"


class ServiceBench:
    """A running service and a client that talks to it."""

    def __init__(self, home: Path, server: FakeLLMServer | None, **sections: Json) -> None:
        self.home, self.llm = home, server
        model = {"url": server.url, "model": server.model} if server else {"engine": "extractive"}
        overrides: dict[str, Json] = {
            "llm": {"discover": False, "connect_s": 10, "first_token_s": 60, "gap_s": 60, **model},
            "answer": {"threshold": 0.0},
        }
        for name, values in sections.items():
            overrides[name] = {**overrides.get(name, {}), **values}
        self.settings = Settings.load(home, overrides, {})
        self.load_encoder: Load = lambda *_: (HashEncoder(), "test")
        self.http = httpx.Client(timeout=60, trust_env=False)

    def start(self, wait: bool = True) -> App:
        """Start the service; ``wait`` until it is ready."""
        self.app = build(self.settings, self.load_encoder)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.http.base_url = self.url
        config = uvicorn.Config(
            create_app(self.app), log_level="critical", timeout_graceful_shutdown=10
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],))
        self._thread.start()
        until(lambda: self._server.started)
        if wait:
            until(lambda: self.http.get("/readyz").status_code == 200, 60)
        return self.app

    def stop(self) -> None:
        """Stop the service as SIGTERM would."""
        self.app.runs.close()
        self._server.should_exit = True
        self._thread.join(60)
        self._listener.close()

    def close(self) -> None:
        """Stop everything."""
        if self._thread.is_alive():
            self.stop()
        self.http.close()

    def get(self, path: str, status: int = 200, **options: Any) -> Any:
        """The JSON of a GET that must end with ``status``."""
        return self.call("GET", path, status, **options)

    def post(self, path: str, body: Any = None, status: int = 200, **options: Any) -> Any:
        """The JSON of a POST that must end with ``status``."""
        return self.call("POST", path, status, json=body, **options)

    def call(self, method: str, path: str, status: int, **options: Any) -> Any:
        """The JSON of any request that must end with ``status``."""
        response = self.http.request(method, path, **options)
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    def thread(self) -> str:
        """A new thread's id."""
        return str(self.post("/v1/threads", {}, 201)["id"])

    def ask(self, question: str = ASK, **fields: Any) -> Json:
        """Start a run, in a new thread unless one is given."""
        body = {"thread": fields.pop("thread", None) or self.thread(), "question": question}
        started: Json = self.post("/v1/runs", {**body, **fields}, 202)
        return started

    def events(self, run: str, after: int = 0) -> Iterator[Json]:
        """A run's events as they arrive."""
        with self.http.stream("GET", f"/v1/runs/{run}/events", params={"after": after}) as stream:
            assert stream.status_code == 200
            yield from sse(stream)

    def answer(self, question: str = ASK, **fields: Any) -> tuple[list[Json], Json]:
        """All events of a run, and the message that it left."""
        ids = self.ask(question, **fields)
        events = list(self.events(ids["run"]))
        return events, self.message(ids)

    def message(self, ids: Json) -> Json:
        """The assistant's message of a run."""
        messages = self.get(f"/v1/threads/{ids['thread']}")["messages"]
        return next(m for m in messages if m["id"] == ids["message"])


def sse(stream: httpx.Response) -> Iterator[Any]:
    """The data of each server-sent event; a run's events must carry their number and kind."""
    number = kind = None
    for line in stream.iter_lines():
        if line.startswith("id: "):
            number = int(line[4:])
        elif line.startswith("event: "):
            kind = line[7:]
        elif line.startswith("data: ") and line != "data: [DONE]":
            data = json.loads(line[6:])
            if kind is not None:
                assert (data["n"], data["kind"]) == (number, kind)
            yield data


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def indexed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that holds ``PAPERS``; copy it before writing to it."""
    folder = tmp_path_factory.mktemp("indexed")
    home = Home(folder / "home")
    catalog = Catalog(home)
    pipeline = Pipeline(home, catalog, HashEncoder(), IngestSettings(workers=1))
    for collection, papers in PAPERS.items():
        for name, text in papers.items():
            (folder / collection).mkdir(exist_ok=True)
            (folder / collection / name).write_text(text, encoding="utf-8")
        pipeline.sync([folder / collection], collection)
    pipeline.close()
    catalog.close()
    return home.root


@pytest.fixture
def llm() -> Iterator[FakeLLMServer]:
    """The scripted model server."""
    with FakeLLMServer() as server:
        yield server


@pytest.fixture
def bench(indexed_home: Path, tmp_path: Path, llm: FakeLLMServer) -> Iterator[ServiceBench]:
    """A service with a language model."""
    home = Path(shutil.copytree(indexed_home, tmp_path / "home"))
    made = ServiceBench(home, llm)
    made.start()
    yield made
    made.close()


@pytest.fixture
def plain_bench(indexed_home: Path, tmp_path: Path) -> Iterator[ServiceBench]:
    """A service without a language model."""
    home = Path(shutil.copytree(indexed_home, tmp_path / "home"))
    made = ServiceBench(home, None)
    made.start()
    yield made
    made.close()
