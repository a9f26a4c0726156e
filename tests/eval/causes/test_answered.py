"""Where an answer is held to have lost gold, given what it was made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from agents.records.answers import Answer
from corpus.records import Chunk, Citation, Document, Hit, Passage, Span, State
from eval.causes.answered import answer_losses
from eval.causes.diagnosis import Held, Ranks
from eval.gold.records import Lost, Topic
from eval.results.records import Loss, Stage

BOOK = Document("d", "/docs/book.md", "", "text/plain", "", "default", 0, State.INDEXED)
GOLD = Span(100, 120)
TOPIC = Topic("q", "why?", gold=((BOOK.source, GOLD),))
HOLDING = Chunk("c1", "d", (Span(90, 130),), "")
OTHER = Chunk("c2", "d", (Span(0, 50),), "")


def passage(number: int, span: Span, seen: int | None = None) -> Passage:
    text = "x" * (len(span) if seen is None else seen)
    return Passage(number, BOOK, Span(span.start, span.start + len(text)), text, None)


@dataclass
class Told:
    """A look that says what a test tells it."""

    found: Sequence[Hit] = ()
    made: Sequence[Passage] = ()
    asked: list[str] = field(default_factory=list)

    @property
    def search(self) -> Told:
        return self

    def hits(self, question: str) -> Sequence[Hit]:
        self.asked.append(question)
        return self.found

    def passages(self, hits: Sequence[Hit]) -> Sequence[Passage]:
        return self.made

    def held(self, document: str) -> Held:
        return Held([HOLDING, OTHER])

    def excluded(self, chunk: Chunk) -> str:
        return ""

    def ranks(self, query: str) -> Ranks:
        return Ranks({"dense": {"c1": 30}}, 100)


def said(text: str, *cited: Span, shown: Sequence[Passage] = ()) -> Answer:
    spans = enumerate(cited, 1)
    citations = tuple(Citation(n, "d", BOOK.source, None, span, "", 1.0) for n, span in spans)
    return Answer(text, False, "openai", "m", citations, shown=tuple(shown))


def losses(answer: Answer, look: Told | None = None, topic: Topic = TOPIC) -> tuple[Loss, ...]:
    return answer_losses(topic, ["thirty days"], answer, look or Told())


def test_what_is_cited_or_said_is_not_lost_and_nothing_is_looked_up() -> None:
    look = Told()
    assert losses(said("x [1]", Span(105, 118)), look) == ()
    assert losses(said("For thirty days."), look) == ()
    assert look.asked == []


def test_a_refusal_that_names_the_words_has_lost_them_all_the_same() -> None:
    read = [passage(1, Span(90, 130))]
    refused = replace(said("Nearest: thirty days", shown=read), abstained=True)
    (loss,) = losses(refused, Told([Hit(HOLDING, BOOK, 1.0, 1)], read))
    assert (loss.stage, loss.detail) == (
        Stage.ANSWER,
        "passage 1 of those shown holds it; the engine refused",
    )


def test_what_was_shown_and_not_cited_was_ignored() -> None:
    read = [passage(1, Span(0, 50)), passage(2, Span(90, 130))]
    (loss,) = losses(said("x [1]", Span(0, 20), shown=read))
    assert loss == Loss(
        "/docs/book.md",
        100,
        120,
        Stage.ANSWER,
        "passage 2 of those shown holds it; the answer cites 1",
    )
    (loss,) = losses(said("x", shown=read))
    assert loss.detail.endswith("; the answer cites nothing")


def test_a_question_refused_before_an_engine_was_asked_has_lost_it_in_the_answer() -> None:
    refused = Answer("no", True, "openai", "m", score=0.123)
    (loss,) = losses(refused, Told([Hit(HOLDING, BOOK, 1.0, 1)], [passage(1, Span(90, 130))]))
    assert loss.stage is Stage.ANSWER
    assert loss.detail == (
        "passage 1 holds it; the question was refused: an answer was held to be 0.12 probable"
    )


def test_a_passage_that_did_not_fit_was_cut_from_the_prompt() -> None:
    made = [passage(1, Span(0, 50)), passage(2, Span(90, 130))]
    (loss,) = losses(said("x", shown=made[:1]), Told([Hit(HOLDING, BOOK, 1.0, 1)], made))
    assert loss.stage is Stage.PROMPT
    assert loss.detail == "passage 2 holds it; the engine was shown 1 of 2"


def test_the_end_of_a_passage_of_which_the_beginning_was_shown_was_cut_from_the_prompt() -> None:
    made = [passage(1, Span(60, 130))]
    answer = said("x", shown=[passage(1, Span(60, 130), seen=45)])
    (loss,) = losses(answer, Told([Hit(HOLDING, BOOK, 1.0, 1)], made))
    assert loss.stage is Stage.PROMPT
    assert (
        loss.detail
        == "passage 1 holds it; the engine was shown 1 of 1, and only the beginning of 1"
    )


def test_a_hit_that_became_no_passage_was_cut_from_the_prompt() -> None:
    made = [passage(1, Span(0, 50))]
    found = [Hit(OTHER, BOOK, 1.0, 1), Hit(HOLDING, BOOK, 0.5, 2)]
    (loss,) = losses(said("x", shown=made), Told(found, made))
    assert loss.stage is Stage.PROMPT
    assert loss.detail == "hit 2 of 2 holds it; the prompt is made of the best 1 passages"


def test_what_the_search_did_not_find_was_lost_there() -> None:
    made = [passage(1, Span(0, 50))]
    (loss,) = losses(said("x", shown=made), Told([Hit(OTHER, BOOK, 1.0, 1)], made))
    assert (loss.stage, loss.detail) == (Stage.NOT_RETRIEVED, "dense rank 30")


def test_lost_gold_and_found_gold_of_one_question_have_their_own_stages() -> None:
    made = [passage(1, Span(0, 50))]
    both = ((BOOK.source, GOLD), (BOOK.source, Span(10, 20)), (BOOK.source, Span(30, 40)))
    topic = replace(TOPIC, gold=both, lost=(Lost("scan.pdf", "gone", "no such text"),))
    found = losses(said("x [1]", Span(30, 40), shown=made), Told([], made), topic)
    assert [(loss.stage, loss.start) for loss in found] == [
        (Stage.NOT_PARSED, 0),
        (Stage.NOT_RETRIEVED, 100),
        (Stage.ANSWER, 10),
    ]


def test_whole_documents_are_cited_by_any_part_of_them() -> None:
    topic = Topic("q", "why?", grades={BOOK.source: 1, "/docs/other.md": 0})
    assert losses(said("x [1]", Span(3, 9)), topic=topic) == ()
    (loss,) = losses(said("x", shown=[passage(1, Span(0, 50))]), topic=topic)
    assert (loss.stage, loss.start, loss.end) == (Stage.ANSWER, 0, 0)


def test_a_question_without_gold_loses_nothing() -> None:
    assert losses(said("x"), topic=Topic("q", "why?")) == ()
