"""Gold of a question set is found in the documents as they are parsed, or lost with its reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from corpus.catalog import Catalog
from corpus.errors import NotFound, UserError
from corpus.home import Home
from corpus.questions import load_questions
from eval.gold.placing import place_questions
from eval.gold.records import GoldSet
from eval.gold.shelf import Shelf
from eval.gold.sources import Source, load_gold
from eval.indexing import paragraphs

RAIN = "# Rain\n\nIt rains a lot in spring. Snow is rare.\n"
QUOTE = "It rains a lot in spring."


def question(id: str, *gold: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    kind = "lookup" if gold or more else "unanswerable"
    return {"id": id, "question": f"{id}?", "kind": kind, "answer": "", "gold": gold} | more


def gold(quote: str = QUOTE, start: int = 8, document: str = "deep/rain.md") -> dict[str, Any]:
    return {"document": document, "quote": quote, "start": start, "end": start + len(quote)}


@dataclass(frozen=True)
class Stage:
    """A folder that was ingested once, for all tests; the home that this was into holds it too."""

    folder: Path
    cache: Path
    progress: tuple[tuple[int, int], ...]

    @property
    def home(self) -> Path:
        return self.cache / "notes"

    def load(self, tmp_path: Path, documents: str | Path, *questions: Mapping[str, Any]) -> GoldSet:
        path = tmp_path / "asked.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in questions))
        return load_gold(Source(questions=path, documents=str(documents)), self.cache, self.home)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    root = tmp_path_factory.mktemp("placing")
    folder = root / "notes"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "rain.md").write_text(RAIN, encoding="utf-8")
    (folder / "snow.md").write_text("# Snow\n\nIt snows in winter.\n", encoding="utf-8")
    (folder / "broken.txt").write_text(" ")
    path = root / "asked.jsonl"
    path.write_text(json.dumps(question("1", documents={"snow.md": 1})))
    done: list[tuple[int, int]] = []
    source = Source(questions=path, documents=str(folder))
    load_gold(source, root / "cache", root / "home", lambda n, of: done.append((n, of)))
    assert not list((root / "home").glob("catalog.sqlite"))  # the real home is left alone
    return Stage(folder, root / "cache", tuple(done))


def test_questions_find_their_gold_in_the_files_as_they_are_parsed(
    tmp_path: Path, stage: Stage
) -> None:
    found = stage.load(
        tmp_path,
        stage.folder,
        question("there", gold(start=6)),
        question("moved", gold("Snow is rare.", 0, str(stage.folder / "deep" / "rain.md"))),
        question("graded", documents={"snow.md": 2, "deep/rain.md": 0}),
        question("none"),
    )
    assert sorted(found.documents) == ["deep/rain.md", "snow.md"]
    there, moved, graded, _ = found.topics
    text = found.documents["deep/rain.md"].text
    assert [text[span.start : span.end] for _, span in there.gold] == [QUOTE]
    assert [text[span.start : span.end] for _, span in moved.gold] == ["Snow is rare."]
    assert (text.index(QUOTE), found.moved) == (6, 1)
    assert graded.grades == {"snow.md": 2, "deep/rain.md": 0}
    assert [topic.answerable for topic in found.topics] == [True, True, True, False]
    assert stage.progress[-1] == (3, 3)


def test_gold_that_cannot_be_placed_is_lost_with_its_reason(tmp_path: Path, stage: Stage) -> None:
    found = stage.load(
        tmp_path,
        stage.folder,
        question("ok", gold(), gold("It hails."), gold("Beyond the end.", start=10**6)),
        question("broken", gold(document="broken.txt")),
        question("gone", gold(document="gone.md")),
        question("graded", documents={"gone.md": 1, "broken.txt": 1, "old.md": 0}),
    )
    ok, broken, gone, graded = found.topics
    assert (len(ok.gold), len(ok.lost)) == (1, 2)
    assert ok.lost[0].why == "the quote is not in the text of 'deep/rain.md'"
    assert "'broken.txt' has no text: it was not indexed (empty_text: " in broken.lost[0].why
    assert gone.lost[0].why == f"there is no document 'gone.md' in folder {str(stage.folder)!r}"
    assert gone.qrels() == {"lost-1": 1}
    assert gone.answerable
    assert (graded.lost, graded.qrels()) == ((), {"gone.md": 1, "broken.txt": 1, "old.md": 0})
    assert list(found.unread) == ["broken.txt", "gone.md"]


def test_a_collection_is_read_as_it_was_parsed_while_its_writer_works(
    tmp_path: Path, stage: Stage
) -> None:
    snow = str(stage.folder / "snow.md")
    entries = [
        question("end", gold(document="deep/rain.md")),
        question("file", gold(document="rain.md")),
        question("whole", documents={snow: 1}),
        question("broken", gold(document="notes/broken.txt")),
        question("gone", gold(document="ain.md")),
    ]
    with Home(stage.home).writer_lock():
        found = stage.load(tmp_path, "collection:default", *entries)
    end, file, whole, broken, gone = found.topics
    rain = str(stage.folder / "deep" / "rain.md")
    assert sorted(found.documents) == [rain, snow]
    assert [topic.gold[0][0] for topic in (end, file)] == [rain, rain]
    assert whole.grades == {snow: 1}
    assert broken.lost[0].document == str(stage.folder / "broken.txt")
    assert "(empty_text: " in broken.lost[0].why
    assert gone.lost[0].why == "there is no document 'ain.md' in collection 'default'"


def test_reading_a_collection_changes_nothing_of_it(tmp_path: Path, stage: Stage) -> None:
    catalog = Catalog(Home(stage.home))
    before = (catalog.snapshot, catalog.documents())
    stage.load(tmp_path, "collection:default", question("1", gold(document="rain.md")))
    assert (catalog.snapshot, catalog.documents()) == before
    catalog.close()


def test_a_collection_that_is_not_there_is_named_and_none_is_made(
    tmp_path: Path, stage: Stage
) -> None:
    with pytest.raises(NotFound, match=r"no collection 'x'; choose one of \['default'\]"):
        stage.load(tmp_path, "collection:x", question("1", gold()))
    source = Source(questions=tmp_path / "asked.jsonl", documents="collection:x")
    with pytest.raises(NotFound, match="There are no documents in"):
        load_gold(source, home=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_documents_that_are_no_folder_are_named(tmp_path: Path, stage: Stage) -> None:
    with pytest.raises(NotFound, match=r"no folder .*nowhere"):
        stage.load(tmp_path, tmp_path / "nowhere", question("1", gold()))


def placed(tmp_path: Path, shelf: Shelf, *questions: Mapping[str, Any]) -> GoldSet:
    path = tmp_path / "asked.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in questions))
    return place_questions(load_questions(path), shelf)


def shelf_of(*sources: str, unread: Mapping[str, str] | None = None) -> Shelf:
    documents = {source: paragraphs(RAIN) for source in sources}
    return Shelf("collection 'work'", documents, unread or {})


@pytest.mark.parametrize(
    ("entry", "first"),
    [
        (question("1", gold("It hails.")), "the quote is not in the text of 'deep/rain.md'"),
        (question("1", gold(document="gone.md")), "there is no document 'gone.md' in collection"),
        (question("1", documents={"gone.md": 1, "deep/rain.md": 0}), "there is no document 'gone"),
        (question("1"), "questions are about."),
    ],
)
def test_questions_about_other_documents_are_refused(
    tmp_path: Path, entry: Mapping[str, Any], first: str
) -> None:
    with pytest.raises(UserError) as caught:
        placed(tmp_path, shelf_of("deep/rain.md"), entry)
    assert "No gold of 'asked' stands in the documents of collection 'work'" in str(caught.value)
    assert first in str(caught.value)


def test_a_name_that_two_sources_end_with_is_refused_with_both(tmp_path: Path) -> None:
    shelf = shelf_of("/a/deep/rain.md", unread={"upload:wide/rain.md": "it is broken"})
    with pytest.raises(UserError) as caught:
        placed(tmp_path, shelf, question("1", gold(document="rain.md")))
    assert "'rain.md' could be any of ['/a/deep/rain.md', 'upload:wide/rain.md']" in str(
        caught.value
    )
    assert placed(tmp_path, shelf, question("1", gold(document="deep/rain.md"))).topics[0].gold


def test_a_source_that_is_named_whole_is_never_in_doubt(tmp_path: Path) -> None:
    shelf = shelf_of("upload:rain.md", "/a/rain.md", "https://weather.test/rain.md")
    for source in shelf.documents:
        (topic,) = placed(tmp_path, shelf, question("1", gold(document=source))).topics
        assert topic.gold[0][0] == source


def test_a_document_that_is_graded_under_two_names_is_refused(tmp_path: Path) -> None:
    entry = question("1", documents={"rain.md": 1, "/a/rain.md": 2})
    with pytest.raises(UserError, match=r"'1' grades document '/a/rain\.md' under two names"):
        placed(tmp_path, shelf_of("/a/rain.md"), entry)


def test_what_could_not_be_read_of_a_document_is_part_of_the_reason(tmp_path: Path) -> None:
    parsed = paragraphs(RAIN)
    partial = type(parsed)(parsed.text, parsed.elements, missing=("page 2 is damaged",))
    shelf = Shelf("collection 'work'", {"rain.md": partial}, {})
    entry = question("1", gold(document="rain.md"), gold("It hails.", document="rain.md"))
    (topic,) = placed(tmp_path, shelf, entry).topics
    assert topic.lost[0].why.endswith("of which was not read: page 2 is damaged")
