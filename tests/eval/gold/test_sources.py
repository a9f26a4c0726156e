"""Every layout that gold comes in becomes the same thing, and what cannot be read is said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import NotFound, UserError
from corpus.records import Span
from eval.gold.sources import Source, load_gold


def lines(path: Path, records: Sequence[Mapping[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def beir(folder: Path) -> Path:
    lines(folder / "corpus.jsonl", [{"_id": "d1", "title": "Rain", "text": "It rains.\n\nOften."}])
    queries = [
        {"_id": "q1", "text": "Does it rain?", "metadata": {"answers": ["Yes", "Ja"]}},
        {"_id": "q2", "text": "Often?", "metadata": {"answer": "Yes, often"}},
        {"_id": "q3", "text": "Not judged"},
    ]
    lines(folder / "queries.jsonl", queries)
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\td1\t2\nq2\td1\t1\nq3\td1\t0\n"
    )
    return folder


def trec(folder: Path, qrels: str = "1 0 d1 2\n2 0 d1 0\n") -> Source:
    lines(folder / "corpus.jsonl", [{"_id": "d1", "title": "Rain", "text": "It rains."}])
    (folder / "topics.xml").write_text(
        "<top><num>1</num><title>Rain?</title></top>\n<top><num>2<title>Snow?\n</top>\n"
    )
    (folder / "qrels.txt").write_text(qrels)
    return Source(
        corpus=folder / "corpus.jsonl",
        topics=folder / "topics.xml",
        qrels=folder / "qrels.txt",
    )


def test_a_beir_folder_grades_whole_documents(tmp_path: Path) -> None:
    found = load_gold(Source(dataset=beir(tmp_path / "weather")))
    assert (found.name, found.whole) == ("weather", True)
    assert found.documents["d1"].title == "Rain"
    assert [element.text for element in found.documents["d1"].elements] == ["It rains.", "Often."]
    assert [(topic.id, topic.grades) for topic in found.topics] == [
        ("q1", {"d1": 2}),
        ("q2", {"d1": 1}),
    ]


def test_reference_answers_are_taken_from_the_metadata(tmp_path: Path) -> None:
    found = load_gold(Source(dataset=beir(tmp_path / "weather")))
    assert [topic.answer for topic in found.topics] == ["Yes", "Yes, often"]


def test_trec_files_make_a_set_of_the_topics_that_can_be_scored(tmp_path: Path) -> None:
    found = load_gold(trec(tmp_path))
    assert (found.name, found.whole) == (tmp_path.name, True)
    assert [(topic.id, topic.text, topic.grades) for topic in found.topics] == [
        ("1", "Rain?", {"d1": 2})
    ]


@pytest.mark.parametrize(
    ("qrels", "complaint"),
    [
        ("1 0 d1 1\n9 0 d1 1\n", r"qrels\.txt', line 2: query '9' is judged but is not in 'topics"),
        ("1 0 d9 1\n", r"qrels\.txt', line 1: document 'd9' is judged but is not in 'corpus"),
        ("1 0 d1 0\n", "No query of .* has a relevant document"),
    ],
)
def test_judgements_of_what_is_not_there_are_refused(
    tmp_path: Path, qrels: str, complaint: str
) -> None:
    with pytest.raises(UserError, match=complaint):
        load_gold(trec(tmp_path, qrels))


def test_a_folder_of_corpora_is_known_by_its_corpora(tmp_path: Path) -> None:
    (tmp_path / "corpora").mkdir()
    (tmp_path / "corpora" / "weather.md").write_text("It rains.")
    reference = {"content": "It rains.", "start_index": 0, "end_index": 9}
    record = {"id": "1", "corpus": "weather", "question": "?", "references": [reference]}
    lines(tmp_path / "questions.jsonl", [record])
    (topic,) = load_gold(Source(dataset=tmp_path)).topics
    assert topic.gold == (("weather", Span(0, 9)),)


@pytest.mark.parametrize(
    "given",
    [
        (),
        ("questions",),
        ("documents",),
        ("dataset", "questions"),
        ("dataset", "documents"),
        ("corpus", "qrels"),
        ("questions", "documents", "corpus", "topics", "qrels"),
    ],
)
def test_a_source_is_one_way_whole(given: tuple[str, ...]) -> None:
    paths: dict[str, Any] = {name: Path(name) for name in given}
    with pytest.raises(UserError, match="A source of questions is 'dataset'; or 'questions'"):
        Source(**paths)


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_dataset_that_is_no_folder_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotFound, match=f"no folder .*{name}"):
        load_gold(Source(dataset=tmp_path / name))
