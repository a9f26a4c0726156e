"""Documents of the fake service: the list in pages, chunks, jobs, strategies, deleting with a way back, folders."""

from __future__ import annotations

import threading
import time
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response

from corpus.errors import NotFound, UserError
from tests.ui.fake_papers import Paper, read_upload
from tests.ui.fake_store import Store, get, now

Json = dict[str, Any]

__all__ = ["STRATEGIES", "add_document_routes", "collections"]

ADDED = "2026-11-20T09:30:00+00:00"
STRATEGIES = {
    "recursive": "Cuts at paragraphs, then at sentences.",
    "sentence_window": "One sentence each, read with its neighbours.",
    "fixed": "The same number of tokens each.",
}


def add_document_routes(app: FastAPI, store: Store) -> None:
    _list(app, store)
    _one(app, store)
    _content(app, store)
    _jobs(app, store)
    _folders(app, store)


def collections(store: Store) -> list[Json]:
    """Every collection with its size."""
    names = sorted({p.collection for p in store.papers.values()})
    count = {n: [p for p in store.papers.values() if p.collection == n] for n in names}
    return [
        {"name": n, "documents": len(d), "chunks": sum(p.record()["chunks"] for p in d)}
        for n, d in count.items()
    ]


def _row(store: Store, paper: Paper) -> Json:
    alike = len(_alike(store, paper))
    way = store.ways.get(paper.id, "recursive")
    return {**paper.record(), "strategy": way, "added": ADDED, "duplicates": alike}


def _alike(store: Store, paper: Paper) -> list[Paper]:
    """Other documents of the same bytes."""
    if not paper.original:
        return []
    others = store.papers.values()
    return [p for p in others if p.original == paper.original and p.id != paper.id]


def _list(app: FastAPI, store: Store) -> None:
    @app.get("/v1/documents")
    async def documents(
        collection: str = "",
        q: str = "",
        state: Annotated[list[str], Query()] = [],  # noqa: B006
        duplicates: bool = False,
        sort: str = "",
        limit: int = 0,
        after: str = "0",
    ) -> Json:
        named = [
            p
            for p in store.papers.values()
            if collection in ("", p.collection)
            and (not duplicates or _alike(store, p))
            and all(w in f"{p.title} {p.source}".lower() for w in q.lower().split())
        ]
        states: dict[str, int] = {}
        for paper in named:
            states[paper.state] = states.get(paper.state, 0) + 1
        found = [p for p in named if not state or p.state in state]
        keys: dict[str, Any] = {
            "name": lambda p: p.source,
            "size": lambda p: -len(p.original),
            "state": lambda p: p.state,
        }
        found.sort(key=keys.get(sort, lambda p: 0))
        first = int(after)
        last = first + limit if limit else len(found)
        return {
            "documents": [_row(store, p) for p in found[first:last]],
            "total": len(found),
            "next": str(last) if last < len(found) else None,
            "states": states,
        }

    @app.get("/v1/collections")
    async def all_collections() -> Json:
        return {"collections": collections(store)}

    @app.get("/v1/strategies")
    async def strategies() -> Json:
        ways = [
            {"name": n, "about": a, "sizes": n != "sentence_window"} for n, a in STRATEGIES.items()
        ]
        return {"strategies": ways, "default": "recursive", "size": 200}


def _one(app: FastAPI, store: Store) -> None:
    @app.get("/v1/documents/{id}")
    async def document(id: str) -> Json:
        paper: Paper = get(store.papers, id, "document")
        alike = [
            {"id": p.id, "source": p.source, "collection": p.collection}
            for p in _alike(store, paper)
        ]
        return {**_row(store, paper), **paper.details(), "duplicates": alike}

    @app.delete("/v1/documents/{id}")
    async def remove(id: str, undo_s: int = 0) -> Json:
        paper = get(store.papers, id, "document")
        del store.papers[id]
        if undo_s:
            store.deleted[id] = paper
        return {"snapshot": 8}

    @app.post("/v1/documents/{id}/restore")
    async def restore(id: str) -> Json:
        if id not in store.deleted:
            raise NotFound(f"document {id!r} cannot be brought back any more; add it again")
        store.papers[id] = store.deleted.pop(id)
        return {"snapshot": 9}

    @app.post("/v1/documents/{id}/rechunk", status_code=202)
    async def rechunk(id: str, body: Json) -> Json:
        get(store.papers, id, "document")
        if body["strategy"] not in STRATEGIES:
            raise UserError(f"There is no chunking strategy {body['strategy']!r}.")
        job = _job(store, 1)
        begin(_rechunk, store, job, id, body["strategy"])
        return {"job": job["id"]}


