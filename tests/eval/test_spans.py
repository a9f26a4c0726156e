"""Where a gold quote stands, and which passages cover it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from corpus.errors import UserError
from corpus.questions import Gold, Question
from corpus.records import Document, Span, State
from eval.spans import by_path, covered, is_covered, locate, place

TEXT = "The box has 128 GB of memory. It draws 240 W. It draws 240 W at most."


def gold_at(start: int, quote: str, document: str = "box.md") -> Gold:
    return Gold(document, quote, Span(start, start + len(quote)))


def document(source: Path) -> Document:
    return Document(
        id=f"id of {source.name}",
        source=str(source),
        sha256="0" * 64,
        media_type="text/markdown",
        title="",
        collection="default",
        pages=0,
        state=State.INDEXED,
    )


def question(*gold: Gold) -> Question:
    return Question("1", "How much?", "lookup" if gold else "unanswerable", "128 GB", gold)


class Shelf:
    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def text(self, document_id: str) -> str:
        return self._texts[document_id]


def test_a_quote_at_its_place_is_found_there() -> None:
    start = TEXT.index("128 GB")
    assert locate(gold_at(start, "128 GB"), TEXT) == Span(start, start + 6)


@pytest.mark.parametrize(("start", "expected"), [(28, 30), (60, 46)])
def test_a_quote_that_moved_is_found_at_the_nearest_place(start: int, expected: int) -> None:
    found = locate(gold_at(start, "It draws 240 W"), TEXT)
    assert found == Span(expected, expected + 14)


def test_other_white_space_does_not_hide_a_quote() -> None:
    text = "It has\n  128\u00a0GB (of memory)."
    found = locate(gold_at(0, "128 GB  (of memory)"), text)
    assert found is not None
    assert text[found.start : found.end] == "128\u00a0GB (of memory)"


@pytest.mark.parametrize("text", ["Disk | 2 | 189.00", "Disk 2\n189.00", "|Disk|2 | 189.00 |"])
def test_other_bars_between_the_cells_of_a_table_do_not_hide_a_quote(text: str) -> None:
    found = locate(gold_at(0, "Disk 2 | 189.00"), text)
    assert found is not None
    assert text[found.start : found.end].startswith("Disk")
    assert text[found.start : found.end].endswith("189.00")


def test_a_quote_of_nothing_but_bars_is_found_nowhere_else() -> None:
    assert locate(gold_at(0, "| |"), "a | b") is None


def test_a_quote_that_is_gone_is_not_found() -> None:
    assert locate(gold_at(12, "256 GB"), TEXT) is None


@pytest.mark.parametrize(
    ("spans", "share"),
    [
        ([], 0.0),
        ([Span(0, 10)], 0.0),
        ([Span(0, 15)], 0.5),
        ([Span(10, 13), Span(17, 40)], 0.6),
        ([Span(10, 16), Span(12, 18)], 0.8),
        ([Span(0, 99)], 1.0),
    ],
)
def test_the_covered_share_counts_each_character_once(spans: list[Span], share: float) -> None:
    assert covered(Span(10, 20), spans) == pytest.approx(share)


def test_half_of_the_gold_must_lie_in_one_passage() -> None:
    gold = Span(10, 20)
    assert is_covered(gold, [[Span(15, 30)]])
    assert not is_covered(gold, [[Span(16, 30)]])
    assert not is_covered(gold, [[Span(0, 14)], [Span(16, 30)]])


def test_documents_are_named_by_their_path_below_the_folder(tmp_path: Path) -> None:
    inside, outside = document(tmp_path / "docs" / "a" / "box.md"), document(tmp_path / "other.md")
    uploaded = document(Path("upload:box.md"))
    assert by_path([inside, outside, uploaded], tmp_path / "docs") == {"a/box.md": inside}


def test_gold_is_placed_in_the_text_as_it_is_stored_now() -> None:
    stored = document(Path("/docs/box.md"))
    asked = [
        question(gold_at(TEXT.index("128 GB"), "128 GB"), gold_at(0, "240 W")),
        question(gold_at(0, "256 GB"), gold_at(0, "128 GB", document="gone.md")),
        question(),
    ]
    both, lost, none = place(asked, {"box.md": stored}, Shelf({stored.id: TEXT}))
    assert [TEXT[span.start : span.end] for _, span in both.gold] == ["128 GB", "240 W"]
    assert {name for name, _ in both.gold} == {stored.id}
    assert (both.missing, both.moved) == (0, 1)
    assert (lost.gold, lost.missing) == ((), 2)
    assert (none.gold, none.missing) == ((), 0)


def test_questions_about_other_documents_are_refused() -> None:
    with pytest.raises(UserError, match="No gold stands in the documents"):
        place([question(gold_at(0, "256 GB"))], {}, Shelf({}))
    graded = replace(question(), documents={"box.md": 1})
    with pytest.raises(UserError, match="No gold stands in the documents"):
        place([graded], {}, Shelf({}))


def test_graded_documents_are_gold_enough_without_a_quote() -> None:
    graded = replace(question(), documents={"box.md": 1})
    (placed,) = place([graded], {"box.md": document(Path("box.md"))}, Shelf({}))
    assert placed.gold == ()
