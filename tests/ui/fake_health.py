"""How the fake service is, and who may use it. ``Store.trouble`` holds what is wrong, by the name of a part."""

from __future__ import annotations

import secrets
from typing import Any

from fastapi import FastAPI, Request, Response

from corpus.errors import Conflict, NotAllowed, UserError
from tests.ui.fake_documents import collections
from tests.ui.fake_store import Store, get, now

Json = dict[str, Any]

__all__ = ["add_health_routes", "admitted"]

URL = "http://127.0.0.1:8000/v1"
MOMENT = "2026-11-26T09:12:00+00:00"
CHECKS = (
    ("machine", "good", "Linux on aarch64, Python 3.12.11", ""),
    ("catalog", "good", "intact, and so are the stored copies of the documents", ""),
    ("index", "good", "snapshot 7 is intact: 5 documents", ""),
    ("extra gpu", "good", "not installed", "only needed to grow out (extra 'gpu')"),
)


def admitted(store: Store, request: Request) -> bool:
    """Whether the request has a key that fits, or needs none."""
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    known = {user["secret"] for user in store.users.values()} | ({store.key} - {""})
    return not known or given in known


def _account(store: Store, request: Request) -> Json | None:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    return next((u for u in store.users.values() if u["secret"] == given), None)


def _is_owner(store: Store, request: Request) -> bool:
    account = _account(store, request)
    return bool(account["owner"]) if account else not store.person


def add_health_routes(app: FastAPI, store: Store) -> None:
    @app.get("/healthz")
    async def health() -> Json:
        return {"status": "ok"}

    @app.get("/readyz")
    async def ready(response: Response) -> Json:
        response.status_code = 503 if store.loading else 200
        return {"ready": not store.loading, "reason": "the encoder is being loaded"}

    @app.get("/v1/me")
    def me(request: Request) -> Json:
        account = _account(store, request)
        if account:
            return {"name": account["name"], "owner": account["owner"], "signed_in": True}
        return {"name": store.person, "owner": not store.person, "signed_in": bool(store.key)}

    @app.get("/v1/status")
    async def status(request: Request) -> Json:
        return _status(store, _is_owner(store, request))

    @app.get("/v1/doctor")
    async def doctor() -> Json:
        names = ("name", "state", "finding", "advice")
        checks = [dict(zip(names, row, strict=True)) for row in (*CHECKS, *store.findings)]
        return {"checks": checks, "checked": MOMENT, "looking": False}

    @app.post("/v1/doctor", status_code=202)
    async def look_again() -> Json:
        return await doctor()

    _user_routes(app, store)


def _status(store: Store, is_owner: bool) -> Json:
    states: dict[str, int] = {}
    for paper in store.papers.values():
        states[paper.state] = states.get(paper.state, 0) + 1
    told = {
        "version": "0.1.0", "started": MOMENT, "home": "", "snapshot": None, "ready": True,
        "engine": _engine(store, is_owner), "encoder": _encoder(is_owner), "states": states,
        "max_file_mib": store.largest_mib,
        "collections": collections(store), "jobs": [_job(j) for j in store.jobs.values()],
    }  # fmt: skip
    if not is_owner:
        return told
    return {
        **told,
        "home": "~/.local/share/alcove",
        "snapshot": 7,
        "index": {"chunks": 1284, "vectors": 1284, "bytes": 5_412_000, "kind": "exact"},
        "memory": {"process_bytes": 1_240_000_000, "available_bytes": 96_500_000_000},
        "parts": [_part(store, *part) for part in _PARTS],
    }


_PARTS = (
    ("search", "questions are answered from the whole index"),
    ("language model", f"the server at {URL} answers: it serves 'llama-3.3-70b-nvfp4'"),
    ("ingestion", "nothing is being read"),
    ("memory", "the service takes 1.2 GB, 89.9 GB are left"),
    ("disk", "793.0 GB are free where documents are kept"),
)


def _part(store: Store, name: str, about: str) -> Json:
    state, about, advice = store.trouble.get(name, ("good", about, ""))
    return {"name": name, "state": state, "about": about, "advice": advice}


def _engine(store: Store, is_owner: bool) -> Json:
    llm = store.engine == "openai"
    model = "llama-3.3-70b-nvfp4" if llm else ""
    told = {
        "name": store.engine,
        "model": model,
        "url": URL if llm and is_owner else "",
        "label": "",
    }
    if not llm:
        return {**told, "reachable": None}
    well = "language model" not in store.trouble
    said = f"it serves '{model}'" if well else "nothing listens there"
    more = {"since": MOMENT, "asked": now(), "said": said, "took_ms": 2.4 if well else None}
    more["models"] = [model] if well else []
    return {**told, "reachable": well, **(more if is_owner else {})}


def _encoder(is_owner: bool) -> Json:
    why = (
        "e5-base-v2 is not on this machine, so the built-in all-minilm-l6-v2 is used; "
        "`alcove models pull e5-base-v2` fetches the larger encoder"
    )
    told = {"name": "all-MiniLM-L6-v2", "dimension": 384, "note": why if is_owner else ""}
    return {**told, "why": why} if is_owner else told


def _job(job: Json) -> Json:
    keys = ("id", "state", "done", "total", "error")
    return {
        **{key: job[key] for key in keys}, "kind": "upload", "collection": "papers",
        "created": 1_795_684_000.0, "eta_s": 40.0 if job["state"] == "running" else None,
    }  # fmt: skip


def _user_routes(app: FastAPI, store: Store) -> None:
    def require_owner(request: Request) -> None:
        if not _is_owner(store, request):
            raise NotAllowed("the list of users can only be used by the owner of this machine")

    def told(name: str) -> Json:
        user = store.users[name]
        user["secret"] = f"alcove_{secrets.token_urlsafe(32)}"
        return {"name": name, "key": user["secret"]}

    @app.get("/v1/users")
    def users(request: Request) -> Json:
        require_owner(request)
        rows = sorted(store.users.values(), key=lambda u: u["name"])
        return {
            "users": [
                {**{k: u[k] for k in ("name", "owner", "created")}, "key": u["secret"][7:15]}
                for u in rows
            ]
        }

    @app.post("/v1/users", status_code=201)
    def add(body: Json, request: Request) -> Json:
        require_owner(request)
        name = body["name"]
        if not name.replace("-", "").isalnum():
            raise UserError(f"{name!r} cannot name a user; use a-z and 0-9")
        if name in store.users:
            raise Conflict(f"there is a user {name!r} already")
        store.users[name] = {"name": name, "owner": body["owner"], "created": "2026-11-26"}
        return told(name)

    @app.post("/v1/users/{name}/key")
    def rotate(name: str, request: Request) -> Json:
        require_owner(request)
        get(store.users, name, "user")
        return told(name)

    @app.delete("/v1/users/{name}", status_code=204)
    def remove(name: str, request: Request) -> Response:
        require_owner(request)
        get(store.users, name, "user")
        owners = [u["name"] for u in store.users.values() if u["owner"]]
        if owners == [name]:
            raise Conflict(f"{name!r} has the only owner's key; make another owner first")
        del store.users[name]
        return Response(status_code=204)
