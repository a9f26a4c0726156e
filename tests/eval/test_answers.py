"""What is counted when answers are measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from agents.records.answers import Answer
from corpus.errors import NotFound
from corpus.questions import Gold, Question
from corpus.records import Citation, Document, Passage, Span, State
from eval.answer_rows import renamed
from eval.answers import evaluate_answers, resolves
from eval.gold.records import Topic
from eval.results.records import Found, Loss, Row, Stage
from eval.spans import Placed

TEXT = "The box has 128 GB of memory. It draws 240 W."
FACT = Span(12, 18)


class Shelf:
    def text(self, document_id: str) -> str:
        if document_id != "box":
            raise NotFound(f"There is no document {document_id!r}.")
        return TEXT


class Scripted:
    """Gives each question the answer prepared for it."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        self._answers = answers

    def answer(self, question: str) -> Answer:
        return self._answers[question]


def cite(span: Span, quote: str | None = None, document: str = "box") -> Citation:
    text = TEXT[span.start : span.end] if quote is None else quote
    return Citation(1, document, "/docs/box.md", None, span, text, 1.0)


def said(text: str, *citations: Citation) -> Answer:
    return Answer(text, False, "extractive", "", citations)


def refused(*citations: Citation) -> Answer:
    return Answer("The documents do not say.", True, "extractive", "", citations)


def placed(name: str, answerable: bool = True) -> Placed:
    if not answerable:
        return Placed(Question(name, f"question {name}", "unanswerable", "", ()), ())
    gold = Gold("box.md", "128 GB", FACT)
    return Placed(Question(name, f"question {name}", "lookup", "128 GB", (gold,)), (("box", FACT),))


def measured(answers: dict[str, tuple[bool, Answer]]) -> dict[str, dict[str, float]]:
    questions = [placed(name, answerable) for name, (answerable, _) in answers.items()]
    scripted = Scripted({f"question {name}": answer for name, (_, answer) in answers.items()})
    return evaluate_answers("set", questions, scripted, Shelf()).report.systems[0].rows


def test_refusals_are_counted_apart_for_what_can_and_cannot_be_answered() -> None:
    rows = measured(
        {
            "a": (True, said("128 GB", cite(FACT))),
            "b": (True, refused()),
            "c": (False, refused()),
            "d": (False, said("7", cite(FACT))),
        }
    )
    assert rows["refused answerable"] == {"a": 0.0, "b": 1.0}
    assert rows["refused unanswerable"] == {"c": 1.0, "d": 0.0}


def test_a_citation_resolves_only_to_the_very_text_of_its_span() -> None:
    assert resolves(cite(FACT), Shelf())
    assert not resolves(cite(FACT, quote="129 GB"), Shelf())
    assert not resolves(cite(Span(13, 19), quote="128 GB"), Shelf())
    assert not resolves(cite(FACT, quote="128 GB", document="gone"), Shelf())
    assert not resolves(cite(Span(5, 5), quote=""), Shelf())


def test_the_share_of_valid_citations_is_per_answer() -> None:
    rows = measured(
        {
            "a": (True, said("128 GB", cite(FACT), cite(FACT, quote="129 GB"))),
            "b": (True, said("128 GB")),
            "c": (True, refused(cite(FACT))),
        }
    )
    assert rows["citations valid"] == {"a": 0.5, "c": 1.0}
    assert rows["cited"] == {"a": 1.0, "b": 0.0}


def test_a_citation_of_the_gold_is_one_that_shares_characters_with_it() -> None:
    rows = measured(
        {
            "a": (True, said("x", cite(Span(0, 13)))),
            "b": (True, said("x", cite(Span(30, 44)))),
            "c": (True, said("x", cite(FACT, document="other"))),
            "d": (False, said("x", cite(FACT))),
        }
    )
    assert rows["cites gold"] == {"a": 1.0, "b": 0.0, "c": 0.0}


