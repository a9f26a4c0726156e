"""What cannot be searched is said in one sentence with what to do, and leaves every file as it was."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from agents.build import build
from agents.settings import Settings
from corpus.errors import OperatorError, UserError
from corpus.home import Home
from corpus.snapshot import SnapshotStore
from retrieval.search import MODES
from tests.command_line import Alcove, Outcome
from tests.retrieval.conftest import Shelf, rewrite_manifest

HALF = "caf\udce9"  # what Python makes of a byte that is not UTF-8
# SQLite's log, and the index of it that all its readers write to; what is in them is compared after a checkpoint.
HOUSEKEEPING = ("-wal", "-shm")


def files_of(root: Path) -> dict[str, str]:
    """Every folder, and every file with its hash."""
    for path in root.rglob("*.sqlite"):
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else ""
        for path in root.rglob("*")
        if not path.name.endswith(HOUSEKEEPING)
    }


@pytest.fixture(scope="module")
def ingested(
    tiny_model: Path, prepared_models: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """A home and the folder that was read into it; copy the home before writing to it."""
    folder = tmp_path_factory.mktemp("ingested")
    papers = folder / "papers"
    papers.mkdir()
    (papers / "box.txt").write_text("The red box stands in the hall.")
    (papers / "car.txt").write_text("The blue car is parked behind the box.")
    embedding = {"model": str(tiny_model), "prepared": str(prepared_models)}
    overrides = {"embedding": embedding, "ingest": {"workers": 1}}
    app = build(Settings.load(folder / "home", overrides, {}))
    with closing(app), closing(app.pipeline()) as pipeline:
        pipeline.sync([papers])
    return folder / "home", papers


@pytest.fixture
def papers(ingested: tuple[Path, Path], tmp_path: Path) -> Path:
    """What a home of this test's own holds already."""
    home, papers = ingested
    shutil.copytree(home, tmp_path / "home")
    return papers


@pytest.fixture
def refused(alcove: Alcove, tmp_path: Path) -> Callable[..., Outcome]:
    """Runs a command that must say one sentence, print no result and change no file."""

    def run(*arguments: object) -> Outcome:
        before = files_of(tmp_path)
        outcome = alcove(*arguments)
        assert outcome.out == ""
        assert outcome.err.startswith("alcove: ")
        assert outcome.err.count("\n") == 1
        assert len(outcome.err) < 600
        assert files_of(tmp_path) == before
        return outcome

    return run


Refused = Callable[..., Outcome]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([""], "the question is empty; type some words"),
        (["\n\t "], "the question is empty"),
        (["x" * 100_000], "100000 characters, at most 20000 are allowed; shorten it"),
        ([HALF], r"'caf\udce9' holds '\udce9', which is no character; write it in UTF-8"),
        (["x", "-k", "0"], "k is 0; give a number from 1 to 1000"),
        (["x", "-k", "-1"], "k is -1"),
        (["x", "-k", "1001"], "k is 1001"),
        (["x", "--mode", "magic"], "'magic'; use one of dense, lexical, hybrid"),
        (["x", "--mode", ""], "no search mode ''"),
        (["x", "--filter", "colour=red"], "'colour'; filter by one of media_type, title"),
        (["x", "--filter", "colour"], "'colour' is no filter; write it as KEY=VALUE"),
        (["x", "--filter", "=red"], "'=red' is no filter"),
        (["x", "--filter", f"{HALF}=red"], "which is no character"),
        (["x", "--filter", f"title={HALF}"], "which is no character"),
        (["x", "--filter", f"{'k' * 100_000}=v"], "filter by one of media_type, title"),
        (["x", "--collection", "none"], "no collection 'none'; `alcove documents` lists"),
        (["x", "--collection", HALF], r"no collection 'caf\udce9'"),
        (["x", "--collection", "n" * 100_000], "`alcove documents` lists"),
    ],
)
def test_a_search_that_cannot_be(
    alcove: Alcove, refused: Refused, papers: Path, arguments: list[str], words: str
) -> None:
    outcome = refused("search", *arguments, "--json")
    assert outcome.status == 2
    assert words in outcome.err


def test_an_empty_corpus(
    alcove: Alcove, refused: Refused, ingested: tuple[Path, Path], tmp_path: Path
) -> None:
    words = f"'{tmp_path / 'home'}' holds no documents; `alcove ingest FOLDER` adds some"
    outcome = refused("search", "red box")  # there is not even a home, and none is made
    assert (outcome.status, words in outcome.err) == (2, True)
    alcove("ask", "anything")  # makes one, and everything that belongs to it
    outcome = refused("search", "red box", "--json")
    assert (outcome.status, words in outcome.err) == (2, True)
    shutil.copytree(ingested[0], tmp_path / "home", dirs_exist_ok=True)
    assert alcove("search", "red box").status == 0
    alcove("documents", "remove", "--collection", "default")
    outcome = refused("search", "red box")
    assert (outcome.status, words in outcome.err) == (2, True)


def test_k_above_the_corpus_finds_all_there_is(alcove: Alcove, papers: Path) -> None:
    for mode in MODES:
        raw = alcove("search", "red box", "-k", 1000, "--mode", mode, "--json").json
        found = [Path(hit["source"]).name for hit in raw["hits"]]
        assert sorted(found) == ["box.txt", "car.txt"]


# The model


def edit(folder: Path, name: str, **values: object) -> None:
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def code_of_its_own(folder: Path) -> None:
    (folder / "evil.py").write_text(f"open({str(folder / 'it-was-run')!r}, 'w')\nclass Module: ...")
    rows = json.loads((folder / "modules.json").read_text())
    rows[0]["type"] = "evil.Module"
    (folder / "modules.json").write_text(json.dumps(rows))


