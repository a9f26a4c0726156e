"""Looking into a search, as the fake service does it: by shared words, the other list in another order."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from corpus.errors import Conflict, NotReady
from tests.ui.fake_papers import Paper
from tests.ui.fake_store import Store, get

Json = dict[str, Any]

__all__ = ["add_inspect_routes"]

_TIMES = {"embed": 3.5, "dense": 0.4, "lexical": 0.2, "fuse": 0.1, "rerank": 0.0, "fetch": 1.8}


def add_inspect_routes(app: FastAPI, store: Store) -> None:
    @app.post("/v1/inspect")
    async def inspect(body: Json) -> Json:
        if store.loading:
            raise NotReady("the encoder is being loaded; ask again in a moment")
        if not store.papers:
            raise Conflict("there are no documents to search yet")
        store.inspected.append(body)
        return _inspection(store, body)

    @app.post("/v1/question-sets/{name}/questions", status_code=201)
    async def add_question(name: str, body: Json) -> Json:
        for source in body["sources"]:
            get(store.papers, source["document"], "document")
        made = store.question_sets.setdefault(
            name,
            {"name": name, "origin": "uploaded", "questions": 0, "answerable": 0, "error": None},
        )
        made["questions"] += 1
        made["answerable"] += not body["unanswerable"]
        store.saved.append({"set": name, **body})
        return {"id": store.fresh("q"), "replaced": False, **made}


def _inspection(store: Store, body: Json) -> Json:
    mode, k = body.get("mode", "hybrid"), body.get("k", 10)
    lexical = [p for p in store.passages(body["query"], 40) if _is_in(store, p, body)]
    dense = [lexical[i] for i in (1, 0) if i < len(lexical)] + lexical[2:]
    weight = body.get("weights") or {"dense": 50, "lexical": 50}
    first = dense if mode == "dense" or weight["dense"] > weight["lexical"] else lexical
    lists = {
        "dense": dense if mode != "lexical" else [],
        "lexical": [p for p in lexical if p["score"]] if mode != "dense" else [],
    }
    listed = {
        name: [_listed(p, i, first, k) for i, p in enumerate(found, 1)]
        for name, found in lists.items()
    }
    shown = len({p["document"] for p in lexical})
    removed = [
        {
            "kind": "metadata", "filter": name, "value": value, "chunks": 3,
            "documents": len(store.papers) - shown,
        }
        for name, value in body.get("filters", {}).items()
    ]  # fmt: skip
    return {
        "query": body["query"],
        "snapshot": 7,
        "settings": {
            "k": k, "mode": mode, "fusion": body.get("fusion", "calibrated"), "depth": 100,
            "weights": {key: value / 100 for key, value in weight.items()}, "rerank": False,
            "collapse": False, "reader": store.person or None,
        },
        **listed,
        "hits": [_hit(p, i, lists) for i, p in enumerate(first[:k], 1)],
        "removed": removed,
        "searched": {"documents": shown, "chunks": len(lexical)},
        "timings_ms": {**_TIMES, "search": 2.5, "total": 6.0, "explain": 0.5},
    }  # fmt: skip


def _is_in(store: Store, passage: Json, body: Json) -> bool:
    paper: Paper = store.papers[passage["document"]]
    wanted = body.get("collection") in (None, paper.collection)
    return wanted and all(
        paper.record().get(key) == value for key, value in body.get("filters", {}).items()
    )


def _chunk(passage: Json) -> str:
    return f"{passage['document'][:8]}{passage['start']:08x}"


def _passage(passage: Json, rank: int) -> Json:
    keys = ("document", "source", "title", "page", "start", "end", "text", "headings", "score")
    known = {key: passage[key] for key in keys}
    collection = passage["record"]["collection"]
    return {**known, "chunk": _chunk(passage), "rank": rank, "collection": collection}


def _listed(passage: Json, rank: int, result: list[Json], k: int) -> Json:
    place = result.index(passage) + 1
    return {**_passage(passage, rank), "fused_rank": place, "hit": place if place <= k else None}


def _hit(passage: Json, rank: int, lists: dict[str, list[Json]]) -> Json:
    places = {
        name: found.index(passage) + 1 if passage in found else None
        for name, found in lists.items()
    }
    score = passage["score"]
    return {
        **_passage(passage, rank), "duplicates": [], "window": None, "fused_rank": rank,
        "fused_score": score, "dense_rank": places["dense"], "lexical_rank": places["lexical"],
        "dense_score": score, "lexical_score": 10 * score, "dense_part": score,
        "lexical_part": score, "rerank_score": None,
        "why": f"It is number {places['dense']} by meaning and {places['lexical']} by words.",
    }  # fmt: skip
