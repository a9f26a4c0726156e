"""What the service tells of documents, and which files of this machine it may be asked to ingest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from corpus.errors import NotAllowed, NotFound, UserError
from ingest.jobs import JobQueue
from ingest.routes import Hands, router
from ingest.settings import IngestSettings
from ingest.watched_folders import WatchedFolders
from tests.ingest.conftest import Desk


class Service:
    """The routes over a desk; jobs are queued and not run."""

    def __init__(self, desk: Desk, *folders: Path) -> None:
        self.jobs = JobQueue(desk.home, desk.catalog, {})
        self.watched = WatchedFolders(desk.catalog, self.jobs)
        hands = Hands(
            lambda id, _, undo_s: desk.pipeline.remove([id], undo_s=undo_s),
            lambda id, _: desk.pipeline.restore(id),
            lambda: desk.encoder.count_tokens,
        )
        settings = IngestSettings(folders=folders, max_mib=1)
        app = FastAPI()
        app.include_router(
            router(desk.home, desk.catalog, self.jobs, hands, settings, self.watched)
        )
        self.http = TestClient(app)

    def queue(self, *paths: Path | str, **more: str) -> dict[str, object]:
        reply = self.http.post("/v1/jobs", json={"paths": [str(p) for p in paths], **more})
        assert reply.status_code == 202
        (job,) = [j for j in self.jobs.jobs() if j.id == reply.json()["job"]]
        return dict(job.request)


@pytest.fixture
def service(desk: Desk) -> Iterator[Service]:
    made = Service(desk, desk.folder)
    yield made
    made.jobs.close()


def test_paths_below_an_allowed_folder_are_queued(service: Service, desk: Desk) -> None:
    path = desk.write("sub/a.txt", "red box")
    asked = service.queue(desk.folder, path, collection="work", strategy="fixed")
    assert asked["paths"] == [str(desk.folder), str(path)]
    assert (asked["collection"], asked["strategy"]) == ("work", "fixed")


def test_nothing_else_is_whatever_its_name(service: Service, desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "papers-too").mkdir()
    (desk.folder / "out").symlink_to(tmp_path / "papers-too")
    for path in ("/", "/etc/passwd", tmp_path / "papers-too", desk.folder / "out", "papers",
                 f"{desk.folder}/../papers-too", f"{desk.folder}/none/../../papers-too"):  # fmt: skip
        with pytest.raises(NotAllowed, match="name its folder"):
            service.queue(path)
    with pytest.raises(NotFound):
        service.queue(desk.folder / "nowhere")
    with pytest.raises(UserError, match="no chunking strategy"):
        service.queue(desk.folder, strategy="magic")
    with pytest.raises(UserError, match="cannot name a collection"):
        service.queue(desk.folder, collection=" ")
    assert service.jobs.jobs() == []


def test_by_default_no_folder_is_allowed(desk: Desk) -> None:
    service = Service(desk)
    with pytest.raises(NotAllowed):
        service.queue(desk.folder)
    service.jobs.close()


def test_a_document_tells_what_was_read_of_it(service: Service, desk: Desk) -> None:
    desk.write("a.md", "red box")
    desk.write("a.md.meta.yaml", "author: Ada")
    desk.sync()
    (document,) = desk.catalog.documents()
    shown = service.http.get(f"/v1/documents/{document.id}").json()
    assert (shown["metadata"], shown["missing"]) == ({"author": "Ada"}, [])
    desk.catalog.set_readers("default", ["ada"])
    (listed,) = service.http.get("/v1/collections").json()["collections"]
    assert listed["readers"] == ["ada"]


def test_a_reindexing_is_queued_by_name_and_never_by_folder(service: Service) -> None:
    reply = service.http.post("/v1/reindex", json={"model": "all-minilm-l6-v2"})
    (job,) = service.jobs.jobs()
    assert (reply.status_code, reply.json()) == (202, {"job": job.id})
    wanted = {"model": "all-minilm-l6-v2", "precision": None, "back": False}
    assert job.request == {"reindex": wanted}
    for body in ({"model": "/etc"}, {"model": "../x"}, {"model": ""}, {"surprise": 1}):
        assert service.http.post("/v1/reindex", json=body).is_client_error
    assert len(service.jobs.jobs()) == 1