def mapped_code(folder: Path) -> None:
    (folder / "evil.py").write_text(f"open({str(folder / 'it-was-run')!r}, 'w')\nclass Model: ...")
    edit(folder, "config.json", model_type="evil", auto_map={"AutoModel": "evil.Model"})


MODELS: dict[str, tuple[Callable[[Path], object], int, str]] = {
    "missing": (shutil.rmtree, 2, "there is no model"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), 2, "lacks model.safetensors"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), 2, "lacks tokenizer.json"),
    "no pooling": (lambda f: shutil.rmtree(f / "1_Pooling"), 3, "cannot be read as JSON"),
    "vision": (lambda f: edit(f, "config.json", model_type="vit"), 3, "of type 'vit', not one of"),
    "T5": (lambda f: edit(f, "config.json", model_type="t5"), 3, "of type 't5', not one of"),
    "GPT": (lambda f: edit(f, "config.json", model_type="gpt2"), 3, "of type 'gpt2', not one of"),
    "deeper": (lambda f: edit(f, "config.json", num_hidden_layers=9), 3, "weights of 2 layers"),
    "cut off": (lambda f: (f / "model.safetensors").write_bytes(b"8"), 3, "no"),
    "its own code": (code_of_its_own, 3, "no code of a model is ever run"),
    "mapped code": (mapped_code, 3, "of type 'evil', not one of"),
    "broken tokenizer": (lambda f: (f / "tokenizer.json").write_text("{"), 3, "cannot be read"),
}


@pytest.mark.parametrize("case", MODELS)
def test_a_model_folder_that_is_no_encoder(
    alcove: Alcove,
    refused: Refused,
    papers: Path,
    tmp_path: Path,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
) -> None:
    change, status, words = MODELS[case]
    folder = Path(shutil.copytree(tiny_model, tmp_path / tiny_model.name))
    change(folder)
    monkeypatch.setenv("ALCOVE_EMBEDDING__MODEL", str(folder))
    outcome = refused("search", "red box")
    assert outcome.status == status
    assert words in outcome.err
    assert str(folder) in outcome.err
    assert not (folder / "it-was-run").exists()
    if case == "vision":
        assert refused("ingest", papers).status == status
        checks = alcove("doctor", "--json").json["checks"]
        faults = [check["finding"] for check in checks if check["status"] == "FAULT"]
        assert faults == [outcome.err.removeprefix("alcove: ").rstrip()]


def test_another_encoder_than_the_index_s(
    alcove: Alcove,
    refused: Refused,
    papers: Path,
    make_e5: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALCOVE_EMBEDDING__MODEL", str(make_e5("tiny-e5", seed=5)))
    for mode in MODES:
        outcome = refused("search", "red box", "--mode", mode)
        assert outcome.status == 3
        assert "embedded differently (weights_sha256 '" in outcome.err


# The index


def newer_format(home: Home) -> None:
    rewrite_manifest(home, lambda manifest: manifest.update(format=3))


def newer_segments(home: Home) -> None:
    """A dense index that this version does not know, and a manifest that does."""
    store = SnapshotStore(home)
    path = store.folder(store.current()) / "dense" / "segments.json"
    contents = json.dumps({**json.loads(path.read_bytes()), "format": 3}).encode()
    path.write_bytes(contents)
    entry = {"sha256": hashlib.sha256(contents).hexdigest(), "size": len(contents)}
    rewrite_manifest(
        home, lambda manifest: manifest["files"].update({"dense/segments.json": entry})
    )


def newer_catalog(home: Home) -> None:
    with closing(sqlite3.connect(home.catalog)) as database:
        database.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (newer_format, "was written by a newer Alcove (format 3, this one knows 2); upgrade"),
        (
            newer_segments,
            "segments.json' was written by a newer Alcove (format 3, this one knows 2)",
        ),
        (newer_catalog, "was written by a newer Alcove (schema 99"),
    ],
)
def test_an_index_from_a_newer_version_is_neither_read_nor_written(
    alcove: Alcove,
    refused: Refused,
    papers: Path,
    tmp_path: Path,
    change: Callable[[Home], None],
    words: str,
) -> None:
    change(Home(tmp_path / "home"))
    for command in (
        ["search", "box"],
        ["ingest", papers],
        ["documents", "remove", "--collection", "default"],
    ):
        outcome = refused(*command)
        assert outcome.status == 3
        assert words in outcome.err


@pytest.mark.parametrize("change", [newer_format, newer_segments])
def test_no_older_snapshot_stands_in_for_one_of_a_newer_version(
    shelf: Shelf, change: Callable[[Home], None]
) -> None:
    shelf.add("red box")
    shelf.add("red car")
    change(shelf.home)
    for mode in MODES:
        with pytest.raises(OperatorError, match="Alcove") as caught:
            shelf.found("red box", mode=mode)
        assert type(caught.value) is OperatorError  # and not Damaged, which a writer would mend


@pytest.mark.parametrize("options", [{"filters": {HALF: "red"}}, {"filters": {"title": HALF}}, {}])
def test_halves_of_characters_are_refused_by_the_search_itself(
    shelf: Shelf, options: dict[str, object]
) -> None:
    shelf.add("red box")
    for mode in MODES:
        with pytest.raises(UserError, match="which is no character"):
            shelf.found("red box" if options else HALF, mode=mode, **options)
