"""``alcove doctor``: looks at every part and says in a sentence how it is and what to do. Changes nothing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agents.discover import find_server
from agents.settings import Settings
from corpus.catalog import Catalog
from corpus.errors import AlcoveError
from corpus.home import Home
from corpus.snapshot import SnapshotStore
from retrieval.fingerprint import Fingerprint
from retrieval.models import resolve

__all__ = ["Finding", "examine"]

PACKAGES = (
    "torch",
    "sentence-transformers",
    "faiss-cpu",
    "tantivy",
    "unstructured",
    "streamlit",
    "langchain",
)
EXTRAS = {"gpu": "vllm", "milvus": "pymilvus", "elasticsearch": "elasticsearch", "ray": "ray"}


@dataclass(frozen=True, slots=True)
class Finding:
    """How one part is; a fault stops Alcove from working, advice does not."""

    name: str
    finding: str
    is_fault: bool = False
    is_advice: bool = False

    @property
    def mark(self) -> str:
        return "FAULT" if self.is_fault else "note" if self.is_advice else "ok"

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "status": self.mark, "finding": self.finding}


def examine(settings: Settings) -> list[Finding]:
    """Every finding, in the order of the pipeline."""
    checks: dict[str, Callable[[Settings], Iterator[Finding]]] = {
        "machine": _machine,
        "packages": _packages,
        "home": _home,
        "encoder": _encoder,
        "index": _index,
        "language model": _language_model,
        "extras": _extras,
    }
    findings = []
    for name, check in checks.items():
        try:
            findings += list(check(settings))
        except AlcoveError as exc:
            findings.append(Finding(name, str(exc), is_fault=True))
    return findings


def _machine(_: Settings) -> Iterator[Finding]:
    yield Finding(
        "machine",
        f"{platform.system()} on {platform.machine()}, Python {platform.python_version()}",
    )


def _packages(_: Settings) -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            yield Finding(name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "not installed; run ./alcove again", is_fault=True)


def _home(settings: Settings) -> Iterator[Finding]:
    home = Home(settings.corpus.home)
    free = shutil.disk_usage(home.root).free // 2**20
    low = free < settings.corpus.min_free_mib
    yield Finding("home", f"{home.root}, {free} MiB free", is_fault=low)


def _encoder(settings: Settings) -> Iterator[Finding]:
    found = resolve(settings.embedding.model, Home(settings.corpus.home), settings.embedding.cache)
    yield Finding("encoder", f"{found.name}: {found.note or found.folder}")


def _index(settings: Settings) -> Iterator[Finding]:
    home = Home(settings.corpus.home)
    number = SnapshotStore(home).current()
    if not number:
        yield Finding("index", "nothing is ingested yet; `alcove ingest FOLDER`", is_advice=True)
        return
    snapshot = SnapshotStore(home).open(number)
    snapshot.verify()
    model = Fingerprint.from_json(snapshot.body["fingerprint"]).model
    documents = len(Catalog(home).documents())
    yield Finding(
        "index", f"snapshot {number} is intact: {documents} documents, embedded with {model}"
    )


def _language_model(settings: Settings) -> Iterator[Finding]:
    if settings.llm.url:
        yield Finding("language model", f"{settings.llm.url} is set")
        return
    server = find_server(timeout=settings.llm.discover_timeout_s) if settings.llm.discover else None
    if server:
        yield Finding("language model", f"found {server.label} at {server.url} with {server.model}")
    else:
        text = "none found: answers are quoted from the documents; start vLLM or Ollama, or set llm.url"
        yield Finding("language model", text, is_advice=True)


def _extras(_: Settings) -> Iterator[Finding]:
    for extra, module in EXTRAS.items():
        there = importlib.util.find_spec(module) is not None
        text = "installed" if there else f"not installed; only needed to grow out (extra {extra!r})"
        yield Finding(f"extra {extra}", text, is_advice=not there)
