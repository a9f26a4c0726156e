"""The page's way to evaluations: their part of the HTTP API, and which of them a session has open.

Errors are those of ``ui.api.client``. Knows nothing of Streamlit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ui.api.client import Service
from ui.api.wire import ComparisonJson, EvaluationJson, QueriesJson, QuestionSetJson

__all__ = ["ACTIVE", "Evaluating", "EvaluationService"]

ACTIVE = ("queued", "running")


@dataclass
class Evaluating:
    """What one session looks at: an evaluation, or (``None``) all of them.

    ``uploads`` counts the question sets that were added, so that the uploader starts afresh;
    ``wanted`` is the question set that somebody came to measure with.
    """

    opened: str | None = None
    uploads: int = 0
    wanted: str | None = None

    def open(self, evaluation: str | None) -> None:
        """Open an evaluation, or the list of them."""
        self.opened = evaluation

    def want(self, question_set: str) -> None:
        """Offer to measure with this set."""
        self.opened, self.wanted = None, question_set

    def address(self) -> dict[str, str]:
        """What of it stands in the page's address."""
        return {"evaluation": self.opened} if self.opened else {}

    def follow(self, address: Mapping[str, str]) -> None:
        """Open the evaluation of an address, or the list of them."""
        self.opened = address.get("evaluation")


class EvaluationService:
    """The routes of question sets and evaluations."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def question_sets(self) -> list[QuestionSetJson]:
        """Every question set."""
        found = self._service.ask_json("GET", "/v1/question-sets")["question_sets"]
        return cast(list[QuestionSetJson], found)

    def question_set(self, name: str) -> bytes:
        """A question set as a file."""
        return self._service.call("GET", f"/v1/question-sets/{name}").content

    def add_question_set(self, name: str, data: bytes) -> QuestionSetJson:
        """Hand over a question set; the service refuses a broken one and names the line."""
        files = {"file": (name, data)}
        return cast(
            QuestionSetJson, self._service.ask_json("POST", "/v1/question-sets", files=files)
        )

    def delete_question_set(self, name: str) -> None:
        """Delete an uploaded question set."""
        self._service.call("DELETE", f"/v1/question-sets/{name}")

    def start(self, wanted: dict[str, Any]) -> str:
        """Start an evaluation; its id."""
        return str(self._service.ask_json("POST", "/v1/evaluations", json=wanted)["id"])

    def evaluations(self) -> list[EvaluationJson]:
        """Every evaluation without its report, the newest first."""
        found = self._service.ask_json("GET", "/v1/evaluations")["evaluations"]
        return cast(list[EvaluationJson], found)

    def evaluation(self, id: str) -> EvaluationJson:
        """One evaluation, with its report if it is done."""
        return cast(EvaluationJson, self._service.ask_json("GET", f"/v1/evaluations/{id}"))

    def queries(self, id: str, **asked: str | int) -> QueriesJson:
        """Its questions: of a ``system``, lost at a ``stage``, with some words (``q``), or one ``query``."""
        path = f"/v1/evaluations/{id}/queries"
        return cast(QueriesJson, self._service.ask_json("GET", path, params=asked))

    def report(self, id: str) -> bytes:
        """The report to keep, one HTML file."""
        return self._service.call("GET", f"/v1/evaluations/{id}/report.html").content

    def cancel(self, id: str) -> None:
        """Stop an evaluation."""
        self._service.call("POST", f"/v1/evaluations/{id}/cancel")

    def resume(self, id: str) -> None:
        """Go on with one that ended early."""
        self._service.call("POST", f"/v1/evaluations/{id}/resume")

    def delete(self, id: str) -> None:
        """Remove an evaluation with all it found."""
        self._service.call("DELETE", f"/v1/evaluations/{id}")

    def compare(self, a: str, b: str, metric: str) -> ComparisonJson:
        """Whether ``b`` is better than ``a``, each ``ID:SYSTEM``."""
        named = {"a": a, "b": b, **({"metric": metric} if metric else {})}
        found = self._service.ask_json("GET", "/v1/evaluations/compare", params=named)
        return cast(ComparisonJson, found)
