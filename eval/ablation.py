"""Runs one question set over many ways of chunking: every strategy at every size, in one home.

The index is made anew for each of them, by the writer that ingestion uses; every text is embedded
once, whatever the number of runs. Knows nothing of where the gold comes from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from corpus.records import Chunk
from eval.chunk_gold import ChunkGold
from eval.chunking import compared_with, evaluate_chunks
from eval.report import Report, System

if TYPE_CHECKING:
    from collections.abc import Callable

    from eval.bench import Bench
    from ingest.protocols import Chunker

__all__ = ["Choice", "run"]


@dataclass(frozen=True, slots=True)
class Choice:
    """What to compare; what is empty or None is taken from the settings."""

    strategies: tuple[str, ...]
    sizes: tuple[int, ...]
    overlap: int | None
    sentences: tuple[int, ...]
    modes: tuple[str, ...]


def run(
    gold: ChunkGold,
    choice: Choice,
    bench: Bench,
    limit: int | None = None,
    advance: Callable[[int, int], object] = lambda done, total: None,
) -> Report:
    """Measure every way of chunking that ``choice`` names.

    Args:
        limit: only the first so many questions.
        advance: called with the number of ways done, and of all.
    """
    questions = gold.questions[:limit]
    chunkers = {chunker.name: chunker for chunker in _chunkers(choice, bench)}
    systems: dict[str, list[System]] = {mode: [] for mode in choice.modes}
    for number, chunker in enumerate(chunkers.values()):
        advance(number, len(chunkers))
        bench.index_documents(gold.documents, chunker, lambda done, total: None)
        facts = _facts(bench)
        for mode, found in systems.items():
            name = f"{chunker.name} {mode}"
            found.extend(evaluate_chunks(name, questions, bench.searcher, mode, facts))
    advance(len(chunkers), len(chunkers))
    chosen = bench.chunker().name
    tests = [t for mode, found in systems.items() for t in compared_with(found, f"{chosen} {mode}")]
    context = {k: v for k, v in bench.context.items() if k not in ("chunking", "chunks")}
    all_systems = tuple(system for found in systems.values() for system in found)
    return Report(gold.name, all_systems, tuple(tests), context | {"default": chosen})


def _chunkers(choice: Choice, bench: Bench) -> Iterator[Chunker]:
    for strategy in choice.strategies:
        for changes in _sizes(choice, bench):
            for number in choice.sentences or (None,):
                sentences = {} if number is None else {"sentences": number}
                yield bench.chunker(strategy=strategy, **changes, **sentences)


def _sizes(choice: Choice, bench: Bench) -> Iterator[dict[str, Any]]:
    """The settings of each size; an overlap that is not given is the same share of it as is set."""
    share = bench.ingest_settings.overlap_tokens / bench.ingest_settings.chunk_tokens
    for size in choice.sizes or (bench.ingest_settings.chunk_tokens,):
        overlap = round(size * share) if choice.overlap is None else choice.overlap
        yield {"chunk_tokens": size, "overlap_tokens": overlap}


def _facts(bench: Bench) -> Mapping[str, float]:
    """How many chunks there are, and their mean size."""
    chunks: Sequence[Chunk] = [
        chunk
        for document in bench.catalog.documents()
        for chunk in bench.catalog.chunks_of(document.id)
    ]
    count = bench.encoder.count_tokens
    tokens = fmean(count(chunk.text) for chunk in chunks) if chunks else 0.0
    return {"chunks": len(chunks), "mean tokens": round(tokens, 1)}
