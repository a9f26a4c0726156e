"""The command line: its JSON contracts, its exit statuses, and one sentence for each mistake."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from agents.store.memory import Chats
from corpus.home import Home
from corpus.identity import Person
from tests.command_line import Alcove
from ui.cli import app


def test_ingest_json_has_the_contract_s_keys(alcove: Alcove, papers: Path) -> None:
    (papers / "empty.txt").write_text("")
    outcome = alcove("ingest", papers, "--json")
    raw = outcome.json
    assert outcome.status == 1  # one input ended in a bad state
    assert set(raw) == {
        *("job", "snapshot", "files", "removed", "ignored", "chunks", "seconds", "problems"),
    }
    assert raw["files"] == {"indexed": 2, "empty_text": 1}
    assert raw["chunks"] == {"added": 2, "removed": 0, "kept": 0}
    (problem,) = raw["problems"]
    assert set(problem) == {"path", "state", "reason"}
    assert problem["path"] == str(papers / "empty.txt")


def test_search_json_has_the_contract_s_keys(alcove: Alcove, ingested: Path) -> None:
    raw = alcove("search", "red box", "-k", 1, "--mode", "lexical", "--json").json
    assert set(raw) == {"query", "snapshot", "hits", "timings_ms"}
    assert set(raw["timings_ms"]) >= {"embed", "search", "total"}
    (hit,) = raw["hits"]
    contract = {"rank", "score", "chunk", "document", "source", "page", "start", "end", "text"}
    assert contract <= set(hit)
    text = (ingested / "box.txt").read_text()
    assert hit["source"] == str(ingested / "box.txt")
    assert text[hit["start"] : hit["end"]] == hit["text"]


def test_ask_json_has_the_contract_s_keys(alcove: Alcove, ingested: Path) -> None:
    raw = alcove("ask", "How many kilograms does the red box weigh?", "--json").json
    contract = {"answer", "abstained", "engine", "model", "citations", "timings_ms"}
    assert set(raw) == contract
    assert raw["engine"] == "extractive"
    text = (ingested / "box.txt").read_text()
    for citation in raw["citations"]:
        assert set(citation) == {
            *("n", "document", "source", "page", "start", "end", "quote", "support"),
        }
        assert text[citation["start"] : citation["end"]] == citation["quote"]


def test_audit_lists_the_newest_entry_first(alcove: Alcove, tmp_path: Path) -> None:
    with closing(Chats(Home(tmp_path / "home"))) as chats:
        for thread in "ab":
            chats.audit(Person("ada"), "thread.deleted", {"thread": thread, "token": "hush"})
    entries = alcove("audit", "--last", 1, "--json").json["entries"]
    assert [set(entry) for entry in entries] == [{"n", "time", "person", "action", "details"}]
    assert entries[0]["details"]["thread"] == "b"
    said = alcove("audit").out
    assert said.index('"b"') < said.index('"a"')
    assert "hush" not in said


def test_without_json_people_get_sentences(alcove: Alcove, papers: Path) -> None:
    assert "2 indexed" in alcove("ingest", papers).out
    assert "box.txt" in alcove("search", "red box").out
    assert alcove("ask", "What stands in the hall?").out.strip()


def test_chunking_strategies_are_listed_when_asked_for_and_when_misspelt(
    alcove: Alcove, papers: Path
) -> None:
    found = alcove("ingest", papers, "--strategy", "clever")
    assert found.status == 2
    explained = " ".join(alcove("ingest", "--help").out.split())
    for name in ("fixed", "recursive", "semantic", "sentence_window", "structure"):
        assert name in found.err
        assert name in explained


def test_patterns_leave_files_out_and_say_how_many(alcove: Alcove, papers: Path) -> None:
    raw = alcove("ingest", papers, "--include", "*.txt", "--include", "*.md", "--json").json
    assert (raw["files"], raw["ignored"]) == ({"indexed": 2}, 0)
    outcome = alcove("ingest", papers, "--exclude", "car.*")
    assert "1 unchanged, 1 ignored by patterns; 1 removed" in outcome.out
    assert alcove("ingest", papers, "--exclude", "!").status == 2


def test_searches_are_limited_to_pages(alcove: Alcove, ingested: Path) -> None:
    assert alcove("search", "red box", "--pages", "900-999", "--json").json["hits"] == []
    assert "'two' names no pages" in alcove("search", "red box", "--pages", "two").err


def test_searches_are_filtered_by_metadata(alcove: Alcove, papers: Path) -> None:
    (papers / "box.txt.meta.yaml").write_text("author: Ada")
    alcove("ingest", papers)
    raw = alcove("search", "the", "--filter", "author=Ada", "--json").json
    assert [Path(hit["source"]).name for hit in raw["hits"]] == ["box.txt"]
    assert alcove("search", "the", "--filter", "author").err.startswith("alcove: 'author' is no")
    unknown = alcove("search", "the", "--filter", "colour=red")
    assert (unknown.status, "filter by one of author, media_type, title" in unknown.err) == (
        2,
        True,
    )


def test_who_may_read_a_collection_is_said_and_shown(alcove: Alcove, papers: Path) -> None:
    assert alcove("collections", "readers", "default").status == 2  # there is none yet
    assert "by ada, bob" in alcove("collections", "readers", "default", "bob", "ada").out
    alcove("ingest", papers)
    (default,) = alcove("collections", "--json").json["collections"]
    assert default == {
        "name": "default",
        "documents": 2,
        "chunks": 2,
        "readers": ["ada", "bob"],
    }
    assert "ada, bob" in alcove("collections", "list").out
    assert "everyone" in alcove("collections", "readers", "default", "--everyone").out
    assert alcove("collections", "readers", "default", "ada", "--everyone").status == 2


def test_a_document_s_pages_and_metadata_are_shown(alcove: Alcove, papers: Path) -> None:
    from reportlab.pdfgen import canvas

    book = canvas.Canvas(str(papers / "book.pdf"))
    book.drawString(100, 700, "Seven apple trees.")
    book.showPage()
    book.showPage()
    book.save()
    (papers / "book.pdf.meta.json").write_text('{"author": "Ada"}')
    alcove("ingest", papers)
    listed = alcove("documents", "--json").json["documents"]
    (id,) = [d["id"] for d in listed if d["source"].endswith("book.pdf")]
    raw = alcove("documents", "show", id, "--json").json
    assert raw["metadata"]["author"] == "Ada"
    assert [(p["number"], p["characters"]) for p in raw["page_details"]] == [(1, 18), (2, 0)]
    shown = alcove("documents", "show", id).out
    for line in ("metadata: author: Ada", "page 1: 18 characters, text layer",
                 "page 2: 0 characters, nothing"):  # fmt: skip
        assert line in shown


def test_watching_follows_changes_and_ends_cleanly(
    alcove: Alcove, papers: Path, tmp_path: Path
) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", "from ui.cli import main; main()", "ingest", str(papers)]
    with subprocess.Popen(
        [*command, "--watch"], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        lines = iter(process.stdout.readline, "")
        assert any("Watching" in line for line in lines)
        (papers / "new.txt").write_text("A green tree.")
        assert any(line.rstrip().endswith(": new.txt") for line in lines)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
        assert "Watching has ended" in process.stderr.read()
    assert alcove("ingest", papers).status == 0  # the lock is free


def test_documents_are_listed_shown_and_removed(alcove: Alcove, ingested: Path) -> None:
    rows = alcove("documents", "--json").json["documents"]
    assert [(Path(row["source"]).name, row["state"]) for row in rows] == [
        ("box.txt", "indexed"),
        ("car.md", "indexed"),
    ]
    shown = alcove("documents", "show", rows[0]["id"], "--json").json
    assert shown["text"] == (ingested / "box.txt").read_text()
    assert alcove("documents", "remove", rows[0]["id"]).status == 0
    assert len(alcove("documents", "list", "--json").json["documents"]) == 1
    assert alcove("documents", "remove", "--collection", "default").status == 0
    assert alcove("documents", "--json").json == {"documents": []}


def test_models_say_which_is_used_and_how_to_get_e5(alcove: Alcove) -> None:
    raw = alcove("models", "--json").json
    folders = {row["name"]: row["folder"] for row in raw["models"]}
    assert folders["all-minilm-l6-v2"]
    assert {"e5-base-v2", "multilingual-e5-large"} <= set(folders)
    assert "tiny-e5" in raw["note"]


def test_a_model_is_added_from_a_folder(alcove: Alcove, tiny_model: Path) -> None:
    assert alcove("models", "add", tiny_model).status == 0
    rows = {row["name"]: row["folder"] for row in alcove("models", "--json").json["models"]}
    assert rows["tiny-e5"]


def test_doctor_finds_nothing_wrong_and_a_damaged_index(
    alcove: Alcove, ingested: Path, tmp_path: Path
) -> None:
    healthy = alcove("doctor", "--json")
    assert healthy.status == 0
    assert {check["status"] for check in healthy.json["checks"]} <= {"ok", "note"}
    (segment,) = (tmp_path / "home").glob("snapshots/v*/dense/*.vectors.npy")
    segment.write_bytes(b"zeroed")
    damaged = alcove("doctor", "--json")
    assert damaged.status == 3
    (fault,) = (check for check in damaged.json["checks"] if check["status"] == "FAULT")
    assert str(segment) in fault["finding"]


def test_doctor_repairs_a_damaged_index_and_says_what_it_did(
    alcove: Alcove, ingested: Path, tmp_path: Path
) -> None:
    (segment,) = (tmp_path / "home").glob("snapshots/v*/dense/*.vectors.npy")
    segment.write_bytes(b"zeroed")
    repaired = alcove("doctor", "--repair", "--json")
    assert repaired.status == 0
    done = repaired.json["repair"]
    assert str(segment) in done["done"][0]
    assert (done["snapshot"], done["embedded"]) == (2, 0)
    assert "quarantine" in {check["name"] for check in repaired.json["checks"]}
    assert "box.txt" in alcove("search", "red box").out
    assert "Nothing was damaged." in alcove("doctor", "--repair").out


@pytest.fixture(scope="session")
def other_model(make_e5: Callable[..., Path]) -> Path:
    return make_e5("other-e5", seed=7)


def checks_of(alcove: Alcove) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in alcove("doctor", "--json").json["checks"]}


def test_an_index_of_another_model_is_refused_until_it_is_reindexed(
    alcove: Alcove, ingested: Path, other_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALCOVE_EMBEDDING__MODEL", str(other_model))
    for command in (["search", "red box"], ["ingest", ingested], ["ask", "Where is the red box?"]):
        refused = alcove(*command)
        assert refused.status == 3
        assert "model 'tiny-e5' against 'other-e5'; weights_sha256" in refused.err
        assert "alcove reindex" in refused.err
    assert checks_of(alcove)["encoder"]["status"] == "FAULT"
    moved = alcove("reindex", "--json")
    assert moved.status == 0
    keys = ["job", "snapshot", "from", "to", "chunks", "embedded", "kept", "remade", "seconds"]
    assert list(moved.json) == [*keys, "switch_ms"]
    assert (moved.json["from"]["model"], moved.json["to"]["model"]) == ("tiny-e5", "other-e5")
    assert "box.txt" in alcove("search", "red box", "--mode", "dense").out
    assert checks_of(alcove)["encoder"]["status"] == "ok"
    assert "tiny-e5" in checks_of(alcove)["index from before"]["finding"]
    assert alcove("ingest", ingested, "--json").json["files"] == {"unchanged": 2}
    refused = alcove("reindex", "--back")
    assert refused.status == 2
    assert "embedding.model is set to" in refused.err


def test_left_open_the_model_follows_the_index_there_and_back(
    alcove: Alcove,
    ingested: Path,
    tiny_model: Path,
    other_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALCOVE_EMBEDDING__MODEL", "auto")
    gone = alcove("search", "red box")
    assert gone.status == 3
    assert "'tiny-e5', whose files are no longer found" in gone.err
    alcove("models", "add", tiny_model)
    assert "box.txt" in alcove("search", "red box").out
    assert "alcove reindex" in checks_of(alcove)["encoder"]["finding"]  # the built-in model is here
    assert "In use: tiny-e5" in alcove("models").out
    few = alcove("reindex", "--precision", "int8")
    assert (few.status, "too few to calibrate int8 on" in few.err) == (2, True)
    out = alcove("reindex", "--model", other_model).out
    assert "it is now embedded with other-e5" in out
    assert "box.txt" in alcove("search", "red box").out
    assert "Nothing to do" in alcove("reindex", "--model", "other-e5").out
    back = alcove("reindex", "--back", "--json").json
    assert (back["to"]["model"], back["embedded"], back["kept"]) == ("tiny-e5", 0, back["chunks"])
    assert "box.txt" in alcove("search", "red box").out
    assert alcove("reindex", "--forget", "--json").json["snapshot"] == back["snapshot"]
    assert alcove("reindex", "--back").status == 2
    assert "no index from before" in alcove("reindex", "--back").err


def test_doctor_names_documents_that_are_cut_otherwise_than_the_settings_say(
    alcove: Alcove, ingested: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "chunking" not in checks_of(alcove)
    monkeypatch.setenv("ALCOVE_INGEST__STRATEGY", "structure")
    finding = checks_of(alcove)["chunking"]["finding"]
    assert "2 documents are cut by recursive-200-30, the settings say structure-200" in finding
    assert alcove("reindex", "--json").json["to"]["chunking"] == ["structure-200"]
    assert "chunking" not in checks_of(alcove)


def test_compact_json_has_sizes_and_notes(alcove: Alcove, papers: Path, tmp_path: Path) -> None:
    alcove("ingest", papers)
    (papers / "car.md").unlink()
    alcove("ingest", papers)
    outcome = alcove("compact", "--json")
    assert outcome.status == 0
    assert set(outcome.json) == {"bytes_before", "bytes_after", "snapshot", "notes"}
    home = (path for path in (tmp_path / "home").rglob("*") if path.is_file())
    assert not [path for path in home if b"blue car" in path.read_bytes()]
    assert "MiB now" in alcove("compact").out


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["ingest", "/no/such/place"], 2, "there is no file or folder '/no/such/place'"),
        (["ingest", "PAPERS", "--strategy", "magic"], 2, "'magic'"),
        (["ingest", "PAPERS", "--collection", ""], 2, "cannot name a collection"),
        (["search", ""], 2, "the question is empty"),
        (["search", "x" * 100_000], 2, "100000 characters"),
        (["search", "x", "--mode", "magic"], 2, "no search mode 'magic'"),
        (["search", "x", "-k", "0"], 2, "k is 0"),
        (["search", "x", "--collection", "none"], 2, "no collection 'none'"),
        (["ask", "  "], 2, "empty"),
        (["ask", "x" * 100_000], 2, "100000"),
        (["ask", "x", "--collection", "none"], 2, "no collection 'none'"),
        (["documents", "show", "none"], 2, "no document 'none'"),
        (["documents", "remove"], 2, "nothing was named"),
        (["reindex", "--back", "--forget"], 2, "contradict"),
        (["reindex", "--back"], 2, "no index from before"),
        (["reindex", "--model", "none"], 2, "no model 'none'"),
        (["reindex", "--precision", "magic"], 2, "'magic'"),
        (["models", "add", "/no/such/place"], 2, "no folder '/no/such/place'"),
        (["models", "pull", "none"], 2, "no model 'none'"),
        (["models", "pull", "e5-base-v2"], 3, "could not be downloaded"),  # no network in tests
    ],
)
def test_a_mistake_is_one_sentence_and_changes_nothing(
    alcove: Alcove, ingested: Path, arguments: list[str], status: int, words: str
) -> None:
    before = alcove("documents", "--json").out
    outcome = alcove(*(str(ingested) if a == "PAPERS" else a for a in arguments))
    assert (outcome.status, outcome.out) == (status, "")
    assert words in outcome.err
    assert outcome.err.count("\n") == 1
    assert alcove("documents", "--json").out == before


@pytest.mark.parametrize("arguments", [["frobnicate"], ["ingest"], ["search", "x", "--frob"]])
def test_wrong_usage_ends_with_two(alcove: Alcove, arguments: list[str]) -> None:
    assert alcove(*arguments).status == 2


def test_commands_that_follow_each_other_in_one_process_find_each_group_once(
    alcove: Alcove,
) -> None:
    for _ in range(2):
        assert "bench" in alcove("--help").out
    names = [group.name for group in app.registered_groups]
    assert len(names) == len(set(names))


def test_a_home_that_cannot_be_used_is_the_machine_s_fault(alcove: Alcove, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outcome = alcove("documents", "--home", tmp_path / "file")
    assert outcome.status == 3
    assert "choose another --home" in outcome.err


def test_a_home_that_cannot_be_made_is_the_machine_s_fault(alcove: Alcove) -> None:
    outcome = alcove("documents", "--home", "/proc/alcove")
    assert outcome.status == 3
    assert "'/proc/alcove' cannot be used" in outcome.err


def test_a_wrong_setting_is_named(alcove: Alcove, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCOVE_INGEST__WORKRES", "3")
    outcome = alcove("documents")
    assert outcome.status == 2
    assert "workres" in outcome.err


def test_a_listing_that_is_piped_keeps_each_document_on_one_line(
    alcove: Alcove, tmp_path: Path
) -> None:
    path = tmp_path / "the-box-that-is-fast.txt"
    path.write_text("the fast box\n")
    assert alcove("ingest", path).status == 0
    (line,) = [line for line in alcove("documents").out.splitlines() if "indexed" in line]
    assert line.rstrip().endswith(path.name)
