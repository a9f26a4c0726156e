"""Questions with short answers about articles, some of which are left out: a test of refusing.

Made from a folder in BEIR's layout whose queries name their ``answers`` and whose documents are the
paragraphs of articles (SQuAD and XQuAD are; Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions for
Machine Comprehension of Text"). One article becomes one document: its title, then its paragraphs.

The articles that are asked about are ordered by a hash of seed and title and dealt out in turns: the
first stays and is for fitting, the second is left out and for fitting, the third stays and is for
testing, the fourth is left out and for testing. So the two halves share no article and no question,
and what was asked about an article that is left out cannot be answered. Articles that nobody asks
about are added, in the order of the same hash, until there are enough paragraphs to search among.

Gold is the short answer in the question's own paragraph; where it stands there more than once, in
the sentence that shares the most words with the question. Knows nothing of answers or indexes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from corpus.datasets import Dataset, DatasetDocument, Query
from corpus.errors import UserError
from corpus.questions import UNANSWERABLE, Gold, Question
from corpus.records import Element, ElementKind, Parsed, Span
from ingest.chunking.sentences import sentence_spans

__all__ = ["ArticleSet", "Half", "article_set", "half_of"]

Half = Literal["fit", "test"]
ANSWERED = "short answer"
_TURNS: tuple[tuple[Half, bool], ...] = (
    ("fit", True), ("fit", False), ("test", True), ("test", False)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ArticleSet:
    """Documents by the name that gold names them with, and the questions of each half."""

    name: str
    documents: Mapping[str, Parsed]
    fit: tuple[Question, ...]
    test: tuple[Question, ...]


def half_of(id: str) -> Half:
    """The half that a question belongs to where questions are dealt out by themselves."""
    return "fit" if hashlib.sha256(id.encode()).digest()[0] % 2 else "test"


def article_set(
    dataset: Dataset, questions: int, unanswerable: int, seed: int, paragraphs: int
) -> ArticleSet:
    """The documents to index and the questions to ask.

    Args:
        questions: that the documents answer, half of them in each half.
        unanswerable: whose article is left out, likewise.
        seed: of the hash that deals articles and questions out.
        paragraphs: how many the documents have at least, if the set has so many.

    Raises:
        UserError: its queries name no answers, or there are too few of them.
    """
    articles: dict[str, list[DatasetDocument]] = {}
    for document in dataset.documents:
        articles.setdefault(document.title, []).append(document)
    asked = _by_article(dataset)
    order = sorted(asked, key=lambda title: _key(seed, title))
    dealt: dict[tuple[Half, bool], list[Question]] = {turn: [] for turn in _TURNS}
    for index, title in enumerate(order):
        half, stays = _TURNS[index % len(_TURNS)]
        for query, paragraph in asked[title]:
            question = _question(query, paragraph, articles[title], stays)
            if question is not None:
                dealt[half, stays].append(question)
    kept = [title for i, title in enumerate(order) if _TURNS[i % len(_TURNS)][1]]
    others = sorted((t for t in articles if t not in asked), key=lambda t: _key(seed, t))
    documents = {t: _parsed(t, articles[t]) for t in _enough(kept, others, articles, paragraphs)}
    halves = {
        half: (
            *_some(dealt[half, True], questions // 2, seed, "with an answer"),
            *_some(dealt[half, False], unanswerable // 2, seed, "without one"),
        )
        for half in ("fit", "test")
    }
    return ArticleSet(dataset.name, documents, halves["fit"], halves["test"])


def _key(seed: int, text: str) -> str:
    return hashlib.sha256(f"{seed}:{text}".encode()).hexdigest()


def _by_article(dataset: Dataset) -> dict[str, list[tuple[Query, str]]]:
    """Queries, each with the id of its paragraph, by the title of their article."""
    titles = {document.id: document.title for document in dataset.documents}
    graded = dataset.qrels()
    found: dict[str, list[tuple[Query, str]]] = {}
    for query in dataset.judged():
        paragraph = max(graded[query.id], key=lambda id: graded[query.id][id])
        if query.metadata.get("answers"):
            found.setdefault(titles[paragraph], []).append((query, paragraph))
    if not found:
        raise UserError(
            f"No query of {dataset.name!r} names its answers in 'metadata'; choose a set that does."
        )
    return found


def _some(questions: Sequence[Question], count: int, seed: int, which: str) -> list[Question]:
    if len(questions) < count:
        raise UserError(
            f"There are {len(questions)} questions {which} to a half, not {count}; ask for fewer."
        )
    return sorted(questions, key=lambda question: _key(seed, question.id))[:count]


def _enough(
    kept: Iterable[str],
    others: Iterable[str],
    articles: Mapping[str, Sequence[DatasetDocument]],
    paragraphs: int,
) -> list[str]:
    chosen = list(kept)
    count = sum(len(articles[title]) for title in chosen)
    for title in others:
        if count >= paragraphs:
            break
        chosen.append(title)
        count += len(articles[title])
    return chosen


def _parsed(title: str, paragraphs: Sequence[DatasetDocument]) -> Parsed:
    """An article as a parser would give it: a title, then one element per paragraph."""
    elements = [Element(ElementKind.TITLE, title, Span(0, len(title)), level=1)]
    for start, paragraph in _places(title, paragraphs):
        span = Span(start, start + len(paragraph.text))
        elements.append(Element(ElementKind.TEXT, paragraph.text, span))
    text = "\n\n".join((title, *(paragraph.text for paragraph in paragraphs)))
    return Parsed(text, tuple(elements), title=title)


def _places(
    title: str, paragraphs: Sequence[DatasetDocument]
) -> Iterable[tuple[int, DatasetDocument]]:
    start = len(title) + 2
    for paragraph in paragraphs:
        yield start, paragraph
        start += len(paragraph.text) + 2


def _question(
    query: Query, paragraph: str, article: Sequence[DatasetDocument], stays: bool
) -> Question | None:
    """The question with its gold; ``None`` if its answer is not in its paragraph."""
    title = article[0].title
    answers = [str(answer) for answer in query.metadata["answers"]]
    if not stays:
        return Question(query.id, query.text, UNANSWERABLE, "", ())
    start, document = next((s, d) for s, d in _places(title, article) if d.id == paragraph)
    for answer in answers:
        found = _place(document.text, answer, query.text)
        if found is not None:
            gold = Gold(title, answer, Span(start + found, start + found + len(answer)))
            return Question(query.id, query.text, ANSWERED, answer, (gold,), answers=tuple(answers))
    return None


def _place(text: str, answer: str, question: str) -> int | None:
    """Where the answer stands, in the sentence that shares the most words with the question."""
    wanted = set(question.lower().split())
    best: tuple[int, int] | None = None
    for span in sentence_spans(text):
        sentence = text[span.start : span.end]
        at = sentence.find(answer)
        shared = len(wanted & set(sentence.lower().split()))
        if at >= 0 and (best is None or shared > best[0]):
            best = (shared, span.start + at)
    if best is not None:
        return best[1]
    at = text.find(answer)
    return at if at >= 0 else None
