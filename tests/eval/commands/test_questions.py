"""A question set is checked before anything is measured by it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from eval.__main__ import main

SNOW = "# Snow\n\nSnow is measured with a board that is wiped clean every morning.\n"


def gold(quote: str, document: str = "snow.md", start: int = 0) -> dict[str, Any]:
    return {"document": document, "quote": quote, "start": start, "end": start + len(quote)}


def question(id: str, *found: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    kind = "single" if found or more else "unanswerable"
    asked = {"id": id, "question": f"{id}?", "kind": kind, "answer": "A board.", "gold": found}
    return asked | more


def run(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    asked: Sequence[object],
    *arguments: object,
) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of checking a set about a folder with one file."""
    path = tmp_path / "asked.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in asked))
    (tmp_path / "notes").mkdir(exist_ok=True)
    (tmp_path / "notes" / "snow.md").write_text(SNOW)
    folders = ["--cache", tmp_path / "cache", "--home", tmp_path / "home"]
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in ("questions", path, *folders, *arguments)])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_a_set_is_counted_without_its_documents(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked = [question("1", gold("a board")), question("2", documents={"snow.md": 1}), question("3")]
    status, out, _ = run(capsys, tmp_path, asked, "--json")
    assert status == 0
    assert json.loads(out) == {
        "name": "asked",
        "questions": 3,
        "answerable": 2,
        "kinds": {"single": 2, "unanswerable": 1},
        "with_answer": 3,
        "gold_spans": 1,
        "graded_documents": 1,
    }
    assert not (tmp_path / "cache").exists()


def test_gold_is_looked_up_and_what_is_lost_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked = [
        question("1", gold("a board", start=3), gold("a  bucket")),
        question("2", gold("a board", document="ice.md")),
        question("3", documents={"ice.md": 2, "snow.md": 1, "fog.md": 0}),
    ]
    folder = tmp_path / "notes"
    status, out, _ = run(capsys, tmp_path, asked, "--documents", folder, "--json")
    told = json.loads(out)
    assert status == 1
    assert (told["documents"], told["placed"], told["moved"]) == (1, 1, 1)
    absent = f"there is no document 'ice.md' in folder {str(folder)!r}"
    missing = "the quote is not in the text of 'snow.md'"
    assert told["lost"] == [
        {"question": "1", "document": "snow.md", "quote": "a  bucket", "why": missing},
        {"question": "2", "document": "ice.md", "quote": "a board", "why": absent},
        {"question": "3", "document": "ice.md", "quote": None, "why": absent},
    ]
    status, out, _ = run(capsys, tmp_path, asked, "--documents", folder)
    assert status == 1
    assert "3 questions (3 single), 3 of them answerable." in out
    assert f"Lost of '1': {missing} ('a bucket')." in out
    assert f"Lost of '3': {absent}." in out


def test_a_set_whose_gold_is_all_there_passes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked = [question("1", gold("a board")), question("2")]
    status, out, err = run(capsys, tmp_path, asked, "--documents", tmp_path / "notes")
    assert (status, err) == (0, "")
    assert "1 spans were found" in out
    assert "0 pieces of gold are lost" in out


@pytest.mark.parametrize(
    ("asked", "documents", "complaint"),
    [
        ([question("1", gold("a bucket"))], "notes", "No gold of 'asked' stands in the documents"),
        ([question("1", gold("a board"))], "nowhere", "There is no folder"),
        ([question("1", gold("a board"))], "collection:x", "There are no documents in"),
        ([["1"]], "notes", "asked.jsonl', line 1: a JSON object was expected"),
        ([], "notes", "asked.jsonl' is empty"),
    ],
)
def test_what_cannot_be_checked_is_said_in_a_sentence(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    asked: Sequence[object],
    documents: str,
    complaint: str,
) -> None:
    where = documents if ":" in documents else tmp_path / documents
    status, out, err = run(capsys, tmp_path, asked, "--documents", where)
    assert (status, out) == (2, "")
    assert complaint in err
    assert len(err.splitlines()) == 1
