"""HTTP routes of benchmarks: question sets, runs, what they found, and comparisons. The owner's alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, UploadFile
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from agents.measuring import evaluation_results as results
from agents.measuring.evaluations import Evaluation
from agents.measuring.feedback import (
    MOST_SOURCES,
    FeedbackQuestions,
    feedback_questions,
    right_sources,
)
from agents.measuring.question_sets import MOST_BYTES, QuestionSets
from agents.records.record_json import Json
from corpus.errors import NotFound, UserError
from retrieval.caller import Caller, require_owner

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agents.build import App

__all__ = ["router"]

MOST_SYSTEMS = 200

Way = Literal["dense", "lexical", "hybrid"]
Size = Annotated[int, Field(ge=16, le=4096)]


class NewEvaluation(BaseModel):
    """Body of ``POST /v1/evaluations``; without chunkers and sizes, those that are set."""

    model_config = ConfigDict(extra="forbid")

    question_set: str
    collection: str
    chunkers: list[str] = Field(default=[], max_length=20)
    sizes: list[Size] = Field(default=[], max_length=20, description="of a chunk, in tokens")
    fusions: list[Way] = Field(default=["hybrid"], min_length=1, max_length=3)
    k: int = Field(default=5, ge=1, le=100, description="passages an answer is made of")
    name: str = Field(default="", max_length=80)


class Source(BaseModel):
    """Where an answer stands: characters ``[start, end)`` of a document's text."""

    model_config = ConfigDict(extra="forbid")

    document: str
    start: StrictInt = Field(ge=0, le=2**53)
    end: StrictInt = Field(ge=1, le=2**53)


class NewQuestion(BaseModel):
    """Body of ``POST /v1/question-sets/{name}/questions``: a question with its sources, or without any where the
    documents do not say.
    """

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=20_000, pattern=r"\S")
    sources: list[Source] = Field(default=[], max_length=MOST_SOURCES)
    unanswerable: StrictBool = Field(default=False, description="the documents do not say")


def _owner(person: Caller) -> None:
    require_owner(person, "measuring")


def router(app: App) -> APIRouter:
    """Routes under ``/v1``."""
    api = APIRouter(prefix="/v1", tags=["evaluations"], dependencies=[Depends(_owner)])
    sets = QuestionSets(app.home, lambda sources: _feedback(app, sources))
    _add_sets(api, app, sets)
    _add_runs(api, app, sets)
    _add_results(api, app)
    return api


def _feedback(app: App, sources: Iterable[str] | None) -> FeedbackQuestions:
    """Only the owner's verdicts: what others said of their answers is theirs."""
    return feedback_questions(app.chats.feedback(), sources)


def _add_sets(api: APIRouter, app: App, sets: QuestionSets) -> None:
    @api.get("/question-sets")
    def list_question_sets() -> Json:
        """Every question set that can be measured with, and where it comes from."""
        return {"question_sets": sets.listed(_sources(app, None))}

    @api.post("/question-sets", status_code=201)
    def upload_question_set(file: UploadFile) -> Json:
        """Keep a question set, a file of JSON lines, under the name of the file."""
        return sets.add(file.filename or "", file.file.read(MOST_BYTES + 1))

    @api.post("/question-sets/{name}/questions", status_code=201)
    def add_question(name: str, body: NewQuestion, person: Caller) -> Json:
        """Add a question to one's own set, which is made if there is none; one with the same words is replaced."""
        if bool(body.sources) == body.unanswerable:
            raise UserError(
                "give the sources of the answer, or 'unanswerable': true where the documents do not say"
            )
        places = [(source.document, source.start, source.end) for source in body.sources]
        return sets.add_question(name, body.text, right_sources(app.catalog, places, person))

    @api.get("/question-sets/{name}", response_class=Response)
    def download_question_set(name: str) -> Response:
        """A question set as a file."""
        return _file(
            sets.content(name, _sources(app, None)), "application/x-ndjson", "questions.jsonl"
        )

    @api.delete("/question-sets/{name}", status_code=204)
    def delete_question_set(name: str) -> Response:
        """Delete an uploaded question set; what was measured with it stays."""
        sets.remove(name)
        return Response(status_code=204)


