"""What a person asked in a thread, and what may be asked. Knows nothing of how it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.records.record_json import Json
from agents.records.steps import Step
from corpus.errors import UserError
from corpus.filters import check_pages, check_text
from corpus.identity import OWNER, Person

__all__ = ["MODES", "Asked", "check_asked", "limits_from_json"]

MODES = ("answer", "agent", "search")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked in a thread. ``mode``: answer, agent or search. ``collection``: None for all.

    ``run`` is the id of the run that answers; empty while there is none. ``earlier`` are the steps
    of a run that goes on after it has waited for a person. ``filters`` and ``pages`` say which documents
    and pages it is answered from, as ``retrieval.search.Searcher.search`` takes them; without them, all.
    """

    thread: str
    question: str
    mode: str = "answer"
    collection: str | None = None
    person: Person = OWNER
    run: str = ""
    earlier: tuple[Step, ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)
    pages: tuple[int, int] | None = None

    @property
    def limits(self) -> Json:
        """``filters`` and ``pages`` as plain JSON values, for ``limits_from_json``; nothing without either."""
        if not self.filters and self.pages is None:
            return {}
        return {"filters": dict(self.filters), "pages": self.pages and list(self.pages)}


def limits_from_json(limits: Mapping[str, Any]) -> dict[str, Any]:
    """``filters`` and ``pages`` as ``Asked`` takes them."""
    pages = limits.get("pages")
    return {"filters": limits.get("filters", {}), "pages": pages and (pages[0], pages[1])}


def check_asked(asked: Asked) -> None:
    """Refuse what cannot be begun.

    Raises:
        UserError: the question is blank, the mode unknown, the pages are none, or a filter is no text.
    """
    if not asked.question.strip():
        raise UserError("the question is empty; type one")
    if asked.mode not in MODES:
        raise UserError(f"there is no mode {asked.mode!r}; there are {', '.join(MODES)}")
    check_pages(asked.pages)
    for text in (*asked.filters, *asked.filters.values()):
        check_text(text)
