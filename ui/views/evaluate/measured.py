"""What the service found in an evaluation that is done: it never changes, so a session asks for it once.

Shared by the sessions of one person, never by those of two.
"""

from __future__ import annotations

import streamlit as st

from ui.api.client import Service
from ui.api.evaluations import EvaluationService
from ui.api.wire import ComparisonJson, EvaluationJson, QueriesJson
from ui.state import service

__all__ = ["compared", "evaluation", "questions"]

_KEPT_S = 600


def evaluation(id: str) -> EvaluationJson:
    """An evaluation; asked for anew while it has no report."""
    found = _evaluation(service().who, service(), id)
    if found["report"] is None:
        _evaluation.clear(service().who, service(), id)
    return found


def questions(id: str, **asked: str | int) -> QueriesJson:
    """A page of its questions; see ``EvaluationService.queries``."""
    return _questions(service().who, service(), id, tuple(sorted(asked.items())))


def compared(a: str, b: str, metric: str) -> ComparisonJson:
    """Whether ``b`` is better than ``a``, each ``ID:SYSTEM``."""
    return _compared(service().who, service(), a, b, metric)


@st.cache_data(ttl=_KEPT_S, max_entries=20, show_spinner=False)
def _evaluation(who: str, _service: Service, id: str) -> EvaluationJson:
    return EvaluationService(_service).evaluation(id)


@st.cache_data(ttl=_KEPT_S, max_entries=200, show_spinner=False)
def _questions(
    who: str, _service: Service, id: str, asked: tuple[tuple[str, str | int], ...]
) -> QueriesJson:
    return EvaluationService(_service).queries(id, **dict(asked))


@st.cache_data(ttl=_KEPT_S, max_entries=100, show_spinner="Comparing…")
def _compared(who: str, _service: Service, a: str, b: str, metric: str) -> ComparisonJson:
    return EvaluationService(_service).compare(a, b, metric)
