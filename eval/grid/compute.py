"""The cells of a grid, each computed once: an index is built for all the cells that search it, and all of it is kept.

A cell's hits and losses are kept under a key of everything that they depend on: the data, the encoder's fingerprint,
the cell's settings, the depth, the versions, the machine, and the code that reads, cuts, indexes and searches. So a run
that was interrupted goes on where it was, and a second one searches nothing. Latency is what was measured then.
Knows nothing of measures.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from corpus.home import file_sha256, locked
from eval.bench import Bench
from eval.gold.records import GoldSet, Topic
from eval.grid.cache import Cache, key_of
from eval.grid.cells import Cell, Indexed, groups
from eval.grid.facts import IndexFacts, facts_of
from eval.grid.found import Answered, Searched
from eval.grid.progress import Progress
from eval.grid.searching import CellSearch, Remembering, depth_for
from eval.grid.stamp import code_hash, machine, versions
from eval.grid.tokens import TokenCounter
from eval.results.folder import slug
from eval.results.records import Loss, Stage
from ingest.chunking import GROUP, STRATEGIES

if TYPE_CHECKING:
    from retrieval.fingerprint import Fingerprint

__all__ = ["Benches", "Computed", "Order", "compute", "weight_of"]

CODE = (
    "corpus",
    "ingest",
    "retrieval",
    "eval/indexing.py",
    "eval/grid/searching.py",
    "eval/grid/found.py",
    "eval/grid/facts.py",
)
DIAGNOSIS = ("eval/causes", "eval/spans.py")
CHARACTERS_PER_MS = 20  # that are cut and embedded, about
MS_PER_SEARCH = 8  # about

Losses = Mapping[str, tuple[Loss, ...]]
Benches = Callable[[str, str], AbstractContextManager[Bench]]
"""Opens the benchmark home of a name with an encoder, as ``embedding.model`` names it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be computed: ``cells`` over the ``topics`` of ``gold``.

    ``depth`` results are kept for every topic; what is not among the first ``k`` counts as lost.
    """

    gold: GoldSet
    topics: tuple[Topic, ...]
    cells: tuple[Cell, ...]
    depth: int
    k: int


@dataclass(frozen=True, slots=True)
class Computed:
    """One cell: what it found, where it lost gold (by topic), and what is told of its index.

    ``count`` counts the encoder's tokens at a place of the documents. What is made of the hits may be kept in
    ``cache`` under a key that begins with ``key``.
    """

    cell: Cell
    fingerprint: Fingerprint
    index: IndexFacts
    searched: Searched
    losses: Losses
    count: TokenCounter
    cache: Cache
    key: str


def compute(order: Order, benches: Benches, progress: Progress) -> tuple[Computed, ...]:
    """Compute what is not kept yet.

    Args:
        benches: opens a benchmark home.
        progress: of a run whose weight is ``weight_of``.

    Returns:
        the cells, in their order.

    Raises:
        Conflict: another run uses the same benchmark home. Others as ``open_bench`` and ``Writer``.
    """
    found: dict[str, Computed] = {}
    indexes = groups(order.cells)
    for encoder in dict.fromkeys(indexed.encoder for indexed in indexes):
        progress.stage("loading the encoder", 0)
        with benches(f"grid-{slug(order.gold.name)}", encoder) as bench, _alone(bench):
            queries = Remembering(bench.encoder)
            count = TokenCounter(order.gold.documents, queries.count_tokens)
            for indexed, cells in indexes.items():
                if indexed.encoder == encoder:
                    work = _IndexWork(order, bench, queries, count, indexed, progress)
                    found |= {cell.name: done for cell, done in work.all(cells)}
    return tuple(found[cell.name] for cell in order.cells)


def _alone(bench: Bench) -> AbstractContextManager[None]:
    busy = f"another benchmark runs in {str(bench.home.root)!r}; wait for it to end"
    return locked(bench.home.root / "grid.lock", busy, wait=False)


def weight_of(order: Order) -> int:
    """Milliseconds that everything may take, roughly."""
    indexes = len(groups(order.cells))
    return indexes * _index_weight(order) + len(order.cells) * _cell_weight(order)


def _index_weight(order: Order) -> int:
    return 1 + sum(len(p.text) for p in order.gold.documents.values()) // CHARACTERS_PER_MS


def _cell_weight(order: Order) -> int:
    return 1 + len(order.topics) * MS_PER_SEARCH


class _IndexWork:
    """Everything that is done with one index."""

    def __init__(
        self,
        order: Order,
        bench: Bench,
        queries: Remembering,
        count: TokenCounter,
        indexed: Indexed,
        progress: Progress,
    ) -> None:
        self._order, self._bench, self._queries = order, bench, queries
        self._indexed, self._progress = indexed, progress
        self._cache = Cache(bench.home.root / "cells")
        self._key = key_of(
            *(order.gold.digest(), indexed.chunker, _brought_by(indexed.ingest.strategy)),
            *(queries.fingerprint.to_json(), indexed.dense.model_dump(mode="json")),
            *(code_hash(*CODE), versions(), machine()),
        )
        self._count = count
        self._built = False

    def all(self, cells: Sequence[Cell]) -> list[tuple[Cell, Computed]]:
        """The cells of this index, from the cache where they are."""
        index_stage = self._progress.stage(
            f"indexing {self._indexed.chunker}", _index_weight(self._order)
        )
        facts = self._facts(index_stage)
        return [(cell, self._cell(cell, facts, index_stage)) for cell in cells]

    def _facts(self, advance: Any) -> IndexFacts:
        kept = self._cache.get("index", self._key)
        if kept is not None:
            return IndexFacts.from_json(kept)
        self._build(advance)
        bench = self._bench
        facts = facts_of(bench.home, bench.catalog, bench.encoder)
        self._cache.put("index", self._key, facts.to_json())
        return facts

    def _build(self, advance: Any) -> None:
        """Make the home hold this index, unless it does."""
        if not self._built:
            chunker = self._bench.chunker(**self._indexed.ingest.model_dump())
            gold = self._order.gold
            self._bench.index_documents(
                gold.documents, chunker, advance, gold.whole, self._indexed.dense
            )
            self._built = True

    def _cell(self, cell: Cell, facts: IndexFacts, building: Any) -> Computed:
        depth = depth_for(self._order.gold, self._order.depth, int(facts.figures["chunks"]))
        topics = [topic.id for topic in self._order.topics]
        key = key_of(self._key, topics, cell.mode, _search_key(cell), depth)
        losses_key = key_of(key, self._order.k, code_hash(*DIAGNOSIS))
        hits, losses = self._cache.get("hits", key), self._cache.get("losses", losses_key)
        advance = self._progress.stage(f"searching {cell.name}", _cell_weight(self._order))
        if hits is None or losses is None:
            self._build(building)
            answers, lost = self._search(cell, depth, advance)
            if hits is None:  # latencies that were measured before are kept
                hits = Searched(answers).to_json()
                self._cache.put("hits", key, hits)
            losses = {query: [_loss_json(loss) for loss in found] for query, found in lost.items()}
            self._cache.put("losses", losses_key, losses)
        advance(1, 1)
        lost = {query: tuple(map(_loss, found)) for query, found in losses.items()}
        space, searched = self._queries.fingerprint, Searched.from_json(hits)
        return Computed(cell, space, facts, searched, lost, self._count, self._cache, key)

    def _search(
        self, cell: Cell, depth: int, advance: Any
    ) -> tuple[dict[str, Answered], dict[str, tuple[Loss, ...]]]:
        bench, topics = self._bench, self._order.topics
        search = CellSearch(bench.home, bench.catalog, self._queries, cell, depth)
        search.warm_up(topics)
        answers: dict[str, Answered] = {}
        losses: dict[str, tuple[Loss, ...]] = {}
        for number, topic in enumerate(topics, 1):
            answers[topic.id], losses[topic.id] = search.answer(topic, self._order.k)
            advance(number, len(topics))
        return answers, losses


def _search_key(cell: Cell) -> dict[str, Any]:
    """The settings of a search, with the reranker by its weights."""
    settings = cell.search.model_dump(mode="json", exclude={"dense", "rerank_model"})
    folder = cell.search.rerank_model
    weights = folder / "model.safetensors" if folder else None
    has_weights = weights is not None and weights.is_file()  # else loading it says what is missing
    return settings | {"reranker": file_sha256(weights) if weights and has_weights else str(folder)}


def _brought_by(strategy: str) -> str:
    """The package and version that a strategy which is not ours comes from."""
    if strategy in STRATEGIES:
        return ""
    (entry, *_) = importlib.metadata.entry_points(group=GROUP, name=strategy)
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value


def _loss_json(loss: Loss) -> list[Any]:
    return [loss.document, loss.start, loss.end, loss.stage, loss.detail]


def _loss(data: Sequence[Any]) -> Loss:
    document, start, end, stage, detail = data
    return Loss(document, start, end, Stage(stage), detail)
