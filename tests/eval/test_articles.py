"""Articles and questions are dealt out so that nothing is in both halves."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from corpus.datasets import Dataset, DatasetDocument, Query
from corpus.errors import UserError
from corpus.questions import Question
from corpus.records import ElementKind, Judgement
from eval.articles import article_set, half_of


def dataset(articles: int = 8, others: int = 4, answers: Sequence[str] = ("blue",)) -> Dataset:
    """Articles of two paragraphs with two questions each, and others nobody asks about."""
    documents, queries, judgements = [], [], []
    for n in range(articles + others):
        title = f"Town {n}"
        documents += [
            DatasetDocument(f"{n}#0", title, f"The sky is blue. The gate of {title} is blue."),
            DatasetDocument(f"{n}#1", title, f"{title} has a mill."),
        ]
        for k in range(2 if n < articles else 0):
            query = Query(f"{n}.{k}", f"What colour is the gate of {title}?", {"answers": answers})
            queries.append(query)
            judgements.append(Judgement(query.id, f"{n}#0", 1))
    return Dataset("towns", tuple(documents), tuple(queries), tuple(judgements))


def titles(questions: Sequence[Question]) -> set[str]:
    return {question.text.rsplit("of ", 1)[1].rstrip("?") for question in questions}


def test_halves_share_no_article_and_what_cannot_be_answered_is_not_indexed() -> None:
    found = article_set(dataset(), 8, 8, seed=5, paragraphs=1)
    assert not titles(found.fit) & titles(found.test)
    for half in (found.fit, found.test):
        assert sum(question.answerable for question in half) == 4
        for question in half:
            assert question.answerable == (titles([question]) <= set(found.documents))
            assert question.answerable == (question.kind != "unanswerable")


def test_gold_is_the_short_answer_in_the_sentence_that_was_asked_about() -> None:
    found = article_set(dataset(), 4, 4, seed=5, paragraphs=1)
    question = found.test[0]
    (gold,) = question.gold
    text = found.documents[gold.document].text
    assert text[gold.span.start : gold.span.end] == gold.quote == "blue"
    assert text[: gold.span.start].endswith(f"The gate of {gold.document} is ")


def test_an_article_is_one_document_of_a_title_and_paragraphs() -> None:
    parsed = next(iter(article_set(dataset(), 4, 4, seed=5, paragraphs=1).documents.values()))
    assert [e.kind for e in parsed.elements] == [ElementKind.TITLE, *2 * [ElementKind.TEXT]]
    assert all(parsed.text[e.span.start : e.span.end] == e.text for e in parsed.elements)


def test_other_articles_are_added_until_there_are_enough_paragraphs() -> None:
    few = article_set(dataset(), 4, 4, seed=5, paragraphs=1).documents
    more = article_set(dataset(), 4, 4, seed=5, paragraphs=11).documents
    assert (len(few), len(more)) == (4, 6)
    assert set(few) < set(more)


def test_the_seed_alone_decides_what_is_dealt_to_whom() -> None:
    one, again = (article_set(dataset(), 4, 4, seed=5, paragraphs=1) for _ in range(2))
    other = article_set(dataset(), 4, 4, seed=6, paragraphs=1)
    assert (one.fit, one.test, one.documents) == (again.fit, again.test, again.documents)
    assert titles(one.test) != titles(other.test)


def test_a_set_without_answers_or_with_too_few_questions_is_refused() -> None:
    with pytest.raises(UserError, match="names its answers"):
        article_set(dataset(answers=()), 4, 4, seed=5, paragraphs=1)
    with pytest.raises(UserError, match="not 50; ask for fewer"):
        article_set(dataset(), 100, 4, seed=5, paragraphs=1)


def test_questions_of_a_file_fall_into_halves_by_their_id() -> None:
    halves = [half_of(f"q{n:03}") for n in range(400)]
    assert halves == [half_of(f"q{n:03}") for n in range(400)]
    assert 150 < halves.count("fit") < 250
