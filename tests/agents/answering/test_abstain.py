"""The documents' answer, or an honest refusal."""

from agents.answering.abstain import answerability, features, refusal
from agents.answering.evidence import Weigher
from agents.answering.passages import gather
from agents.prompts import REFUSAL
from corpus.records import Document, Passage, Span, State
from tests.agents.shelf import Shelf
from tests.fakes import HashEncoder


def measured(question: str) -> tuple[float, dict[str, float]]:
    shelf = Shelf()
    hits = shelf.search(question, 20).hits
    passages = gather(hits, shelf.text, 6)
    evidence = Weigher(HashEncoder(), shelf, 60).weigh(question, passages)
    values = features(evidence, passages, hits)
    return answerability(values), values


def test_a_question_that_the_documents_answer_scores_higher_than_one_they_touch() -> None:
    answered, _ = measured("How long are backups kept?")
    touched, _ = measured("How long are contracts of the canteen cook kept?")
    foreign, _ = measured("Which planet has the most moons?")
    assert answered > 0.2 > foreign
    assert answered > touched > foreign


def test_a_name_that_no_passage_has_counts_against_the_answer() -> None:
    known, _ = measured("When do Backups run?")
    _, with_name = measured("When do Backups of Quixote run?")
    _, without = measured("When do Backups run?")
    assert known > 0
    assert with_name["names"] < without["names"] == 1.0


def test_without_anything_found_every_measure_is_zero() -> None:
    score, values = measured("xylophone")
    assert set(values.values()) == {0.0}
    assert score < 0.01


def test_a_refusal_names_what_was_nearest_once_each() -> None:
    paper = Document("d", "/papers/a.pdf", "0", "application/pdf", "", "c", 3, State.INDEXED)
    guide = Document("e", "/b.md", "0", "text/markdown", "The guide", "c", 0, State.INDEXED)
    nearest = [
        Passage(1, paper, Span(0, 1), "a", 3),
        Passage(2, paper, Span(5, 6), "a", 3),
        Passage(3, guide, Span(0, 1), "a", None),
    ]
    assert refusal(nearest) == f"{REFUSAL} Nearest to it: 'a.pdf', page 3; 'The guide'."
    assert refusal([]).startswith(REFUSAL)
