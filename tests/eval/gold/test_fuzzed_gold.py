"""Whatever gold says, it becomes a gold set whose spans lie in its texts, or is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.errors import AlcoveError
from corpus.questions import Gold, Question, QuestionSet
from corpus.records import Span
from eval.gold.corpora import load_corpora
from eval.gold.placing import place_questions
from eval.gold.records import GoldSet
from eval.gold.shelf import Shelf
from eval.indexing import paragraphs

TEXT = "Rain is wet.\n\nSnow | is cold – and\u00a0white.\n\nRain is wet."
ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, len(TEXT) + 3),
    st.sampled_from([10**30, 0.5, "", "weather", "Rain", [], {}, float("nan")]),
)
SPARSE = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def gold_lies_in_its_text(found: GoldSet) -> bool:
    places = [place for topic in found.topics for place in topic.gold]
    return all(
        0 <= span.start < span.end <= len(found.documents[name].text) for name, span in places
    )


@SPARSE
@given(
    record=st.fixed_dictionaries(
        {},
        optional={
            "id": st.one_of(st.just("1"), ANY),
            "corpus": st.one_of(st.just("weather"), ANY),
            "question": st.one_of(st.just("Rain?"), ANY),
            "references": st.one_of(
                ANY,
                st.lists(
                    st.one_of(
                        ANY,
                        st.just({"content": "Rain", "start_index": 0, "end_index": 4}),
                        st.fixed_dictionaries(
                            {"content": ANY, "start_index": ANY, "end_index": ANY}
                        ),
                    ),
                    max_size=3,
                ),
            ),
        },
    )
)
def test_a_folder_of_corpora_is_read_or_refused(record: object, tmp_path: Path) -> None:
    (tmp_path / "corpora").mkdir(exist_ok=True)
    (tmp_path / "corpora" / "weather.md").write_text(TEXT, encoding="utf-8")
    (tmp_path / "questions.jsonl").write_text(json.dumps(record))
    try:
        assert gold_lies_in_its_text(load_corpora(tmp_path))
    except AlcoveError as error:
        told = str(error)
        assert "questions.jsonl', line 1: " in told


NAMES = st.sampled_from(
    ["a.md", "deep/a.md", "deep/b.md", "b.md", "/x/deep/b.md", "gone", ".", "/"]
)
QUOTES = st.one_of(
    st.sampled_from(["Rain is wet.", "Snow is cold", "| |", ".*", "(", "\u00a0", "ẞ", "\x00"]),
    st.text(min_size=1, max_size=8),
)


@st.composite
def questions(draw: st.DrawFn) -> QuestionSet:
    asked = []
    for number in range(draw(st.integers(1, 3))):
        gold = []
        for quote in draw(st.lists(QUOTES, max_size=2)):
            start = draw(st.integers(0, len(TEXT) + 3))
            gold.append(Gold(draw(NAMES), quote, Span(start, start + len(quote))))
        grades = draw(st.dictionaries(NAMES, st.integers(-1, 2), max_size=2))
        asked.append(Question(str(number), "?", "single", "", tuple(gold), grades))
    return QuestionSet("asked", tuple(asked))


@SPARSE
@given(asked=questions(), root=st.sampled_from(["", "/x"]))
def test_every_piece_of_gold_is_placed_or_lost(asked: QuestionSet, root: str) -> None:
    documents = {name: paragraphs(TEXT) for name in ("a.md", "deep/b.md", "/y/deep/a.md")}
    shelf = Shelf("the shelf", documents, {"b.md": "it is broken"}, root)
    try:
        found = place_questions(asked, shelf)
    except AlcoveError as error:
        told = str(error)
        assert any(
            reason in told for reason in ("could be any of", "No gold of 'asked'", "two names")
        )
        return
    assert gold_lies_in_its_text(found)
    for question, topic in zip(asked.questions, found.topics, strict=True):
        assert len(topic.gold) + len(topic.lost) == len(question.gold)
        assert topic.answerable == question.answerable
        relevant = {name for name, grade in topic.grades.items() if grade > 0}
        assert relevant <= found.documents.keys() | found.unread.keys()
