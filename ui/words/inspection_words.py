"""What a search was made over and how long it took, in words. Knows what the service found, not where it is shown."""

from __future__ import annotations

from collections.abc import Mapping

from ui.api.inspecting import InspectionJson, RemovedJson
from ui.words.figures import counted

__all__ = ["removed_words", "searched_words", "total_words"]


def removed_words(limit: RemovedJson) -> str:
    """What one limit left out."""
    gone = f"{counted(limit['documents'], 'document')} with {counted(limit['chunks'], 'passage')}"
    if not limit["chunks"]:
        gone = "nothing"
    elif not limit["documents"]:
        gone = counted(limit["chunks"], "passage")
    return f"{_limit(limit)} left out {gone}."


def _limit(limit: RemovedJson) -> str:
    value = limit["value"]
    if limit["kind"] == "collection":
        return f"Searching the collection “{value}”"
    if limit["kind"] == "pages":
        first, _, last = value.partition("-")
        return f"Only page {first}" if first == last else f"Only pages {first} to {last}"
    return f"{limit['filter'].replace('_', ' ').capitalize()} “{value}”"


def searched_words(found: InspectionJson) -> str:
    """What was left to be searched."""
    documents, chunks = (found["searched"][key] for key in ("documents", "chunks"))
    whose = " that you may read" if found["settings"]["reader"] else ""
    words = f"{counted(chunks, 'passage')} of {counted(documents, 'document')}{whose}"
    depth = found["settings"]["depth"]
    return f"Searched: {words}; from each list the first {depth:,} count."


def total_words(timings_ms: Mapping[str, float]) -> str:
    """How long it took."""
    return f"Found in {timings_ms['total']:.1f} ms"
