"""Jobs run in a process of their own, report each file, can be cancelled, and survive a restart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from corpus.catalog import Catalog
from corpus.errors import NotFound
from corpus.home import Home
from corpus.settings import CorpusSettings
from ingest.jobs import Job, JobQueue
from ingest.settings import IngestSettings
from retrieval.settings import EmbeddingSettings


@pytest.fixture(scope="session")
def tiny_model(make_e5: Callable[..., Path]) -> Path:
    return make_e5("tiny-e5")


@pytest.fixture
def queue(home: Home, tiny_model: Path) -> Iterator[JobQueue]:
    catalog = Catalog(home)
    made = JobQueue(home, catalog, settings(home, tiny_model))
    yield made
    made.close()
    catalog.close()


def settings(home: Home, model: Path) -> dict[str, object]:
    sections = {
        "corpus": CorpusSettings(home=home.root),
        "ingest": IngestSettings(workers=1, chunk_tokens=32, overlap_tokens=0),
        "embedding": EmbeddingSettings(model=str(model), precision="fp32"),
    }
    return {name: section.model_dump(mode="json") for name, section in sections.items()}


def wait_for(queue: JobQueue, id: str, *states: str, seconds: float = 90) -> Job:
    deadline = time.monotonic() + seconds
    while queue.job(id).state not in states:
        assert time.monotonic() < deadline, f"still {queue.job(id).state}"
        time.sleep(0.05)
    return queue.job(id)


def test_an_upload_ends_with_a_state_per_file_and_a_report(queue: JobQueue, home: Home) -> None:
    queue.start()
    id, folder = queue.reserve()
    (folder / "0.txt").write_text("the red box")
    (folder / "1.pdf").write_bytes(b"\x89PNG\r\n\x1a\n")
    uploads = [("a.txt", str(folder / "0.txt")), ("b.pdf", str(folder / "1.pdf"))]
    queue.submit("default", id=id, uploads=uploads)
    job = wait_for(queue, id, "done", "failed")
    assert job.error is None
    assert [(f["source"], f["state"]) for f in queue.files(job)] == [
        ("upload:a.txt", "indexed"),
        ("upload:b.pdf", "type_mismatch"),
    ]
    assert job.report is not None
    assert job.report["files"] == {"indexed": 1, "type_mismatch": 1}
    assert not folder.exists()  # the originals hold the only copy
    # The same process does the next job, and a wrong request ends that job only.
    assert wait_for(queue, queue.submit("", uploads=[]).id, "failed").error
    assert wait_for(queue, queue.submit("default", paths=[]).id, "done").error is None


def test_a_cancelled_job_stops_and_the_next_one_runs(queue: JobQueue, tmp_path: Path) -> None:
    queue.start()
    for n in range(60):
        (tmp_path / f"{n}.txt").write_text(f"the box {n}")
    first = queue.submit("default", paths=[str(tmp_path)])
    second = queue.submit("other", paths=[str(tmp_path / "1.txt")])
    wait_for(queue, first.id, "running")
    assert queue.cancel(first.id).state == "cancelled"
    assert wait_for(queue, second.id, "done", "failed").state == "done"
    assert queue.job(first.id).state == "cancelled"


def test_a_job_that_is_cancelled_while_it_waits_leaves_none_of_its_files(queue: JobQueue) -> None:
    id, folder = queue.reserve()
    (folder / "0.txt").write_text("the red box")
    queue.submit("default", id=id, uploads=[("a.txt", str(folder / "0.txt"))])
    assert queue.cancel(id).state == "cancelled"
    assert not folder.exists()
    queue.start()
    assert wait_for(queue, queue.submit("default", paths=[]).id, "done", "failed").error is None
    assert queue.job(id).state == "cancelled"


def test_a_job_that_a_stop_interrupted_runs_at_the_next_start(
    home: Home, tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("the red box")
    catalog = Catalog(home)
    stopped = JobQueue(home, catalog, settings(home, tiny_model))
    job = stopped.submit("default", paths=[str(tmp_path / "a.txt")])
    stopped.close()
    again = JobQueue(home, catalog, settings(home, tiny_model))
    again.start()
    assert wait_for(again, job.id, "done", "failed").state == "done"
    again.close()
    catalog.close()


def test_a_job_that_was_killed_in_the_middle_goes_on_at_the_next_start(
    home: Home, tiny_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    for n in range(200):
        (folder / f"{n}.txt").write_text(f"the box {n}")
    catalog = Catalog(home)
    stopped = JobQueue(home, catalog, settings(home, tiny_model))
    stopped.start()
    id = stopped.submit("default", paths=[str(folder)]).id
    deadline = time.monotonic() + 90
    while not stopped.job(id).done:  # the first batch is durable
        assert time.monotonic() < deadline
        time.sleep(0.01)
    eta_s = stopped.job(id).eta_s
    stopped.close()  # kills the process
    assert eta_s is None or eta_s >= 0
    assert stopped.job(id).state == "running"
    again = JobQueue(home, catalog, settings(home, tiny_model))
    again.start()
    job = wait_for(again, id, "done", "failed")
    assert (job.error, job.eta_s) == (None, None)
    assert job.report is not None
    assert job.report["files"].get("unchanged", 0) >= 64  # what was acknowledged is not done again
    assert sum(job.report["files"].values()) == len(catalog.documents()) == 200
    again.close()
    catalog.close()


def test_a_job_may_ask_for_a_strategy_and_waits_for_another_writer(
    queue: JobQueue, home: Home, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("the red box")
    queue.start()
    with home.writer_lock():
        id = queue.submit("default", paths=[str(tmp_path / "a.txt")], strategy="fixed").id
        wait_for(queue, id, "running")
    job = wait_for(queue, id, "done", "failed")
    assert (job.state, job.error) == ("done", None)
    catalog = Catalog(home)
    (document,) = catalog.documents()
    assert catalog.chunks_of(document.id)[0].strategy.startswith("fixed")
    catalog.close()


def test_what_is_left_is_told_from_what_is_done() -> None:
    job = Job("1", "running", 0.0, {}, done=0, total=40)
    assert job.to_json()["eta_s"] is None
    job.began = time.monotonic() - 10
    assert job.eta_s is None
    job.done = 10
    assert job.eta_s == pytest.approx(30, abs=1)
    job.state = "done"
    assert job.eta_s is None


def test_how_long_a_job_takes_can_be_asked_when_its_record_has_just_gone(queue: JobQueue) -> None:
    assert queue.eta_s("gone") is None


def test_an_unknown_job_is_not_found(queue: JobQueue) -> None:
    with pytest.raises(NotFound, match="no job 'x'"):
        queue.job("x")


def test_a_reindexing_is_a_job_with_a_report_of_its_own(queue: JobQueue) -> None:
    queue.start()
    job = wait_for(queue, queue.reindex().id, "done", "failed")
    assert job.error is None
    assert job.report is not None
    assert (job.report["from"], job.report["snapshot"]) == (None, 0)  # nothing is ingested yet


@pytest.mark.full
@pytest.mark.timeout(300)
def test_a_reindexing_has_a_lane_of_its_own_and_tells_how_far_it_is(
    queue: JobQueue, home: Home, tmp_path: Path, make_e5: Callable[..., Path]
) -> None:
    (tmp_path / "a.txt").write_text("the red box")
    queue.start()
    wait_for(queue, queue.submit("default", paths=[str(tmp_path / "a.txt")]).id, "done")
    catalog = Catalog(home)
    again = JobQueue(home, catalog, settings(home, make_e5("next-e5", seed=3)))
    again.start()
    job = again.reindex()
    assert wait_for(again, job.id, "done", "failed").error is None
    assert (job.done, job.total, again.files(job)) == (1, 1, [])
    assert job.report is not None
    assert (job.report["from"]["model"], job.report["to"]["model"]) == ("tiny-e5", "next-e5")
    refused = queue.submit("default", paths=[str(tmp_path / "a.txt")])  # which names the old model
    assert "alcove reindex" in str(wait_for(queue, refused.id, "failed").error)
    wait_for(queue, queue.reindex(back=True).id, "done")  # nobody waits for the other lane
    assert wait_for(queue, queue.submit("default", paths=[str(tmp_path / "a.txt")]).id, "done")
    again.close()
    catalog.close()
