"""The HTTP route that takes files; part of ``ingest.routes``.

A file is written to disk piece by piece as it comes, so its size is no matter for memory. One that cannot be used,
for its name or its size, ends as such in the job, and the others go on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, UploadFile

from corpus.catalog import Catalog
from corpus.errors import FileProblem
from corpus.home import disk_errors
from corpus.ownership import claim, own_collection
from corpus.records import UPLOAD, State
from ingest.jobs import JobQueue
from ingest.pipeline import DEFAULT_COLLECTION, check_collection
from ingest.upload_names import upload_name
from retrieval.caller import Caller

__all__ = ["upload_routes"]

CHUNK_BYTES = 1 << 20
SHOWN_CHARACTERS = 200  # of a name that was refused


@dataclass(slots=True)
class _Taken:
    """What became of the files of one upload: (name, path) of those to be read, and how the others ended."""

    uploads: list[tuple[str, str]] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)


def upload_routes(catalog: Catalog, jobs: JobQueue, max_upload_bytes: int) -> APIRouter:
    """The route; see ``ingest.routes.router``."""
    api = APIRouter()

    @api.post("/documents", status_code=202)
    def upload(
        files: list[UploadFile],
        person: Caller,
        collection: Annotated[str, Form()] = DEFAULT_COLLECTION,
    ) -> dict[str, str]:
        """Queue uploaded files for ingestion; the job tells how each of them ends.

        A file's name may be its path in an uploaded folder. Whoever is not the owner of the machine uploads into
        collections of their own, which nobody else reads.
        """
        collection = own_collection(person, collection)
        if not person.is_owner:
            check_collection(collection)
            claim(catalog.database, person, collection)
        id, folder = jobs.reserve()
        taken = _take(files, folder, max_upload_bytes)
        job = jobs.submit(
            collection, id=id, uploads=taken.uploads, refused=taken.refused, person=person.name
        )
        return {"job": job.id}

    return api


def _take(files: Sequence[UploadFile], folder: Path, max_bytes: int) -> _Taken:
    taken = _Taken()
    names: set[str] = set()
    for number, file in enumerate(files):
        try:
            name = upload_name(file.filename)
            if name in names:
                reason = "another file of this upload has the same name, as far as it can be kept; rename one"
                raise FileProblem(State.UNSAFE_PATH, reason)
        except FileProblem as problem:
            taken.refused.append(_refusal(file.filename, problem))
            continue
        names.add(name)
        path = folder / f"{number:04d}{Path(name).suffix[:20]}"
        with disk_errors(path):
            _keep(file, path, max_bytes)
        taken.uploads.append((name, str(path)))
    return taken


def _refusal(name: str | None, problem: FileProblem) -> dict[str, str]:
    """How the job shows a file that has no place in the catalog."""
    shown = "".join(c for c in name or "" if c.isprintable())[:SHOWN_CHARACTERS]
    return {"source": UPLOAD + shown, "state": str(problem.state), "reason": problem.reason}


def _keep(file: UploadFile, path: Path, max_bytes: int) -> None:
    """Write the file; of one that is too large nothing but its size, by which the pipeline tells that it is."""
    size = file.size or 0
    with path.open("wb") as out:
        if size > max_bytes:
            os.truncate(out.fileno(), size)  # holes: they take no space
            return
        for piece in _pieces(file):
            out.write(piece)


def _pieces(file: UploadFile) -> Iterator[bytes]:
    while piece := file.file.read(CHUNK_BYTES):
        yield piece
