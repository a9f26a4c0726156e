"""How well a way of chunking brings the text that answers, and how little else.

The measures are those of Smith & Troynikov 2024, "Evaluating Chunking Strategies for Retrieval"
(Chroma technical report). With *g* the gold text of a question, *r* the text of the first five
chunks found for it (a piece that two chunks share counts twice in *r*), and *g∩r* the gold text that
stands in one of them:

- ``recall@5`` = |g∩r| / |g|,
- ``precision@5`` = |g∩r| / |r|,
- ``IoU@5`` = |g∩r| / (|r| + |g| - |g∩r|).

The report writes lengths as tokens, its published code counts characters, and so is it done here.
Every question gets five chunks; that code can also give each as many as hold gold.

Five large chunks hold more than five small ones, whatever their borders, so more measures say what
that costs: ``characters@5``, the length of the five without repetition, and ``recall in 4000`` and
``recall in 12000``, the recall of the best chunks, whole and in order, that are at most so many
characters together (one chunk at least). Twelve thousand is what a language model is shown unless
the settings say otherwise.

A strategy whose chunks have windows is measured twice: by what is matched, and as ``shown``, by the
windows that a reader gets, without repetition. Knows a search as a Protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from corpus.records import Hit, SearchResult, Span
from eval.chunk_gold import GoldQuestion
from eval.report import System, Test
from eval.retrieval import Search
from eval.scoring.measures import Rows
from eval.scoring.stats import compare

__all__ = ["compared_with", "evaluate_chunks"]

FOUND = 5  # chunks that an answer is made of
BUDGETS = (4000, 12_000)  # characters; about a thousand and three thousand tokens of English
_DEPTH = 200  # chunks asked for, so that small ones can fill the budgets
_SHOWN = " shown"
_TESTED = (f"recall@{FOUND}", *(f"recall in {budget}" for budget in BUDGETS))

Place = tuple[str, Span]
"""The name of a document, and where in it."""


def evaluate_chunks(
    name: str,
    questions: Sequence[GoldQuestion],
    search: Search,
    mode: str,
    facts: Mapping[str, float],
    tick: Callable[[], object] = lambda: None,
) -> list[System]:
    """Measure the chunks that ``search`` finds.

    Args:
        name: of the systems, which end in " shown" when they are about windows.
        search: over documents whose ``source`` is their name in the gold.
        mode: dense, lexical or hybrid.
        facts: about these chunks, for the report.
        tick: called after each question, for a progress bar.
    """
    found: dict[str, SearchResult] = {}
    for question in questions:
        found[question.id] = search.search(question.text, _DEPTH, mode)
        tick()
    latencies = [result.timings_ms["total"] for result in found.values()]
    matched = {id: [_matched(hit) for hit in result.hits] for id, result in found.items()}
    shown = {id: [_shown(hit) for hit in result.hits] for id, result in found.items()}
    systems = [System(name, _rows(questions, matched), latencies, facts=facts)]
    if shown != matched:
        rows = _rows(questions, shown, once=True)
        systems.append(System(name + _SHOWN, rows, latencies, facts=facts))
    return systems


def compared_with(systems: Sequence[System], name: str) -> tuple[Test, ...]:
    """Whether the system called ``name`` differs from each other one; none if it is absent."""
    chosen = next((system for system in systems if system.name == name), None)
    return tuple(
        Test(name, other.name, metric, compare(chosen.rows[metric], other.rows[metric]))
        for other in systems
        if chosen is not None and other is not chosen
        for metric in _TESTED
    )


def _matched(hit: Hit) -> Place:
    return hit.document.source, Span(hit.chunk.start, hit.chunk.end)


def _shown(hit: Hit) -> Place:
    return hit.document.source, hit.chunk.window or Span(hit.chunk.start, hit.chunk.end)


def _rows(
    questions: Sequence[GoldQuestion], found: Mapping[str, Sequence[Place]], once: bool = False
) -> Rows:
    rows: Rows = {}
    for question in questions:
        for metric, value in _measures(question.gold, found[question.id], once).items():
            rows.setdefault(metric, {})[question.id] = value
    return rows


def _measures(gold: Sequence[Place], found: Sequence[Place], once: bool) -> dict[str, float]:
    """The measures of one question, as the module's docstring defines them."""
    first, wanted = found[:FOUND], _length(gold)
    both, different = _common(gold, first), _length(first)
    seen = different if once else sum(len(span) for _, span in first)
    return {
        f"recall@{FOUND}": both / wanted,
        f"precision@{FOUND}": both / seen if seen else 0.0,
        f"IoU@{FOUND}": both / (seen + wanted - both),
        f"characters@{FOUND}": float(different),
        **{
            f"recall in {budget}": _common(gold, _within(budget, found)) / wanted
            for budget in BUDGETS
        },
    }


def _within(budget: int, found: Sequence[Place]) -> Sequence[Place]:
    """As many of the best places as are at most ``budget`` characters together, but one at least."""
    count = min(1, len(found))
    while count < len(found) and _length(found[: count + 1]) <= budget:
        count += 1
    return found[:count]


def _common(a: Sequence[Place], b: Sequence[Place]) -> int:
    """Characters in both: those of each, less those of the two together."""
    return _length(a) + _length(b) - _length([*a, *b])


def _length(places: Sequence[Place]) -> int:
    """Characters that ``places`` cover, each counted once."""
    total, document, end = 0, "", 0
    for name, span in sorted(places):
        end = end if name == document else 0
        total += max(0, span.end - max(span.start, end))
        document, end = name, max(end, span.end)
    return total
