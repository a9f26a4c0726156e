"""``alcove doctor``: looks at every part and says in a sentence how it is and what to do. Changes nothing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from agents.models.discover import find_server
from agents.settings import Settings
from corpus.catalog import Catalog
from corpus.errors import AlcoveError, Damaged
from corpus.home import Home
from corpus.snapshot import Snapshot, SnapshotStore
from corpus.upkeep import check_catalog
from ingest.chunking import chunking_name
from ingest.recipes import chunking_of
from ingest.repair import damaged_originals
from ingest.retention import way_back
from retrieval.fingerprint import Fingerprint
from retrieval.model_files import check_model_files
from retrieval.spaces import better_model, chosen, differences, live_space
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
    home = Home(settings.corpus.home)
    space = live_space(home)
    found, _ = chosen(settings.embedding, home, space)
    check_model_files(found.folder)
    differing = differences(found, settings.embedding, space) if space else {}
    if differing:
        fields = "; ".join(
            f"{name} {index!r} against {now!r}" for name, (index, now) in differing.items()
        )
        text = (
            f"the index was embedded differently ({fields}), so nothing is searched or ingested;"
            " `alcove reindex` moves it, or set embedding.model back"
        )
        yield Finding("encoder", text, is_fault=True)
        return
    advice = better_model(settings.embedding, home, space) is not None
    yield Finding("encoder", f"{found.name}: {found.note or found.folder}", is_advice=advice)


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
    yield Finding(
        "index", f"snapshot {snapshot.number} is intact: {documents} documents, {_made(snapshot)}"
    )
    yield from _chunking(settings, home)
    before = way_back(home)
    if before is not None:
        text = f"`alcove reindex --back` returns to snapshot {before.number}, {_made(before)}; --forget deletes it"
        yield Finding("index from before", text, is_advice=True)
    for number in store.numbers():
        if number < snapshot.number:
            store.open(number).verify()


def _made(snapshot: Snapshot) -> str:
    space = Fingerprint.from_json(snapshot.body["fingerprint"])
    return f"embedded with {space.model} ({space.dtype}, {space.dimension} dimensions)"


def _chunking(settings: Settings, home: Home) -> Iterator[Finding]:
    today = chunking_name(settings.ingest)
    with closing(Catalog(home)) as catalog:
        names = [chunking_of(s.recipe) for s in catalog.stored() if s.document.state.searchable]
    others = sorted(set(names) - {today})
    if others:
        count = sum(name != today for name in names)
        text = (
            f"{count} documents are cut by {', '.join(others)}, the settings say {today}: an ingestion cuts those"
            " that it reads anew, `alcove reindex` all of them"
        )
        yield Finding("chunking", text, is_advice=True)


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
        yield Finding("language model", f"found {server.label} with {server.model}")
    else:
        text = "none found: answers are quoted from the documents; start vLLM or Ollama, or set llm.url"
        yield Finding("language model", text, is_advice=True)


def _extras(_: Settings) -> Iterator[Finding]:
    for extra, module in EXTRAS.items():
        there = importlib.util.find_spec(module) is not None
        text = "installed" if there else f"not installed; only needed to grow out (extra {extra!r})"
        yield Finding(f"extra {extra}", text, is_advice=not there)
