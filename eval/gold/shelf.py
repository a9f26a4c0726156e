"""The documents that a question set is about: the files of a folder, or a collection as it was parsed.

A folder is ingested into a benchmark home (``eval/bench.py``), through the whole pipeline, so that gold
is looked up in the text that is searched. A collection is read from the catalog of the real home,
which stays free for its writer. Knows nothing of questions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from agents.settings import Settings
from corpus.catalog import Catalog
from corpus.errors import NotFound, UserError
from corpus.home import Home
from corpus.records import UPLOAD, Document, Parsed
from eval.bench import bench_name, open_bench
from eval.spans import by_path

if TYPE_CHECKING:
    from ingest.report import Progress

__all__ = ["Shelf", "Show", "shelf_of_collection", "shelf_of_folder"]

Show = Callable[[int, int], object]
"""Called with how many files are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Documents by name. ``unread`` says, by name, why another one has no text.

    ``place`` names the whole, for messages. ``root`` is the folder that names are relative to; without
    one they are sources, and the end of a source stands for it where there is only one such.
    """

    place: str
    documents: Mapping[str, Parsed]
    unread: Mapping[str, str]
    root: str = ""

    def name_of(self, wanted: str) -> str | None:
        """The name here of the document that a question names; ``None`` if there is none.

        Raises:
            UserError: several documents could be meant.
        """
        names = self.documents.keys() | self.unread.keys()
        path = PurePosixPath(wanted)
        if self.root and path.is_relative_to(self.root):
            path = path.relative_to(self.root)
        found = next((name for name in (wanted, path.as_posix()) if name in names), None)
        if found is not None or self.root or path.is_absolute():
            return found
        ends = sorted(name for name in names if _ends_with(name, path.as_posix()))
        if len(ends) > 1:
            raise UserError(
                f"Document {wanted!r} could be any of {ends[:10]}; name it by its source."
            )
        return ends[0] if ends else None


def shelf_of_folder(folder: Path, cache: Path | None, home: Path | None, show: Show) -> Shelf:
    """Ingest a folder and take what was parsed, by paths relative to it.

    Args:
        cache, home: of ``eval.bench.open_bench``.

    Raises:
        NotFound: there is no such folder. OperatorError: the machine's fault.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        raise NotFound(f"There is no folder {str(folder)!r}; name the one the questions are about.")

    def listen(progress: Progress) -> None:
        show(progress.done, progress.total)

    with open_bench(bench_name(folder), cache, home) as bench:
        bench.ingest(folder, listen)
        named = by_path(bench.catalog.documents(), folder)
        return _shelf(f"folder {str(folder)!r}", named, bench.catalog, folder.as_posix())


def shelf_of_collection(name: str, home: Path | None) -> Shelf:
    """What a collection of the real home holds, by source.

    Args:
        home: ``None``: ``ALCOVE_HOME`` or the platform's folder.

    Raises:
        NotFound: there is no such collection.
    """
    root = Settings.load(home).corpus.home
    if not (root / "catalog.sqlite").is_file():  # opening it would make one
        raise NotFound(f"There are no documents in {str(root)!r}; name another --home.")
    catalog = Catalog(Home(root))
    try:
        known = sorted(info.name for info in catalog.collections())
        if name not in known:
            raise NotFound(f"There is no collection {name!r}; choose one of {known}.")
        documents = {document.source: document for document in catalog.documents(name)}
        return _shelf(f"collection {name!r}", documents, catalog)
    finally:
        catalog.close()


def _shelf(place: str, named: Mapping[str, Document], catalog: Catalog, root: str = "") -> Shelf:
    documents: dict[str, Parsed] = {}
    unread: dict[str, str] = {}
    for name, document in sorted(named.items()):
        if document.state.searchable:
            documents[name] = catalog.parsed(document.id)
        else:
            reason = f": {document.reason}" if document.reason else ""
            unread[name] = f"it was not indexed ({document.state}{reason})"
    return Shelf(place, documents, unread, root)


def _ends_with(source: str, path: str) -> bool:
    return f"/{source.removeprefix(UPLOAD)}".endswith(f"/{path}")