def _add_runs(api: APIRouter, app: App, sets: QuestionSets) -> None:
    @api.get("/evaluations")
    def list_evaluations() -> Json:
        """Every evaluation, the newest first, without what it found."""
        return {"evaluations": [_shown(item, None) for item in app.evaluations.listed()]}

    @api.post("/evaluations", status_code=201)
    def start_evaluation(body: NewEvaluation) -> Json:
        """Queue an evaluation: every way of searching for every way of chunking, on one question set."""
        wanted = _checked(app, body)

        def prepare(folder: Path) -> str:
            sources = _sources(app, wanted.request["collection"])
            return wanted.grid(sets.write(body.question_set, folder, sources).name)

        return {"id": app.evaluations.submit(wanted.name, wanted.request, prepare).id}

    @api.post("/evaluations/{id}/cancel")
    def cancel_evaluation(id: str) -> Json:
        """Stop an evaluation; what it has computed is used when it goes on."""
        return _shown(app.evaluations.cancel(id), None)

    @api.post("/evaluations/{id}/resume")
    def resume_evaluation(id: str) -> Json:
        """Go on with an evaluation that was interrupted or cancelled, or that failed."""
        return _shown(app.evaluations.resume(id), None)

    @api.delete("/evaluations/{id}", status_code=204)
    def delete_evaluation(id: str) -> Response:
        """Remove an evaluation with all it found."""
        app.evaluations.delete(id)
        return Response(status_code=204)


def _add_results(api: APIRouter, app: App) -> None:
    runs = app.evaluations

    @api.get("/evaluations/compare")
    def compare_evaluations(a: str, b: str, metric: str = "") -> Json:
        """Whether ``b`` is better than ``a``, each an evaluation's id or ``ID:SYSTEM``, and a sentence on it."""
        return runs.compare(a, b, metric)

    @api.get("/evaluations/{id}")
    def show_evaluation(id: str) -> Json:
        """How far an evaluation is, and its report once it is done."""
        item = runs.get(id)
        return _shown(item, results.report(runs.results(id)) if item.state == "done" else None)

    @api.get("/evaluations/{id}/queries")
    def evaluation_queries(
        id: str,
        system: str = "",
        stage: str = "",
        q: str = "",
        query: str = "",
        after: Annotated[int, Query(ge=0, le=2**53)] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> Json:
        """How each question did under each system: of those lost at a ``stage``, or (``lost``) at any; with the
        words ``q``; of one ``query`` by its id, with the passages that were found.
        """
        asked = results.Asked(system, stage, q, query, after, limit)
        return results.queries(runs.results(id), asked)

    @api.get("/evaluations/{id}/report.html", response_class=Response)
    def evaluation_report(id: str) -> Response:
        """The report as one file that needs no network."""
        return _file(results.html_report(runs.results(id)), "text/html", "report.html")


@dataclass(frozen=True, slots=True)
class _Wanted:
    name: str
    request: Json

    def grid(self, questions: str) -> str:
        """The grid as TOML, in which a JSON string or list is one too."""
        asked = self.request
        pairs = {"questions": questions, "documents": f"collection:{asked['collection']}"}
        axes = {
            "chunker": asked["chunkers"],
            "size": asked["sizes"],
            "fusion": asked["fusions"],
            "k": [asked["k"]],
        }
        lines = [f"{key} = {_toml(value)}" for key, value in pairs.items()]
        return "\n".join(
            [*lines, "", "[grid]", *(f"{k} = {_toml(v)}" for k, v in axes.items()), ""]
        )


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _checked(app: App, body: NewEvaluation) -> _Wanted:
    """What is wanted, with what is set in the place of what was not said.

    Raises:
        NotFound: there is no such collection. UserError: no such chunker, or too many systems.
    """
    from ingest.chunking import require_strategy

    if all(info.name != body.collection for info in app.catalog.collections()):
        raise NotFound(
            f"there is no collection {body.collection!r}; GET /v1/collections lists what there is"
        )
    for name in body.chunkers:
        require_strategy(name)
    ours = app.settings.ingest
    chunkers = _unique(body.chunkers) or [ours.strategy]
    sizes, fusions = _unique(body.sizes) or [ours.chunk_tokens], _unique(body.fusions)
    count = len(chunkers) * len(sizes) * len(fusions)
    if count > MOST_SYSTEMS:
        raise UserError(f"these are {count} systems; ask for at most {MOST_SYSTEMS} at once")
    chosen = {"chunkers": chunkers, "sizes": sizes, "fusions": fusions, "k": body.k}
    about = {"question_set": body.question_set, "collection": body.collection}
    name = body.name.strip() or f"{body.question_set} on {body.collection}"
    return _Wanted(name, {**about, **chosen})


def _unique(values: Sequence[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def _sources(app: App, collection: str | None) -> list[str]:
    """The sources of the documents there are, which gold of feedback may be in."""
    return [d.source for d in app.catalog.documents(collection) if d.state.searchable]


def _shown(item: Evaluation, report: Json | None) -> Json:
    return {**item.to_json(), "report": report}


def _file(content: bytes, media_type: str, name: str) -> Response:
    """A download: a browser must never render it in our name."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(content, media_type=f"{media_type}; charset=utf-8", headers=headers)
