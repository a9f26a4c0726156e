"""How each part of a running service is, in words, judged from figures that are at hand. Nothing is looked for here.

The doctor's checks (``agents.health.checks``) look deeper, and take their time. Knows nothing of HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agents.health.checks import Finding
from agents.health.reachability import Reached
from agents.records.record_json import Json
from agents.settings import LLMSettings

if TYPE_CHECKING:
    from agents.records.protocols import Engine

__all__ = ["disk", "ingestion", "language_model", "memory", "search"]

_MIB = 2**20
_LITTLE_MEMORY = 512 * _MIB  # an ingestion loads the encoder once more, and reads documents


def search(waiting: str, is_starting: bool, is_stand_in: bool) -> Finding:
    """Searching and answering.

    Args:
        waiting: why the service cannot answer, or nothing.
        is_starting: whether that will pass by itself.
        is_stand_in: whether an older snapshot answers, in place of a damaged one.
    """
    if is_starting:
        return Finding("search", waiting or "models and index are being loaded")
    if waiting:
        return Finding.of("search", waiting, "bad")
    if is_stand_in:
        words = "the index is damaged, and an older one answers in its place"
        return Finding("search", words, "run `alcove doctor --repair`", "bad")
    return Finding("search", "questions are answered from the whole index")


def language_model(engine: Engine | None, reached: Reached | None, llm: LLMSettings) -> Finding:
    """The language model.

    Args:
        engine: what answers; ``None``: it is not loaded yet.
        reached: what is known of its server, if it has one.
    """
    name = "language model"
    if engine is None:
        return Finding(name, "not known yet")
    if reached is None:
        return _without_model(name, llm)
    if reached.reachable is None:
        return Finding(name, f"the server at {reached.url} is being asked")
    if not reached.reachable:
        words = f"the server at {reached.url} does not answer: {reached.said}"
        return Finding(name, words, "start it, or set llm.url to where it is", "bad")
    if engine.model and reached.models and engine.model not in reached.models:
        words = f"the server at {reached.url} does not list {engine.model!r}: {reached.said}"
        return Finding(name, words, "set llm.model to one that it serves", "bad")
    return Finding(name, f"the server at {reached.url} answers: {reached.said}")


def _without_model(name: str, llm: LLMSettings) -> Finding:
    if llm.engine == "extractive":
        return Finding(name, "none is wanted: answers are quoted from the documents")
    words = "none found: answers are quoted from the documents"
    return Finding(name, words, "start vLLM or Ollama, or set llm.url", "advice")


def ingestion(jobs: Sequence[Json]) -> Finding:
    """Reading documents; ``jobs``: with their ``state``, those at work first, then the last ones."""
    at_work = [job for job in jobs if job["state"] in ("running", "queued")]
    if at_work:
        return Finding("ingestion", f"{len(at_work)} job{'s' * (len(at_work) > 1)} at work")
    if jobs and jobs[0]["state"] == "failed":
        words = f"the last job failed: {jobs[0]['error'] or 'nobody knows why'}"
        return Finding.of("ingestion", words, "advice")
    return Finding("ingestion", "nothing is being read")


def memory(used: int | None, available: int | None) -> Finding:
    """Bytes that this process takes, and that are left."""
    if used is None or available is None:
        return Finding("memory", "this system does not tell")
    words = f"the service takes {_size(used)}, {_size(available)} are left"
    if available < _LITTLE_MEMORY:
        return Finding("memory", words, "close other programs before documents are added", "advice")
    return Finding("memory", words)


def disk(free: int, least_mib: int) -> Finding:
    """Bytes free where the home is, and below how many MiB nothing is ingested."""
    words = f"{_size(free)} are free where documents are kept"
    if free < least_mib * _MIB:
        advice = f"make room: below {least_mib} MiB nothing is ingested"
        return Finding("disk", words, advice, "bad")
    return Finding("disk", words)


def _size(count: int) -> str:
    """Bytes in the unit that a person would use."""
    gigabytes = count / 1e9
    return f"{gigabytes:,.1f} GB" if gigabytes >= 1 else f"{count / 1e6:.0f} MB"