def test_an_answer_holds_the_reference_word_for_word_or_quotes_the_gold() -> None:
    rows = measured(
        {
            "a": (True, said("It has the 128 GB!")),
            "b": (True, said("plenty", cite(FACT))),
            "c": (True, said("128 or more GB", cite(Span(0, 14)))),
            "d": (True, refused()),
            "e": (False, said("128 GB")),
        }
    )
    assert rows["holds answer"] == {"a": 1.0, "b": 1.0, "c": 0.0, "d": 0.0}


def test_a_question_of_several_parts_needs_every_one_of_them() -> None:
    power = Span(37, 42)
    gold = (Gold("box.md", "128 GB", FACT), Gold("box.md", "240 W", power))
    question = Question("m", "question m", "multi", "a lot and little", gold)
    both = Placed(question, (("box", FACT), ("box", power)))

    def holds(*citations: Citation) -> float:
        scripted = Scripted({"question m": said("x", *citations)})
        rows = evaluate_answers("set", [both], scripted, Shelf()).report.systems[0].rows
        return rows["holds answer"]["m"]

    assert holds(cite(FACT), cite(power)) == 1.0
    assert holds(cite(FACT)) == 0.0


def test_citations_are_measured_against_the_gold_spans() -> None:
    rows = measured(
        {
            "a": (True, said("x", cite(FACT), cite(Span(30, 44)))),
            "b": (True, said("x", cite(Span(16, 30)))),
            "c": (True, said("x")),
        }
    )
    assert rows["citation precision"] == {"a": 0.5, "b": 1.0, "c": 0.0}
    assert rows["citation recall"] == {"a": 1.0, "b": 0.0, "c": 0.0}


def test_a_number_without_a_citation_dangles_unless_it_is_code() -> None:
    rows = measured(
        {
            "a": (True, said("It is so [1].", cite(FACT))),
            "b": (True, said("It is so [1, 2].", cite(FACT))),
            "c": (True, said("Take `x[3]` [1].", cite(FACT))),
        }
    )
    assert rows["dangling"] == {"a": 0.0, "b": 1.0, "c": 0.0}


def test_the_scores_of_both_kinds_of_question_give_one_auroc() -> None:
    answers = {
        "a": (True, replace(said("x"), score=0.9)),
        "b": (True, replace(refused(), score=0.2)),
        "c": (False, replace(refused(), score=0.3)),
    }
    questions = [placed(name, answerable) for name, (answerable, _) in answers.items()]
    scripted = Scripted({f"question {name}": answer for name, (_, answer) in answers.items()})
    report = evaluate_answers("set", questions, scripted, Shelf()).report
    assert report.systems[0].facts == {"AUROC": 0.5}


def test_a_refusal_has_no_row_for_what_an_answer_says() -> None:
    rows = measured({"a": (True, refused())})
    assert rows["token recall"] == rows["cites gold"] == rows["cited"] == {}


def test_words_are_measured_against_the_nearest_reference_and_a_refusal_has_none_of_them() -> None:
    first, second, none, whole = (placed(name) for name in "abcd")
    several = replace(second.question, answer="256 GB", answers=("128 GB",))
    graded = replace(whole.question, gold=(), answer="", documents={"box.md": 1})
    questions = [first, replace(second, question=several), none, Placed(graded, ())]
    answers = [said("It has 128 GB [1]."), said("128 GB"), refused(), said("128 GB", cite(FACT))]
    scripted = Scripted(
        {f"question {n}": answer for n, answer in zip("abcd", answers, strict=True)}
    )
    rows = evaluate_answers("set", questions, scripted, Shelf()).report.systems[0].rows
    assert rows["exact match"] == {"a": 0.0, "b": 1.0, "c": 0.0}
    assert rows["token F1"] == {"a": 2 * 2 / 6, "b": 1.0, "c": 0.0}
    assert rows["token recall"] == {"a": 1.0, "b": 1.0}
    assert "d" not in rows["citation precision"] | rows["citation recall"] | rows["cites gold"]
    assert "d" not in rows["holds answer"]  # nobody knows what it would be held to
    assert rows["refused answerable"]["d"] == 0.0


