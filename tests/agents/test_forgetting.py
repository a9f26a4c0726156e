"""Forgetting a person deletes what is theirs, and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.build import App, build
from agents.forgetting import belongings, forget_person
from agents.settings import Settings
from agents.store.outcome import Outcome
from corpus.errors import Conflict, UserError
from corpus.identity import Person
from corpus.job_records import files_of, save_job
from corpus.ownership import claim
from tests.fakes import HashEncoder

CANARY = "xylophone-4711-quartz"


@pytest.fixture
def app(indexed_home: Path, tmp_path: Path) -> Iterator[App]:
    home = Path(shutil.copytree(indexed_home, tmp_path / "home"))
    settings = Settings.load(home, {"llm": {"engine": "extractive"}, "ingest": {"workers": 1}}, {})
    made = build(settings, lambda *_: (HashEncoder(), "test"))
    for name in ("ada", "bob", ""):
        thread = made.chats.create_thread(owner=name)["id"]
        ids = made.chats.log.begin(thread, f"About {CANARY} of {name}?", "answer", None)
        made.chats.log.finish(ids["run"], "done", [], Outcome("Yes.", (), (), "openai", "m"))
        made.chats.memories.remember(name, f"{name} likes tea", "you")
        made.chats.notes.write(name, "list", f"milk for {name}", "you")
    paper = tmp_path / "paper.md"
    paper.write_text("# Ada's\n\nHer engine is analytical.\n")
    for name in ("ada", "bob"):
        claim(made.catalog.database, Person(name), f"{name}/papers")
        pipeline = made.pipeline()
        pipeline.add([("paper.md", paper)], f"{name}/papers")
        pipeline.close()
        file = {"source": f"{name}.md", "state": "indexed", "reason": ""}
        save_job(made.catalog.database, f"job of {name}", "done", 1.0, {"person": name}, {}, [file])
    yield made
    made.close()


def test_what_is_theirs_is_deleted_and_nothing_else(app: App) -> None:
    others = {d.id for d in app.catalog.documents()} - {
        d.id for d in app.catalog.documents("ada/papers")
    }
    gone = forget_person(app, "ada")
    assert (gone.threads, gone.memories, gone.notes, len(gone.documents)) == (1, 1, 1, 1)
    assert str(gone) == "1 conversation, 1 memory, 1 note and 1 document of their collections"
    assert not belongings(app, "ada").any
    assert {d.id for d in app.catalog.documents()} == others
    assert "ada/papers" not in app.catalog.readers()
    assert app.jobs.jobs("ada") == files_of(app.catalog.database, "job of ada") == []
    assert [job.id for job in app.jobs.jobs("bob")] == ["job of bob"]
    assert files_of(app.catalog.database, "job of bob")
    found = app.finder().searcher.search("analytical engine", mode="lexical").hits
    assert {hit.document.collection for hit in found} == {"bob/papers"}
    assert str(belongings(app, "bob")) == str(gone)
    assert len(app.chats.threads("")["threads"]) == len(app.chats.notes.notes("")) == 1
    stored = b"".join(path.read_bytes() for path in app.home.root.glob("chats.sqlite*"))
    assert f"{CANARY} of ada".encode() not in stored
    assert f"{CANARY} of bob".encode() in stored
    assert str(forget_person(app, "ada")).startswith("0 conversations, 0 memories, 0 notes and 0 ")


def test_the_owners_things_are_never_forgotten_at_once(app: App) -> None:
    with pytest.raises(UserError, match="the owner's"):
        forget_person(app, "")
    assert app.chats.threads("")["threads"]


def test_nothing_is_deleted_while_something_of_theirs_is_ingested(app: App) -> None:
    save_job(app.catalog.database, "j", "queued", 1.0, {"person": "ada"}, {})
    with pytest.raises(Conflict, match="'ada' are still being ingested"):
        forget_person(app, "ada")
    assert belongings(app, "ada").threads == 1
    forget_person(app, "bob")
