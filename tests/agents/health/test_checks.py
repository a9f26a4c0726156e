"""What the doctor finds in a home, and what it does not take for damage."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from agents.health.checks import CHECKS, LASTING, Check, Finding, examine
from agents.settings import Settings
from corpus.catalog import Catalog, Stored
from corpus.errors import Damaged
from corpus.home import Home
from corpus.records import Document, Parsed, State
from corpus.settings import CorpusSettings
from corpus.snapshot import SnapshotStore
from ingest.writer import Batch, Writer
from tests.fakes import HashEncoder


@pytest.fixture
def settings(indexed_home: Path, tmp_path: Path) -> Settings:
    home = Path(shutil.copytree(indexed_home, tmp_path / "home"))
    return Settings.load(home, {"llm": {"discover": False}}, {})


def only(name: str) -> dict[str, Check]:
    return {name: CHECKS[name]}


def test_a_sentence_is_split_into_what_is_and_what_to_do() -> None:
    found = Finding.of("index", "'a; b' is damaged; run `alcove doctor --repair`", "bad")
    assert (found.finding, found.advice) == ("'a; b' is damaged", "run `alcove doctor --repair`")
    assert found.sentence == "'a; b' is damaged; run `alcove doctor --repair`"
    assert Finding.of("index", "all is gone", "bad").advice == ""


def test_a_whole_home_is_well_and_what_need_not_be_done_is_no_advice(settings: Settings) -> None:
    found = {f.name: f for f in examine(settings, {**only("index"), **only("extras")})}
    assert found["index"].state == "good"
    assert "3 documents" in found["index"].finding
    assert {f.state for name, f in found.items() if name.startswith("extra ")} == {"good"}


def test_an_empty_home_has_a_next_step(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path / "new", {}, {})
    (found,) = examine(settings, only("index"))
    assert (found.state, found.advice) == ("advice", "`alcove ingest FOLDER`")


def test_damage_is_named_with_the_command_that_mends_it(settings: Settings) -> None:
    segment = max(settings.corpus.home.glob("snapshots/v*/dense/*.vectors.npy"))
    segment.write_bytes(b"zeroed")
    (found,) = examine(settings, only("index"))
    assert found.state == "bad"
    assert str(segment) in found.finding
    assert found.advice == "run `alcove doctor --repair`"


def test_of_many_damaged_copies_a_few_are_named_and_the_others_counted(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path / "home", {}, {})
    home = Home(settings.corpus.home)
    stored(home, [f"Note {n} of seven." for n in range(7)])
    found = list(examine(settings, only("catalog")))
    assert [f.name for f in found] == ["original"] * 5 + ["originals"]
    assert found[-1].finding == "2 other stored copies are damaged too"
    assert {f.advice for f in found} == {"run `alcove doctor --repair`"}


def stored(home: Home, texts: Sequence[str]) -> None:
    """Documents of which no copy is what it was."""
    batch = Batch()
    for text in texts:
        sha = hashlib.sha256(text.encode()).hexdigest()
        id, about = Document.make_id("notes", text, sha), (0, State.INDEXED, "", len(text), {})
        document = Document(id, text, sha, "text/plain", text, "notes", *about)
        batch.documents.append(Stored(document, sha, "whole"))
        batch.contents[sha] = Parsed(text, ())
        home.original(sha).parent.mkdir(exist_ok=True)
        home.original(sha).write_bytes(b"zeroed")
    with closing(Catalog(home)) as catalog:
        writer = Writer(home, catalog, HashEncoder(), CorpusSettings(home=home.root))
        writer.commit(batch)
        writer.close()


def test_a_snapshot_that_is_replaced_while_it_is_looked_at_is_no_damage(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer stands in the way once: it changes ``CURRENT`` while the files are compared."""
    home = Home(settings.corpus.home)
    mark, looks = SnapshotStore(home).mark(), []
    assert mark is not None
    whole = SnapshotStore.live

    def live(store: SnapshotStore) -> object:
        looks.append(store.mark())
        if len(looks) == 1:
            home.current.write_bytes(b"v000001\n")
            raise Damaged("it is being cleared away; run `alcove doctor --repair`")
        home.current.write_bytes(mark)
        return whole(store)

    monkeypatch.setattr(SnapshotStore, "live", live)
    (found,) = examine(settings, only("index"))
    assert found.state == "good"
    assert looks[1] == b"v000001\n"  # it was looked at once more


def test_too_little_room_is_a_fault_with_a_figure(settings: Settings) -> None:
    full = settings.corpus.model_copy(update={"min_free_mib": 2**30})
    (found,) = examine(settings.model_copy(update={"corpus": full}), only("home"))
    assert found.state == "bad"
    assert str(2**30) in found.advice


def test_one_check_that_fails_does_not_keep_the_others_from_looking(settings: Settings) -> None:
    def broken(_: Settings) -> Iterator[Finding]:
        yield from ()
        raise Damaged("the disk is on fire; fetch some water")

    found = list(examine(settings, {"fire": broken, **only("machine")}))
    assert [(f.name, f.state, f.advice) for f in found] == [
        ("fire", "bad", "fetch some water"),
        ("machine", "good", ""),
    ]


def test_the_lasting_checks_are_all_but_the_language_model_s() -> None:
    assert set(CHECKS) - set(LASTING) == {"language model"}
