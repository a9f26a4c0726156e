"""The doctor's checks: look at every part, and say in a sentence how it is and what to do. Change nothing.

``alcove doctor`` makes them all; the service has those that last made by a process of their own
(``agents.health.doctor``), also while documents are being ingested: what a writer replaces or clears away meanwhile is
no damage. Know nothing of HTTP, and nothing of the service.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agents.models.discover import find_server
from agents.settings import Settings
from corpus.catalog import Catalog
from corpus.errors import AlcoveError, Damaged
from corpus.home import Home
from corpus.snapshot import Snapshot, SnapshotStore
from corpus.upkeep import check_catalog, content_hashes
from ingest.chunking import chunking_name
from ingest.recipes import chunking_of
from ingest.repair import damaged_originals
from ingest.retention import way_back
from retrieval.fingerprint import Fingerprint
from retrieval.model_files import check_model_files
from retrieval.spaces import better_model, chosen, differences, live_space
from retrieval.vectors import check_vectors

__all__ = ["CHECKS", "LASTING", "Check", "Finding", "Level", "State", "examine"]

Level: TypeAlias = Literal["good", "optional", "advice", "bad"]
"""``bad`` stops Alcove from working, ``advice`` is worth following; ``optional`` need never be done."""

State: TypeAlias = Literal["good", "advice", "bad"]

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
_NAMED = 5  # damaged copies; the others are counted
_LOOKS = 3  # at an index that changes while it is looked at


@dataclass(frozen=True, slots=True)
class Finding:
    """How one part is, and what to do about it, if there is something: commands stand in backquotes."""

    name: str
    finding: str
    advice: str = ""
    level: Level = "good"

    @classmethod
    def of(cls, name: str, sentence: str, level: Level) -> Finding:
        """From a sentence such as our errors are: how it is, a semicolon, and what to do."""
        finding, _, advice = sentence.rpartition("; ")
        return cls(name, finding, advice, level) if finding else cls(name, sentence, level=level)

    @property
    def sentence(self) -> str:
        """Both in one."""
        return f"{self.finding}; {self.advice}" if self.advice else self.finding

    @property
    def state(self) -> State:
        """``good``, ``advice`` or ``bad``."""
        return "good" if self.level == "optional" else self.level


Check: TypeAlias = Callable[[Settings], Iterator[Finding]]


def examine(settings: Settings, checks: Mapping[str, Check] | None = None) -> Iterator[Finding]:
    """The findings as they are made, in the order of the pipeline.

    Args:
        settings: those of the corpus, of ingestion, of the encoder and of the language model are looked at.
        checks: by the name that an error of theirs is told under; ``None``: all of them.
    """
    for name, check in (CHECKS if checks is None else checks).items():
        try:
            yield from check(settings)
        except AlcoveError as exc:
            yield Finding.of(name, str(exc), "bad")


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
            yield Finding(name, "not installed", "run ./alcove again", "bad")


def _home(settings: Settings) -> Iterator[Finding]:
    home = Home(settings.corpus.home)
    free = shutil.disk_usage(home.root).free // 2**20
    found = f"{home.root}, {free} MiB free"
    if free < settings.corpus.min_free_mib:
        advice = f"make room: below {settings.corpus.min_free_mib} MiB nothing is ingested"
        yield Finding("home", found, advice, "bad")
    else:
        yield Finding("home", found)


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
        yield Finding.of("encoder", text, "bad")
        return
    is_better = better_model(settings.embedding, home, space) is not None
    level: Level = "advice" if is_better else "good"
    yield Finding.of("encoder", f"{found.name}: {found.note or found.folder}", level)


def _catalog(settings: Settings) -> Iterator[Finding]:
    home = Home(settings.corpus.home)
    with closing(Catalog(home)) as catalog:
        check_catalog(catalog.database)
        found = list(damaged_originals(home, catalog))
        still = content_hashes(catalog.database) if found else {}
    damaged = [source for sha256, source in found if sha256 in still]  # else it was just deleted
    advice = "run `alcove doctor --repair`"
    for source in damaged[:_NAMED]:
        yield Finding("original", f"the stored copy of {source!r} is damaged", advice, "bad")
    if more := len(damaged[_NAMED:]):
        yield Finding("originals", f"{more:,} other stored copies are damaged too", advice, "bad")
    if not damaged:
        yield Finding("catalog", "intact, and so are the stored copies of the documents")


def _index(settings: Settings) -> Iterator[Finding]:
    home = Home(settings.corpus.home)
    store = SnapshotStore(home)
    for look in range(1, _LOOKS + 1):
        mark = store.mark()
        try:
            found = list(_live_index(settings, home, store))
        except Damaged:
            if store.mark() == mark or look == _LOOKS:
                raise
        else:
            yield from found
            return


def _live_index(settings: Settings, home: Home, store: SnapshotStore) -> Iterator[Finding]:
    with closing(Catalog(home)) as catalog:
        committed, documents = catalog.snapshot, len(catalog.documents())
    snapshot = store.live()
    if snapshot is None and not committed:
        yield Finding("index", "nothing is ingested yet", "`alcove ingest FOLDER`", "advice")
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
        text = f"`alcove reindex --back` returns to snapshot {before.number}, {_made(before)}"
        yield Finding("index from before", text, "--forget deletes it", "optional")
    _verify_older(store, snapshot.number)


def _verify_older(store: SnapshotStore, live: int) -> None:
    for number in store.numbers():
        if number < live:
            try:
                store.open(number).verify()
            except Damaged:
                if number in store.numbers():  # else its last reader left, and it went
                    raise


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
        yield Finding("chunking", text, level="advice")


def _vectors(settings: Settings) -> Iterator[Finding]:
    home = Home(settings.corpus.home)
    for path in sorted(home.vectors.glob("*.sqlite")):
        check_vectors(path)
    yield Finding("vectors", "intact")


def _quarantine(settings: Settings) -> Iterator[Finding]:
    folder = Home(settings.corpus.home).quarantine
    if folder.exists():
        names = ", ".join(sorted(path.name for path in folder.iterdir()))
        text = f"{str(folder)!r} holds what was damaged: {names}"
        yield Finding("quarantine", text, "delete it when you have looked", "advice")


def _language_model(settings: Settings) -> Iterator[Finding]:
    if settings.llm.url:
        yield Finding("language model", f"{settings.llm.url} is set")
        return
    server = find_server(timeout=settings.llm.discover_timeout_s) if settings.llm.discover else None
    if server:
        yield Finding("language model", f"found {server.label} with {server.model}")
    else:
        text = "none found: answers are quoted from the documents"
        yield Finding("language model", text, "start vLLM or Ollama, or set llm.url", "advice")


def _extras(_: Settings) -> Iterator[Finding]:
    for extra, module in EXTRAS.items():
        there = importlib.util.find_spec(module) is not None
        if there:
            yield Finding(f"extra {extra}", "installed")
        else:
            why = f"only needed to grow out (extra {extra!r})"
            yield Finding(f"extra {extra}", "not installed", why, "optional")


CHECKS: dict[str, Check] = {
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
LASTING = {name: check for name, check in CHECKS.items() if check is not _language_model}
"""Those whose findings last: a server of language models comes and goes. Some of these take minutes."""
