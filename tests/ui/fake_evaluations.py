"""Question sets and evaluations of the fake service: they end when a test says so, and have found little."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI, Response, UploadFile

from corpus.errors import UserError
from tests.reports import compare_json, report, rows
from tests.ui.fake_store import Store, get, now

Json = dict[str, Any]

__all__ = ["add_evaluation_routes", "finish"]


def finish(store: Store, state: str = "done", error: str | None = None) -> None:
    """End every evaluation that is at work."""
    for item in store.evaluations.values():
        if item["state"] == "running":
            item.update(state=state, error=error, done=item["total"])


def add_evaluation_routes(app: FastAPI, store: Store) -> None:
    _sets(app, store)
    _runs(app, store)
    _results(app, store)


def _sets(app: FastAPI, store: Store) -> None:
    @app.get("/v1/question-sets")
    async def question_sets() -> Json:
        messages = [m for thread in store.threads.values() for m in thread["messages"]]
        count = sum(bool(message.get("feedback")) for message in messages)
        store.question_sets["feedback"].update(questions=count, answerable=count)
        return {"question_sets": list(store.question_sets.values())}

    @app.post("/v1/question-sets", status_code=201)
    async def add(file: UploadFile) -> Json:
        name = (file.filename or "").removesuffix(".jsonl")
        try:
            count = len([json.loads(line) for line in (await file.read()).splitlines()])
        except ValueError as exc:
            raise UserError(f"'{name}.jsonl', line 1: not JSON.") from exc
        made = {
            "name": name, "origin": "uploaded", "questions": count, "answerable": count,
            "error": None,
        }  # fmt: skip
        store.question_sets[name] = made
        return made

    @app.get("/v1/question-sets/{name}")
    async def download(name: str) -> Response:
        get(store.question_sets, name, "question set")
        return Response(b"{}\n")

    @app.delete("/v1/question-sets/{name}", status_code=204)
    async def delete(name: str) -> None:
        get(store.question_sets, name, "question set")
        del store.question_sets[name]


def _runs(app: FastAPI, store: Store) -> None:
    @app.get("/v1/evaluations")
    async def evaluations() -> Json:
        return {"evaluations": list(reversed(store.evaluations.values()))}

    @app.post("/v1/evaluations", status_code=201)
    async def start(body: Json) -> Json:
        name = body["name"] or f"{body['question_set']} on {body['collection']}"
        item = {
            "id": store.fresh("ev"), "name": name, "state": "running", "created": now(),
            "request": body, "error": None, "doing": "searching", "done": 1, "total": 3,
            "report": None,
        }  # fmt: skip
        store.evaluations[item["id"]] = item
        return {"id": item["id"]}

    @app.post("/v1/evaluations/{id}/cancel")
    async def cancel(id: str) -> Json:
        item: Json = get(store.evaluations, id, "evaluation")
        item["state"] = "cancelled"
        return item

    @app.post("/v1/evaluations/{id}/resume")
    async def resume(id: str) -> Json:
        item: Json = get(store.evaluations, id, "evaluation")
        item.update(state="running", error=None)
        return item

    @app.delete("/v1/evaluations/{id}", status_code=204)
    async def delete(id: str) -> None:
        get(store.evaluations, id, "evaluation")
        del store.evaluations[id]


def _results(app: FastAPI, store: Store) -> None:
    @app.get("/v1/evaluations/compare")
    async def compare(a: str, b: str, metric: str = "") -> Json:
        return compare_json(a, b)

    @app.get("/v1/evaluations/{id}")
    async def evaluation(id: str) -> Json:
        item: Json = get(store.evaluations, id, "evaluation")
        return {**item, "report": report() if item["state"] == "done" else None}

    @app.get("/v1/evaluations/{id}/queries")
    async def queries(
        id: str, system: str = "", stage: str = "", q: str = "", query: str = ""
    ) -> Json:
        get(store.evaluations, id, "evaluation")
        found = [
            row.to_json()
            for row in store.rows or rows()
            if system in ("", row.system)
            and query in ("", row.query)
            and (stage in ("", row.stage) or (stage == "lost" and row.stage))
            and q.lower() in row.text.lower()
        ]
        return {"queries": found, "total": len(found), "next": None}

    @app.get("/v1/evaluations/{id}/report.html")
    async def html(id: str) -> Response:
        get(store.evaluations, id, "evaluation")
        return Response(b"<p>ok</p>", media_type="text/html")
