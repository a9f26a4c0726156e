"""What ``GET /v1/status`` says: what runs, with which models, what it holds, and whether each part is well.

Made for being asked every few seconds: nothing here grows with the documents but what SQLite counts, and nothing waits
for a model's server or a disk that is being read. Where things are, how much the machine has left and how often the
index changed is the owner's to know; others find it left empty, or not there.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from agents.build import App, Core
from agents.health.doctor import Doctor
from agents.health.memory import available_bytes, process_bytes
from agents.health.parts import disk, ingestion, language_model, memory, search
from agents.health.reachability import EngineWatch, Reached
from agents.records.record_json import Json
from agents.store.chat_tables import now
from agents.web_api.metrics import states
from corpus.errors import AlcoveError
from corpus.identity import OWNER, Person
from ingest.jobs import Job

if TYPE_CHECKING:
    from retrieval.index import Reader

__all__ = ["Health", "status_json", "version"]

_JOBS = 6  # told of, those at work first


@dataclass(frozen=True, slots=True)
class Health:
    """What looks after one running service; ``close`` it with the service."""

    app: App
    doctor: Doctor
    watch: EngineWatch
    started: str = field(default_factory=now)

    @classmethod
    def of(cls, app: App) -> Health:
        """Over a service's live objects."""
        key = app.settings.llm.api_key.get_secret_value()
        return cls(app, Doctor(app.settings), EngineWatch(key))

    def close(self) -> None:
        """End what is being looked at."""
        self.doctor.close()


def status_json(health: Health, person: Person = OWNER) -> Json:
    """The object that ``GET /v1/status`` returns. Models that are not loaded yet have no name."""
    app = health.app
    core, waiting = app.loaded(), app.readiness()
    told: Json = {
        "version": version(),
        "started": health.started,
        "home": "",
        "snapshot": None,
        "ready": not waiting,
        "engine": _engine(core, waiting),
        "encoder": _encoder(core, waiting),
        "collections": [
            {"name": c.name, "documents": c.documents, "chunks": c.chunks}
            for c in app.catalog.collections(person.reader)
        ],
        "states": states(app, person.reader),
        "max_file_mib": app.settings.ingest.max_mib,
        "jobs": _jobs(app, person.reader),
    }
    reached = health.watch.look(core.engine.url) if core and core.engine.url else None
    told["engine"] |= {"reachable": reached.reachable if reached else None}
    return (
        _for_owner(health, told, core, waiting, reached) if person.is_owner else _for_others(told)
    )


def _engine(core: Core | None, waiting: str) -> Json:
    if core is None:
        return {"name": "", "model": "", "url": "", "label": waiting}
    engine = core.engine
    return {"name": engine.name, "model": engine.model, "url": engine.url, "label": engine.label}


def _encoder(core: Core | None, waiting: str) -> Json:
    if core is None:
        return {"name": "", "dimension": 0, "note": waiting}
    space = core.encoder.fingerprint
    return {"name": space.model, "dimension": space.dimension, "note": core.note}


def _for_others(told: Json) -> Json:
    engine = told["engine"]
    engine |= {"url": "", "label": engine["model"] if engine["url"] else engine["label"]}
    told["encoder"] |= {"note": ""}
    return told


def _for_owner(
    health: Health, told: Json, core: Core | None, waiting: str, reached: Reached | None
) -> Json:
    app = health.app
    used, left = process_bytes(), available_bytes()
    reader = _reader(core)
    told["home"], told["snapshot"] = str(app.home.root), app.catalog.snapshot
    if reached is not None:
        told["engine"] |= {k: v for k, v in asdict(reached).items() if k != "url"}
    told["encoder"] |= {"why": core.note if core else waiting}
    told["index"] = _index(reader)
    told["memory"] = {"process_bytes": used, "available_bytes": left}
    stands_in = core is not None and reader is not None and core.searcher.live.is_stand_in(reader)
    parts = (
        search(waiting, bool(app.starting()), stands_in),
        language_model(core.engine if core else None, reached, app.settings.llm),
        ingestion(told["jobs"]),
        memory(used, left),
        disk(shutil.disk_usage(app.home.root).free, app.settings.corpus.min_free_mib),
    )
    told["parts"] = [
        {"name": p.name, "state": p.state, "about": p.finding, "advice": p.advice} for p in parts
    ]
    return told


def _reader(core: Core | None) -> Reader | None:
    """The snapshot that answers, if one can."""
    try:
        return core.searcher.reader() if core else None
    except AlcoveError:  # the reason that nothing can be answered, which is told as such
        return None


def _index(reader: Reader | None) -> Json | None:
    """``chunks`` can be found; ``bytes`` are on disk; ``kind`` is how most of the ``vectors`` are searched."""
    if reader is None:
        return None
    return {
        "chunks": len(reader.lexical),
        "vectors": len(reader.dense),
        "bytes": sum(int(file["size"]) for file in reader.snapshot.files.values()),
        "kind": reader.dense.kind,
    }


def _jobs(app: App, reader: str | None) -> list[Json]:
    """Those at work, and the last ones that ended, without their files."""
    rows = app.catalog.database.rows(
        """SELECT id, state, created, request, json_extract(progress, '$.done') AS done,
                  json_extract(progress, '$.total') AS total, json_extract(progress, '$.error') AS error
           FROM jobs WHERE :reader IS NULL OR json_extract(request, '$.person') = :reader
           ORDER BY state IN ('done', 'failed', 'cancelled'), created DESC LIMIT :most""",
        {"reader": reader, "most": _JOBS},
    )
    return [_job(app, dict(row)) for row in rows]


def _job(app: App, row: dict[str, Any]) -> Json:
    request = json.loads(row.pop("request"))
    kind = Job(row["id"], row["state"], row["created"], request).kind
    told = {"kind": kind, "collection": request.get("collection") or ""}
    return {**row, **told, "eta_s": app.jobs.eta_s(row["id"])}


def version() -> str:
    """This release's."""
    try:
        return importlib.metadata.version("alcove")
    except importlib.metadata.PackageNotFoundError:  # run from a checkout that was never installed
        return "unknown"