def test_a_set_of_which_only_documents_are_known_goes_by_its_refusals() -> None:
    whole = placed("d")
    graded = replace(whole.question, gold=(), answer="", documents={"box.md": 1})
    scripted = Scripted({"question d": said("128 GB", cite(FACT))})
    report = evaluate_answers("set", [Placed(graded, ())], scripted, Shelf()).report
    assert (report.metric, report.systems[0].rows["holds answer"]) == ("refused answerable", {})


def test_every_question_has_a_row_with_its_answer_its_passages_and_what_lost_its_gold() -> None:
    box = Document("box", "/docs/box.md", "", "text/plain", "", "default", 0, State.INDEXED)
    passage = Passage(1, box, Span(0, 20), TEXT[:20], None, score=0.5)
    answers = {"question a": replace(said("plenty"), shown=(passage,)), "question c": refused()}
    questions = [placed("a"), placed("c", answerable=False)]
    loss = Loss("/docs/box.md", 12, 18, Stage.ANSWER, "the answer cites nothing")

    def why(topic: Topic, references: Sequence[str], answer: Answer) -> list[Loss]:
        assert references == (("128 GB",) if topic.id == "a" else ())
        return [loss] if topic.gold == (("/docs/box.md", FACT),) else []

    sources = {"box": "/docs/box.md"}
    scripted = Scripted(answers)
    found = evaluate_answers("set", questions, scripted, Shelf(), why=why, sources=sources)
    first, second = found.rows
    assert (first.query, first.answer, first.missed) == ("a", "plenty", True)
    assert (first.losses, first.stage) == ((loss,), Stage.ANSWER)
    assert first.found == (Found(1, "/docs/box.md", 0, 20, 0.5, gold=True, text=TEXT[:20]),)
    assert first.gold == ({"document": "/docs/box.md", "start": 12, "end": 18, "text": "128 GB"},)
    assert first.metrics["holds answer"] == 0.0
    assert (second.losses, second.missed, second.gold) == ((), False, ())
    (system,) = found.report.to_json()["systems"]
    assert (system["losses"], system["missed"]) == ({"ignored in the answer": 1}, 1)
    shown = renamed(first, {"/docs/box.md": "box.md"})
    assert {shown.losses[0].document, shown.found[0].document, shown.gold[0]["document"]} == {
        "box.md"
    }
    assert Row.from_json(json.loads(json.dumps(shown.to_json()))) == shown


def test_only_of_an_answer_that_does_not_hold_what_it_should_it_is_asked_why() -> None:
    names = ["a", "b"]
    scripted = Scripted({"question a": said("x", cite(FACT)), "question b": said("x")})
    asked: list[str] = []

    def why(topic: Topic, references: Sequence[str], answer: Answer) -> list[Loss]:
        asked.append(topic.id)
        return []

    evaluate_answers("set", [placed(name) for name in names], scripted, Shelf(), why=why)
    assert asked == ["b"]


def test_without_anybody_to_tell_losses_the_report_does_not_speak_of_them() -> None:
    scripted = Scripted({"question a": said("128 GB")})
    found = evaluate_answers("set", [placed("a")], scripted, Shelf())
    assert "losses" not in found.report.to_json()["systems"][0]


def test_the_report_names_the_engine_counts_questions_and_times_each() -> None:
    questions = [placed("a"), placed("c", answerable=False)]
    scripted = Scripted({"question a": said("128 GB"), "question c": refused()})
    ticks: list[int] = []
    found = evaluate_answers("set", questions, scripted, Shelf(), lambda: ticks.append(1))
    data = found.report.to_json()
    assert (data["dataset"], data["systems"][0]["name"]) == ("set", "extractive")
    assert data["context"]["questions"] == 2
    assert data["context"]["answerable"] == 1
    assert data["systems"][0]["kinds"].keys() == {"lookup", "unanswerable"}
    assert len(ticks) == 2
    assert data["systems"][0]["latency_ms"]["p50"] >= 0