def _content(app: FastAPI, store: Store) -> None:
    @app.get("/v1/documents/{id}/text")
    async def text(id: str, start: int = 0, end: int | None = None) -> Json:
        body = get(store.papers, id, "document").text
        end = min(len(body) if end is None else end, len(body))
        return {"text": body[start:end], "start": start, "end": end, "length": len(body)}

    @app.get("/v1/documents/{id}/chunks")
    async def chunks(id: str, after: int = 0, limit: int = 50) -> Json:
        paper: Paper = get(store.papers, id, "document")
        made = paper.chunks(store.ways.get(id, "recursive"))
        last = after + limit
        more = last if last < len(made) else None
        return {"chunks": made[after:last], "total": len(made), "next": more}

    @app.get("/v1/documents/{id}/pages/{n}.png")
    async def page(id: str, n: int, width: int = 1000, start: int = -1, end: int = -1) -> Response:
        paper = get(store.papers, id, "document")
        return Response(paper.page_png(n, width, start, end), media_type="image/png")

    @app.get("/v1/documents/{id}/original")
    async def original(id: str) -> Response:
        return Response(
            get(store.papers, id, "document").original, media_type="application/octet-stream"
        )


def _jobs(app: FastAPI, store: Store) -> None:
    @app.post("/v1/documents", status_code=202)
    async def upload(request: Request) -> Json:
        async with request.form() as form:
            files = [(f.filename, await f.read()) for f in form.getlist("files")]
            collection = str(form.get("collection") or "default")
        if collection == "not yours":
            raise UserError(f"collection {collection!r} is not yours; choose another name")
        if any("refuse" in str(name) for name, _ in files):
            raise UserError("'refuse-me.txt' cannot name an upload; rename the file and try again")
        job = _job(store, len(files))
        begin(_read, store, job, files, collection)
        return {"job": job["id"]}

    @app.get("/v1/jobs")
    async def jobs() -> Json:
        return {"jobs": [{**job, "files": []} for job in store.jobs.values()]}

    @app.get("/v1/jobs/{id}")
    async def job(id: str, after: int = 0, limit: int = 100) -> Json:
        found: Json = get(store.jobs, id, "job")
        return {**found, "files": found["files"][after : after + limit]}

    @app.post("/v1/jobs/{id}/cancel")
    async def cancel(id: str) -> Json:
        job: Json = get(store.jobs, id, "job")
        job["state"] = "cancelled"
        return job


def _job(store: Store, total: int) -> Json:
    job = {
        "id": store.fresh("job"),
        "state": "queued",
        "done": 0,
        "total": total,
        "files": [],
        "report": None,
        "error": None,
    }
    store.jobs[job["id"]] = job
    return job


def begin(work: Any, *args: Any) -> None:
    threading.Thread(target=work, args=args, daemon=True).start()


def _read(store: Store, job: Json, files: list[tuple[str, bytes]], collection: str) -> None:
    job["state"] = "running"
    for name, data in files:
        time.sleep(store.reading_s)
        if job["state"] == "cancelled":
            return
        paper = read_upload(name, data, collection)
        store.papers[paper.id] = paper
        _ended(job, paper)
    job["state"] = "done"


def _ended(job: Json, paper: Paper) -> None:
    file = {"source": paper.source, "state": paper.state, "reason": paper.reason}
    job["files"].append(file)
    job["done"] += 1


def _rechunk(store: Store, job: Json, id: str, strategy: str) -> None:
    job["state"] = "running"
    time.sleep(store.reading_s)
    store.ways[id] = strategy
    _ended(job, store.papers[id])
    job["state"] = "done"


def _folders(app: FastAPI, store: Store) -> None:
    @app.get("/v1/folders")
    async def folders() -> Json:
        return {"folders": list(store.folders.values()), "allowed": store.allowed}

    @app.post("/v1/folders", status_code=201)
    async def watch(body: Json) -> Json:
        if not any(body["path"].startswith(root) for root in store.allowed):
            raise UserError(f"the service may not read {body['path']!r}; name it in alcove.toml")
        folder = {
            "id": store.fresh("folder"), "path": body["path"], "collection": body["collection"],
            "state": "watching", "checked": now(), "error": None, "states": {"indexed": 2},
        }  # fmt: skip
        store.folders[folder["id"]] = folder
        return folder

    @app.delete("/v1/folders/{id}", status_code=204)
    async def unwatch(id: str) -> None:
        get(store.folders, id, "folder")
        del store.folders[id]
