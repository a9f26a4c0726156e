"""Every layout that gold comes in becomes the same thing, and what cannot be read is said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from corpus.catalog import Catalog
from corpus.errors import NotFound, UserError
from corpus.home import Home
from corpus.records import Span
from eval.bench import open_bench
from eval.gold.sources import Source, load_gold

RAIN = "# Rain\n\nIt rains a lot in spring. Snow is rare.\n"
QUOTE = "It rains a lot in spring."


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


def question(id: str, *gold: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    kind = "lookup" if gold or more else "unanswerable"
    return {"id": id, "question": f"{id}?", "kind": kind, "answer": "", "gold": gold} | more


def gold(quote: str = QUOTE, start: int = 8, document: str = "rain.md") -> dict[str, Any]:
    return {"document": document, "quote": quote, "start": start, "end": start + len(quote)}


def trec(folder: Path, qrels: str = "1 0 d1 2\n2 0 d1 0\n") -> Source:
    lines(folder / "corpus.jsonl", [{"_id": "d1", "title": "Rain", "text": "It rains."}])
    (folder / "topics.xml").write_text(
        "<top><num>1</num><title>Rain?</title></top>\n<top><num>2<title>Snow?\n</top>\n"
    )
    (folder / "qrels.txt").write_text(qrels)
    names = {"corpus": "corpus.jsonl", "topics": "topics.xml", "qrels": "qrels.txt"}
    return Source.below(folder, **names)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "rain.md").write_text(RAIN, encoding="utf-8")
    (folder / "snow.md").write_text("# Snow\n\nIt snows in winter.\n", encoding="utf-8")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 but no more")
    return folder


def asked(tmp_path: Path, folder: Path | str, *questions: Mapping[str, Any]) -> Source:
    path = lines(tmp_path / "asked.jsonl", questions)
    return Source(questions=path, documents=str(folder))


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


def test_questions_find_their_gold_in_the_files_as_they_are_parsed(
    tmp_path: Path, folder: Path
) -> None:
    source = asked(
        tmp_path,
        folder,
        question("there", gold(start=6, document="deep/rain.md")),
        question("moved", gold("Snow is rare.", 0, str(folder / "deep" / "rain.md"))),
        question("graded", documents={"snow.md": 2, "deep/rain.md": 0}),
        question("none"),
    )
    done: list[tuple[int, int]] = []
    found = load_gold(
        source, tmp_path / "cache", tmp_path / "home", lambda n, of: done.append((n, of))
    )
    assert sorted(found.documents) == ["deep/rain.md", "snow.md"]
    there, moved, graded, _ = found.topics
    text = found.documents["deep/rain.md"].text
    assert [text[span.start : span.end] for _, span in there.gold] == [QUOTE]
    assert [text[span.start : span.end] for _, span in moved.gold] == ["Snow is rare."]
    assert graded.grades == {"snow.md": 2, "deep/rain.md": 0}
    assert [topic.answerable for topic in found.topics] == [True, True, True, False]
    assert done[-1] == (3, 3)
    assert not list((tmp_path / "home").glob("catalog.sqlite"))


def test_gold_that_cannot_be_placed_is_lost_with_its_reason(tmp_path: Path, folder: Path) -> None:
    source = asked(
        tmp_path,
        folder,
        question("ok", gold(document="deep/rain.md"), gold("It hails.", document="deep/rain.md")),
        question("broken", gold(document="broken.pdf")),
        question("gone", gold(document="gone.md")),
        question("graded", documents={"gone.md": 1, "broken.pdf": 1, "old.md": 0}),
    )
    found = load_gold(source, tmp_path / "cache", tmp_path / "home")
    ok, broken, gone, graded = found.topics
    assert len(ok.gold) == 1
    assert ok.lost[0].why == "the quote is not in the text of 'deep/rain.md'"
    assert "'broken.pdf' has no text: it was not indexed (corrupt: " in broken.lost[0].why
    assert f"there is no document 'gone.md' in folder {str(folder)!r}" == gone.lost[0].why
    assert gone.qrels() == {"lost-1": 1}
    assert gone.answerable
    assert (graded.lost, graded.qrels()) == ((), {"gone.md": 1, "broken.pdf": 1, "old.md": 0})
    assert list(found.unread) == ["broken.pdf", "gone.md"]


@pytest.mark.parametrize(
    "entry",
    [
        question("1", gold("It hails.", document="deep/rain.md")),
        question("1", gold(document="gone.md")),
        question("1", documents={"gone.md": 1, "snow.md": 0}),
        question("1"),
    ],
)
def test_questions_about_other_documents_are_refused(
    tmp_path: Path, folder: Path, entry: Mapping[str, Any]
) -> None:
    with pytest.raises(UserError, match=r"No gold of 'asked' stands in the documents of folder"):
        load_gold(asked(tmp_path, folder, entry), tmp_path / "cache", tmp_path / "home")


@pytest.fixture
def home(tmp_path: Path, folder: Path) -> Path:
    """A home that holds the folder."""
    with open_bench("home", tmp_path, tmp_path / "settings") as bench:
        bench.ingest(folder, lambda done: None)
    return tmp_path / "home"


def test_a_collection_is_read_as_it_was_parsed_while_its_writer_works(
    tmp_path: Path, folder: Path, home: Path
) -> None:
    source = str(folder / "snow.md")
    entries = [
        question("end", gold(document="deep/rain.md")),
        question("file", gold(document="rain.md")),
        question("whole", documents={source: 1}),
        question("broken", gold(document="notes/broken.pdf")),
        question("gone", gold(document="ain.md")),
    ]
    with Home(home).writer_lock():
        found = load_gold(asked(tmp_path, "collection:default", *entries), home=home)
    end, file, whole, broken, gone = found.topics
    rain = str(folder / "deep" / "rain.md")
    assert sorted(found.documents) == [rain, source]
    assert [topic.gold[0][0] for topic in (end, file)] == [rain, rain]
    assert whole.grades == {source: 1}
    assert broken.lost[0].document == str(folder / "broken.pdf")
    assert "(corrupt: " in broken.lost[0].why
    assert gone.lost[0].why == "there is no document 'ain.md' in collection 'default'"


def test_a_name_that_two_sources_end_with_is_refused_with_both(
    tmp_path: Path, folder: Path, home: Path
) -> None:
    (folder / "wide").mkdir()
    (folder / "wide" / "rain.md").write_text("# Rain\n\nIt never rains here at all.\n")
    with open_bench("home", tmp_path, tmp_path / "settings") as bench:
        bench.ingest(folder, lambda done: None)
    source = asked(tmp_path, "collection:default", question("1", gold(document="rain.md")))
    with pytest.raises(UserError, match=r"'rain\.md' could be any of .*deep/rain.*wide/rain"):
        load_gold(source, home=home)
    source = asked(tmp_path, "collection:default", question("1", gold(document="deep/rain.md")))
    assert load_gold(source, home=home).topics[0].gold


def test_a_document_that_is_graded_under_two_names_is_refused(
    tmp_path: Path, folder: Path, home: Path
) -> None:
    entry = question("1", documents={"snow.md": 1, str(folder / "snow.md"): 2})
    with pytest.raises(UserError, match=r"'1' grades document .*snow\.md' under two names"):
        load_gold(asked(tmp_path, "collection:default", entry), home=home)


def test_reading_a_collection_changes_nothing_of_it(
    tmp_path: Path, folder: Path, home: Path
) -> None:
    catalog = Catalog(Home(home))
    before = (catalog.snapshot, catalog.documents())
    load_gold(
        asked(tmp_path, "collection:default", question("1", gold(document="rain.md"))), home=home
    )
    assert (catalog.snapshot, catalog.documents()) == before
    catalog.close()


def test_a_collection_that_is_not_there_is_named_and_none_is_made(
    tmp_path: Path, folder: Path, home: Path
) -> None:
    with pytest.raises(NotFound, match=r"no collection 'x'; choose one of \['default'\]"):
        load_gold(asked(tmp_path, "collection:x", question("1", gold())), home=home)
    with pytest.raises(NotFound, match="There are no documents in"):
        load_gold(asked(tmp_path, "collection:x", question("1", gold())), home=tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "entries",
    [
        {},
        {"questions": "q.jsonl"},
        {"documents": "notes"},
        {"dataset": "a", "questions": "q.jsonl"},
        {"corpus": "c.jsonl", "qrels": "q.txt"},
    ],
)
def test_a_source_is_one_way_whole(tmp_path: Path, entries: dict[str, str]) -> None:
    with pytest.raises(UserError, match="A source of questions is 'dataset'; or 'questions'"):
        Source.below(tmp_path, **entries)


def test_paths_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    assert Source.below(tmp_path, dataset="a", split="dev") == Source(tmp_path / "a", "dev")
    questions = Source.below(tmp_path, questions="q.jsonl", documents="notes")
    assert questions.documents == str(tmp_path / "notes")
    collection = Source.below(tmp_path, questions="q.jsonl", documents="collection:work")
    assert collection.documents == "collection:work"


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_dataset_that_is_no_folder_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotFound, match=f"no folder .*{name}"):
        load_gold(Source(dataset=tmp_path / name))


def test_documents_that_are_no_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no folder .*nowhere"):
        load_gold(asked(tmp_path, tmp_path / "nowhere", question("1", gold())), tmp_path / "cache")
