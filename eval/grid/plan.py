"""A grid file: what to measure, on what, and how; a TOML file as frozen models.

::

    name = "chunking"                    # default: the file's name
    dataset = "path"                     # or questions + documents, or corpus + topics + qrels
    split = "test"                       # of a folder in BEIR's layout
    seed = 20240229
    limit = 0                            # first so many questions; 0: all
    baseline = "recursive-200-30 hybrid" # is tested against every other system
    metric = "nDCG@10"                   # that tests, plots and diagnosis go by
    metrics = ["nDCG@10", "MRR@10"]
    depth = 100                          # results kept per question

    [grid]                               # every combination is one system
    chunker = ["recursive"]
    size = [128, 200]
    encoder = ["auto"]
    index = ["auto"]                     # "exact", "approximate", or a table of retrieval.dense with a name
    fusion = ["dense", "lexical", "hybrid"]
    rerank = [""]                        # folder of a cross-encoder; "": none; default: as set
    k = [5]                              # passages an answer is made of

Whatever is wrong with it is refused here, before anything is computed, in a sentence that names file and key.
Paths are relative to the file. Knows nothing of how a cell is computed; ``eval/grid/cells.py`` combines the axes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from corpus.errors import NotFound, UserError
from corpus.home import disk_errors
from eval.gold.sources import COLLECTION, Source
from eval.scoring.stats import SEED
from retrieval.settings import DenseSettings

__all__ = ["FUSIONS", "INDEXES", "Axes", "GridFile", "NamedIndex", "load_grid"]

FUSIONS = ("dense", "lexical", "hybrid", "calibrated", "convex", "rrf")
INDEXES = ("auto", "exact", "approximate")
SMALLEST = 16  # tokens in a chunk, as in ingest.settings
MOST_HITS = 1000  # that one search may return
_FILES = ("dataset", "questions", "corpus", "topics", "qrels")
SOURCES = (*_FILES, "documents")

_BRANCHES = ("str", "NamedIndex")  # what pydantic puts into the way to an index

_Item = TypeVar("_Item", bound=Hashable)
_Name = Annotated[str, Field(min_length=1)]


class NamedIndex(DenseSettings):
    """A layout of the dense index, and what systems that use it are called after."""

    name: str = Field(min_length=1, description="stands in the names of systems")

    @property
    def settings(self) -> DenseSettings:
        """The layout without its name."""
        return DenseSettings(**self.model_dump(exclude={"name"}))


def _unlike(found: tuple[_Item, ...]) -> tuple[_Item, ...]:
    """Refuse an axis that is empty or names a thing twice."""
    if not found:
        raise ValueError(
            "an empty list leaves nothing to measure; name at least one, or leave it out"
        )
    twice = next((item for number, item in enumerate(found) if item in found[:number]), None)
    if twice is not None:
        raise ValueError(f"{twice!r} stands there twice; name it once")
    return found


class Axes(BaseModel):
    """The axes of the grid. What is ``None`` is as the settings say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chunker: tuple[_Name, ...] | None = Field(default=None, description="chunking strategies")
    size: tuple[int, ...] | None = Field(default=None, description="of a chunk (tokens)")
    overlap: int | None = Field(
        default=None, ge=0, description="tokens; default: the share of the size that is set"
    )
    sentences: tuple[Annotated[int, Field(ge=1, le=3)], ...] | None = Field(
        default=None, description="embedded together by sentence_window (count)"
    )
    encoder: tuple[_Name, ...] = Field(default=("auto",), description="as embedding.model")
    index: tuple[str | NamedIndex, ...] = Field(default=("auto",), description="dense layouts")
    fusion: tuple[str, ...] = Field(default=("dense", "lexical", "hybrid"), description="searches")
    rerank: tuple[str, ...] | None = Field(
        default=None, description="cross-encoders' folders; '': none"
    )
    k: tuple[Annotated[int, Field(ge=1, le=MOST_HITS, strict=True)], ...] = Field(
        default=(5,), description="passages an answer is made of (count)"
    )

    @property
    def cuts(self) -> bool:
        """Whether anything is said of how documents are cut; else the settings say it."""
        said = (self.chunker, self.size, self.overlap, self.sentences)
        return any(choice is not None for choice in said)

    @field_validator("chunker", "size", "sentences", "encoder", "index", "fusion", "rerank", "k")
    @classmethod
    def _unlike(cls, found: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        return None if found is None else _unlike(found)

    @field_validator("size")
    @classmethod
    def _large_enough(cls, sizes: tuple[int, ...] | None) -> tuple[int, ...] | None:
        for size in sizes or ():
            if size < SMALLEST:
                raise ValueError(f"{size} tokens are too few for a chunk; give at least {SMALLEST}")
        return sizes

    @field_validator("chunker")
    @classmethod
    def _known_chunkers(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        from ingest.chunking import strategy_names

        return names and _known(names, strategy_names(), "chunker")

    @field_validator("fusion")
    @classmethod
    def _known_fusions(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _known(names, FUSIONS, "fusion")

    @field_validator("index")
    @classmethod
    def _known_indexes(cls, found: tuple[str | NamedIndex, ...]) -> tuple[str | NamedIndex, ...]:
        plain = tuple(entry for entry in found if isinstance(entry, str))
        _known(plain, INDEXES, "index")
        _unlike((*plain, *(e.name for e in found if isinstance(e, NamedIndex))))
        return found


_EXPECTED = {  # where pydantic speaks of Python
    "tuple_type": "a list in brackets, also of one, is expected",
    "model_type": "a table is expected",
    "string_pattern_mismatch": "letters, digits, spaces and . + - _ are expected, and a letter or digit",
}


class GridFile(BaseModel):
    """Everything a grid file says; paths are absolute once ``load_grid`` has read it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        default="", pattern=r"^$|^[\w.+ -]*\w[\w.+ -]*$", description="of the results"
    )
    dataset: Path | None = Field(default=None, description="a folder of documents and questions")
    questions: Path | None = Field(default=None, description="a questions.jsonl")
    documents: str | None = Field(default=None, description="a folder, or collection:NAME")
    corpus: Path | None = Field(default=None, description="a corpus.jsonl, for TREC's topics")
    topics: Path | None = Field(default=None, description="TREC's topics")
    qrels: Path | None = Field(default=None, description="TREC's judgements")
    split: str = Field(default="test", description="of a folder in BEIR's layout")
    seed: int = Field(default=SEED, ge=0, description="of everything that is drawn")
    limit: int = Field(default=0, ge=0, description="only the first so many questions; 0: all")
    baseline: str = Field(default="", description="the system that others are tested against")
    metric: str = Field(default="", description="that tests, plots and diagnosis go by")
    metrics: tuple[str, ...] | None = Field(default=None, description="default: by kind of gold")
    depth: int = Field(default=100, ge=1, le=MOST_HITS, description="results kept per question")
    grid: Axes = Field(default=Axes(), description="the axes")

    @field_validator("metric")
    @classmethod
    def _known_metric(cls, name: str) -> str:
        return name and _measured((name,))[0]

    @field_validator("metrics")
    @classmethod
    def _known_metrics(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return names if names is None else _measured(_unlike(names))

    @model_validator(mode="after")
    def _deep_enough(self) -> GridFile:
        if max(self.grid.k) > self.depth:
            raise ValueError(f"k is {max(self.grid.k)}, but depth is {self.depth}; raise depth")
        return self

    @model_validator(mode="after")
    def _one_source(self) -> GridFile:
        try:
            self.source()
        except UserError as exc:
            raise ValueError(str(exc).rstrip(".")) from exc
        return self

    def source(self) -> Source | None:
        """Where the questions are; ``None``: the command line has to say."""
        given = {name: found for name in SOURCES if (found := getattr(self, name)) is not None}
        return Source(**given, split=self.split) if given else None


_TABLES: dict[str, type[BaseModel]] = {"NamedIndex": NamedIndex, "grid": Axes}
"""By what stands in the way to a key of theirs."""


def load_grid(path: Path, text: str | None = None, **changes: Any) -> GridFile:
    """Read a grid file.

    Args:
        text: what stood in it, if that is known; it need not be there any more then.
        changes: what the command line says, over the file's; a source there replaces the file's.

    Raises:
        NotFound: the file, or one that it names, does not exist.
        UserError: it is no TOML (names the line), or a value is wrong (names the key).
    """
    raw = _parse(path, _read(path) if text is None else text)
    said = {key: value for key, value in changes.items() if value is not None}
    if not said.keys().isdisjoint(SOURCES):
        raw = {key: value for key, value in raw.items() if key not in SOURCES}
    try:
        grid = GridFile.model_validate({"name": path.stem, **_absolute(raw, path), **said})
    except ValidationError as exc:
        raise UserError(_fault(path, exc)) from exc
    _require_files(grid, path)
    return grid


def _read(path: Path) -> str:
    if not path.is_file():
        raise NotFound(f"There is no grid file {str(path)!r}; name a TOML file.")
    try:
        with disk_errors(path):
            return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise UserError(
            f"{str(path)!r} is not UTF-8 at byte {exc.start}; save it as UTF-8."
        ) from exc


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise UserError(f"{str(path)!r} is not TOML: {exc}; correct it.") from exc


def _absolute(raw: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The file's content with its paths made absolute."""
    base = path.resolve().parent
    found = dict(raw)
    for key in _FILES:
        if isinstance(found.get(key), str):
            found[key] = base / found[key]
    documents = found.get("documents")
    if isinstance(documents, str) and not documents.startswith(COLLECTION):
        found["documents"] = str(base / documents)
    if isinstance(found.get("grid"), dict):
        axes = found["grid"] = dict(found["grid"])
        for key in ("encoder", "rerank"):
            if isinstance(axes.get(key), list):
                axes[key] = [_folder(base, entry, key) for entry in axes[key]]
    return found


def _folder(base: Path, entry: Any, key: str) -> Any:
    """A folder beside the grid file; the name of an encoder stays as it is."""
    if not isinstance(entry, str) or not entry:
        return entry
    folder = base / Path(entry).expanduser()
    return str(folder) if key == "rerank" or ("/" in entry and folder.is_dir()) else entry


def _require_files(grid: GridFile, path: Path) -> None:
    for key in _FILES:
        if (named := getattr(grid, key)) is not None and not named.exists():
            raise NotFound(f"{str(path)!r}, {key!r}: there is no {str(named)!r}; correct the path.")
    documents = grid.documents
    if documents and not documents.startswith(COLLECTION) and not Path(documents).is_dir():
        raise NotFound(f"{str(path)!r}, 'documents': there is no folder {documents!r}.")
    for folder in filter(None, grid.grid.rerank or ()):
        if not Path(folder).is_dir():
            raise NotFound(
                f"{str(path)!r}, 'grid.rerank': there is no folder {folder!r}; name a cross-encoder's."
            )


def _known(names: tuple[str, ...], known: Sequence[str], what: str) -> tuple[str, ...]:
    for name in names:
        if name not in known:
            raise ValueError(f"there is no {what} {name!r}; choose from {', '.join(known)}")
    return names


def _measured(names: tuple[str, ...]) -> tuple[str, ...]:
    from eval.scoring.measures import measure

    for name in names:
        try:
            measure(name)
        except UserError as exc:
            raise ValueError(str(exc).rstrip(".")) from exc
    return names


def _fault(path: Path, error: ValidationError) -> str:
    """The first thing that is wrong, by file and key."""
    first, *others = error.errors()
    # What may be a name or a table is complained of as both; the longer way is to the table's key.
    alike = [other for other in others if other["loc"][:3] == first["loc"][:3]]
    fault = max([first, *alike], key=lambda found: len(found["loc"]))
    key = ".".join(str(part) for part in fault["loc"] if part not in _BRANCHES)
    where = f"{str(path)!r}, {key!r}" if key else f"{str(path)!r}"
    if fault["type"] == "extra_forbidden":
        model = next((m for name, m in _TABLES.items() if name in fault["loc"]), GridFile)
        return f"{where}: there is no such key; there are {', '.join(model.model_fields)}."
    said = _EXPECTED.get(fault["type"], fault["msg"].removeprefix("Value error, "))
    return f"{where}: {said}."
