"""``alcove eval why``: which stage lost a question's gold, as JSON and in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.__main__ import main

RAIN = "A rain gauge collects the rain of one day and shows its depth in millimetres."
SNOW = "Snow is measured with a board that is wiped clean every morning at eight."


@pytest.fixture
def papers(tmp_path: Path) -> list[str]:
    """Arguments that name two documents and questions about them."""
    folder, questions = tmp_path / "papers", tmp_path / "questions.jsonl"
    folder.mkdir()
    (folder / "rain.md").write_text(f"# rain\n\n{RAIN}\n")
    (folder / "snow.txt").write_text(SNOW)

    def asked(id: str, document: str, quote: str, kind: str = "single") -> dict[str, Any]:
        gold = [{"document": document, "quote": quote, "start": 0, "end": len(quote)}]
        return {"id": id, "question": f"How is {id} measured?", "kind": kind, "gold": gold}

    none = {"id": "q4", "question": "Who is mayor?", "kind": "unanswerable", "gold": []}
    records = [
        asked("rain", "rain.md", "A rain gauge collects"),
        asked("snow", "snow.txt", "a board that is wiped clean"),
        asked("fog", "fog.txt", "a cloud"),
        none,
    ]
    questions.write_text("".join(json.dumps(record) + "\n" for record in records))
    where = ["--questions", str(questions), "--documents", str(folder)]
    return [*where, "--home", str(tmp_path / "home")]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["why", *arguments])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_every_answerable_question_is_explained(
    capsys: pytest.CaptureFixture[str], papers: list[str]
) -> None:
    status, out, err = run(capsys, *papers, "-k", "1", "--json")
    assert (status, err) == (0, "")
    data = json.loads(out)
    assert (data["questions"], data["missed"], data["losses"]) == (3, 1, {"not parsed": 1})
    rows = {row["query"]: row for row in data["queries"]}
    assert rows["rain"]["metrics"] == {"recall@1": 1.0}
    assert rows["rain"]["found"][0]["gold"]
    (loss,) = rows["fog"]["losses"]
    assert (loss["document"], loss["stage"]) == ("fog.txt", "not parsed")
    assert "there is no document 'fog.txt'" in loss["detail"]


def test_a_question_is_explained_in_words(
    capsys: pytest.CaptureFixture[str], papers: list[str]
) -> None:
    _, out, _ = run(capsys, "snow", *papers, "--pages", "2-3")
    at = SNOW.index("a board")
    assert f"filtered: snow.txt at {at} to {at + 27}" in out
    assert "the search was of pages 2 to 3, it stands on no page" in out
    assert "1 of 1 questions lost gold: filtered 1" in out
    _, out, _ = run(capsys, "snow", *papers)
    assert "all of its gold is among the first 5" in out


def test_questions_do_not_steer_the_terminal(
    capsys: pytest.CaptureFixture[str], papers: list[str]
) -> None:
    path = Path(papers[1])
    path.write_text(path.read_text().replace("How is fog", "How is fog\\u001b[2J"))
    _, out, _ = run(capsys, "fog", *papers)
    assert "How is fog[U+001B][2J measured?" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["q99"], "There is no question 'q99' in 'questions'; its ids are such as 'q4'"),
        (["q4"], "Question 'q4' has no gold that could be lost"),
        (["--pages", "two"], "--pages 'two' is no FIRST-LAST"),
        (["--filter", "colour"], "--filter 'colour' is no KEY=VALUE"),
        (["--mode", "psychic"], "there is no search mode 'psychic'"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_sentence(
    capsys: pytest.CaptureFixture[str], papers: list[str], arguments: list[str], complaint: str
) -> None:
    status, out, err = run(capsys, *arguments, *papers)
    assert (status, out) == (2, "")
    assert complaint in err
    assert err.count("\n") == 1


def test_a_collection_is_searched_where_it_is(
    capsys: pytest.CaptureFixture[str], papers: list[str], tmp_path: Path
) -> None:
    from agents.build import build
    from agents.settings import Settings

    app = build(Settings.load(tmp_path / "home"))
    pipeline = app.pipeline()
    pipeline.sync([tmp_path / "papers"], "weather")
    pipeline.close()
    app.close()
    papers[3] = "collection:weather"
    status, out, err = run(capsys, "snow", "rain", *papers, "--filter", "title=rain", "--json")
    assert (status, err) == (0, "")
    rows = {row["query"]: row for row in json.loads(out)["queries"]}
    assert rows["rain"]["losses"] == []
    (loss,) = rows["snow"]["losses"]
    assert loss["stage"] == "filtered"
    assert "title='rain'" in loss["detail"]
