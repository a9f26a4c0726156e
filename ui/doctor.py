"""``alcove doctor``: looks at every part and says in a sentence how it is and what to do. Changes nothing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from agents.discover import find_server
from agents.settings import Settings
from corpus.catalog import Catalog
from corpus.errors import AlcoveError, Damaged
from corpus.home import Home
from corpus.snapshot import SnapshotStore
from corpus.upkeep import check_catalog, strategies
from ingest.chunking import name_of
from ingest.repair import damaged_originals
from retrieval.fingerprint import Fingerprint
from retrieval.model_files import check_model_files
from retrieval.models import resolve
from retrieval.vectors import check_vectors

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
        "catalog": _catalog,
        "index": _index,
        "chunking": _chunking,
        "vectors": _vectors,
        "quarantine": _quarantine,
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
    check_model_files(found.folder)
    yield Finding("encoder", f"{found.name}: {found.note or found.folder}")


def _catalog(settings: Settings) -> Iterator[Finding]:
    home = Home(settings.corpus.home)
    with closing(Catalog(home)) as catalog:
        check_catalog(catalog.database)
        damaged = list(damaged_originals(home, catalog))
    for _, source in damaged:
        text = f"the stored copy of {source!r} is damaged; run `alcove doctor --repair`"
        yield Finding("original", text, is_fault=True)
    if not damaged:
        yield Finding("catalog", "intact, and so are the stored copies of the documents")


def _index(settings: Settings) -> Iterator[Finding]:
    home = Home(settings.corpus.home)
    store = SnapshotStore(home)
    with closing(Catalog(home)) as catalog:
        committed, documents = catalog.snapshot, len(catalog.documents())
    snapshot = store.live()
    if snapshot is None and not committed:
        yield Finding("index", "nothing is ingested yet; `alcove ingest FOLDER`", is_advice=True)
        return
    if snapshot is None or snapshot.number > committed:
        raise Damaged("'CURRENT' does not name the last snapshot; run `alcove doctor --repair`")
    snapshot.verify()
    model = Fingerprint.from_json(snapshot.body["fingerprint"]).model
    yield Finding(
        "index",
        f"snapshot {snapshot.number} is intact: {documents} documents, embedded with {model}",
    )
    for number in store.numbers():
        if number < snapshot.number:
            store.open(number).verify()


def _chunking(settings: Settings) -> Iterator[Finding]:
    wanted = name_of(settings.ingest)
    with closing(Catalog(Home(settings.corpus.home))) as catalog:
        found = strategies(catalog.database, catalog.snapshot)
    for name, documents in found.items():
        if name != wanted:
            text = (
                f"{documents} documents are cut by {name}, the settings say {wanted};"
                " `alcove ingest` on their folders cuts them anew"
            )
            yield Finding("chunking", text, is_advice=True)
    if found.keys() <= {wanted}:
        yield Finding("chunking", f"every document is cut by {wanted}")


def _vectors(settings: Settings) -> Iterator[Finding]:
    home = Home(settings.corpus.home)
    for path in sorted(home.vectors.glob("*.sqlite")):
        check_vectors(path)
    yield Finding("vectors", "intact")


def _quarantine(settings: Settings) -> Iterator[Finding]:
    folder = Home(settings.corpus.home).quarantine
    if folder.exists():
        names = ", ".join(sorted(path.name for path in folder.iterdir()))
        text = f"{str(folder)!r} holds what was damaged: {names}; delete it when you have looked"
        yield Finding("quarantine", text, is_advice=True)


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
