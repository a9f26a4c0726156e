"""The extractive engine quotes what answers, from sentences and from tables."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from agents.answering.claims import grounded
from agents.answering.evidence import Weigher
from agents.answering.extractive import ExtractiveEngine, choose
from agents.settings import AnswerSettings
from agents.text.kinds import has_figure
from agents.text.sentences import units
from agents.text.words import content_words, coverage, names, rarity, stem
from corpus.records import Document, Element, ElementKind, Parsed, Passage, Span, State
from tests.fakes import HashEncoder


class Pile:
    """Documents made of ``(kind, text)`` elements, each parted by a blank line."""

    def __init__(self) -> None:
        self.parts: dict[str, Parsed] = {}

    def add(self, id: str, *elements: tuple[ElementKind, str]) -> Document:
        text, made = "", []
        for kind, piece in elements:
            text += "\n\n" if text else ""
            made.append(Element(kind, piece, Span(len(text), len(text) + len(piece)), 2))
            text += piece
        self.parts[id] = Parsed(text, tuple(made))
        return Document(id, f"/{id}", "0", "text/plain", id, "c", 0, State.INDEXED)

    def document(self, document_id: str) -> Document:
        raise AssertionError("not needed")

    def parsed(self, document_id: str) -> Parsed:
        return self.parts[document_id]

    def text(self, document_id: str) -> str:
        return self.parts[document_id].text

    def passage(self, document: Document, number: int = 1) -> Passage:
        text = self.text(document.id)
        return Passage(number, document, Span(0, len(text)), text, 1)


SPEEDS = "Decode speed\nModel | Format | tok/s\nLlama-3.3-70B | NVFP4 | 4.51\nGPT-OSS-120B | MXFP4 | 34.57"


@pytest.fixture
def pile() -> Pile:
    return Pile()


def ask(pile: Pile, question: str, *passages: Passage, sentences: int = 3) -> str:
    engine = ExtractiveEngine(HashEncoder(), pile, AnswerSettings(sentences=sentences))
    return "".join(engine.stream(question, passages))


def test_every_unit_is_the_stored_text_at_its_span(pile: Pile) -> None:
    document = pile.add(
        "d",
        (ElementKind.TITLE, "Speeds"),
        (ElementKind.TEXT, "The box is small. It is fast."),
        (ElementKind.TABLE, SPEEDS),
        (ElementKind.LIST, "Two boxes"),
        (ElementKind.CODE, "[large]\nport = 8000"),
    )
    found = units(pile.passage(document), pile.parsed("d"))
    assert all(pile.text("d")[u.span.start : u.span.end] == u.text for u in found)
    assert [u.shown for u in found] == [
        "The box is small.",
        "It is fast.",
        "Model: Llama-3.3-70B; Format: NVFP4; tok/s: 4.51",
        "Model: GPT-OSS-120B; Format: MXFP4; tok/s: 34.57",
        "Two boxes",
        "[large]",
        "port = 8000",
    ]
    assert found[2].context == "Speeds: Decode speed"
    assert found[6].context == "Speeds: [large]"
    assert {u.page for u in found} == {2}


def test_a_passage_that_ends_inside_a_sentence_has_the_sentence_whole(pile: Pile) -> None:
    document = pile.add("d", (ElementKind.TEXT, "The first one is long. The second one is longer."))
    cut = Passage(1, document, Span(0, 40), pile.text("d")[:40], 1)
    assert [u.text for u in units(cut, pile.parsed("d"))] == [
        "The first one is long.",
        "The second one is longer.",
    ]
    early = Passage(1, document, Span(0, 27), pile.text("d")[:27], 1)
    assert [u.text for u in units(early, pile.parsed("d"))] == ["The first one is long."]


def test_a_question_or_a_term_in_the_text_leads_to_what_stands_behind_it(pile: Pile) -> None:
    document = pile.add(
        "d",
        (ElementKind.TEXT, "Are my questions used for training? No. Nothing of it is kept."),
        (ElementKind.TEXT, "Goodput"),
        (ElementKind.TEXT, "Requests per second that were answered in time."),
    )
    found = units(pile.passage(document), pile.parsed("d"))
    assert [(u.shown, u.label) for u in found] == [
        ("Are my questions used for training?", True),
        ("No. Nothing of it is kept.", False),
        ("Goodput", True),
        ("Requests per second that were answered in time.", False),
    ]
    assert found[3].context == "Goodput"
    assert ask(pile, "What is goodput?", pile.passage(document)).startswith("Requests per second")


def test_a_table_answers_by_its_row_with_the_names_of_its_columns(pile: Pile) -> None:
    table = pile.passage(pile.add("d", (ElementKind.TABLE, SPEEDS)))
    answer = ask(pile, "How many tok/s does GPT-OSS-120B reach?", table, sentences=1)
    assert answer == "Model: GPT-OSS-120B; Format: MXFP4; tok/s: 34.57 [1]"


def test_the_row_that_is_asked_about_goes_before_one_that_mentions_it(pile: Pile) -> None:
    table = "Part | Note\nfan | 12 W\ncase | holds the fan"
    passage = pile.passage(pile.add("d", (ElementKind.TABLE, table)))
    assert ask(pile, "fan", passage, sentences=1) == "Part: fan; Note: 12 W [1]"


def test_candidates_are_chosen_by_their_words_before_any_vector_is_made(pile: Pile) -> None:
    text = " ".join(f"Filler number {n} is here." for n in range(40)) + " The lease ends in May."
    passage = pile.passage(pile.add("d", (ElementKind.TEXT, text)))
    encoder = HashEncoder()
    weigher = Weigher(encoder, pile, 3)
    pieces = weigher.weigh("When does the lease end?", [passage]).pieces
    assert "The lease ends in May." in [piece.unit.shown for piece in pieces]
    assert len(pieces) == 3


def test_a_passage_that_search_found_better_goes_first_among_equals(pile: Pile) -> None:
    text = "The lease of the flat ends in May."
    other = "The lease of the shop ends in June."
    one, two = (pile.add(id, (ElementKind.TEXT, t)) for id, t in (("a", text), ("b", other)))
    passages = [replace(pile.passage(one, 1), score=0.1), replace(pile.passage(two, 2), score=0.9)]
    assert ask(pile, "When does the lease end?", *passages, sentences=1) == f"{other} [2]"


def test_a_number_is_preferred_where_a_number_is_asked_for(pile: Pile) -> None:
    text = "The reactor is hot in summer. The reactor is hot: 900 degrees."
    passage = pile.passage(pile.add("d", (ElementKind.TEXT, text)))
    answer = ask(pile, "How hot is the reactor?", passage, sentences=1)
    assert answer == "The reactor is hot: 900 degrees. [1]"


def test_an_answer_from_two_documents_quotes_both(pile: Pile) -> None:
    one = pile.add("a", (ElementKind.TEXT, "The warranty of the printer is two years."))
    two = pile.add("b", (ElementKind.TEXT, "The scanner costs 90 EUR with tax."))
    question = "What is the warranty of the printer and what does the scanner cost?"
    answer = ask(pile, question, pile.passage(one, 1), pile.passage(two, 2))
    assert "two years. [1]" in answer
    assert "90 EUR with tax. [2]" in answer


def test_a_row_and_a_sentence_stand_apart_and_neither_is_doubted(pile: Pile) -> None:
    row = (ElementKind.TABLE, "Data | How often | Where\nbackup | nightly | vault")
    sentence = (ElementKind.TEXT, "The nightly backup starts at 02:45 and ends before 04:00.")
    passage = pile.passage(pile.add("d", row, sentence))
    answer = ask(pile, "Where is the vault, and what ends before 04:00?", passage)
    assert sorted(answer.split("\n\n")) == [
        "Data: backup; How often: nightly; Where: vault [1]",
        "The nightly backup starts at 02:45 and ends before 04:00. [1]",
    ]
    checked = grounded(answer, [passage], pile.text, lambda p: units(p, pile.parsed("d")))
    assert [claim.verdict for claim in checked.claims] == ["supported", "supported"]


def test_the_same_is_not_said_twice(pile: Pile) -> None:
    text = "The lease ends on 3 May."
    one, two = (pile.add(id, (ElementKind.TEXT, text)) for id in "ab")
    answer = ask(pile, "When does the lease end?", pile.passage(one, 1), pile.passage(two, 2))
    assert answer == f"{text} [1]"


def test_at_most_as_many_sentences_as_set_are_quoted(pile: Pile) -> None:
    text = " ".join(f"The lease of room {n} ends in May {n}." for n in range(2000, 2020))
    passage = pile.passage(pile.add("d", (ElementKind.TEXT, text)))
    weigher = Weigher(HashEncoder(), pile, 10)
    assert len(weigher.weigh("When does the lease end?", [passage]).pieces) == 10
    assert len(choose(weigher.weigh("When does the lease end?", [passage]), 2)) <= 2


def test_a_row_longer_than_the_encoders_window_is_still_compared(pile: Pile) -> None:
    table = "a | b\n" + "word " * 600 + "| end"
    passage = pile.passage(pile.add("d", (ElementKind.TABLE, table)))
    assert "[1]" in ask(pile, "Which word?", passage)


def test_sentences_are_embedded_once_however_often_they_are_asked(pile: Pile) -> None:
    encoder = HashEncoder()
    passage = pile.passage(pile.add("d", (ElementKind.TEXT, "The lease ends in May. It is long.")))
    engine = ExtractiveEngine(encoder, pile, AnswerSettings())
    list(engine.stream("Is it warm?", [passage]))
    encoder.encoded = 0
    for question in ("When does the lease end?", "How long is the lease?"):
        list(engine.stream(question, [passage]))
    assert encoder.encoded == 0


class Squeezed(HashEncoder):
    """Cosines between 0.7 and 1, as an encoder of the E5 family gives them."""

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        vectors = super().encode_queries(texts) * 0.3**0.5
        return np.hstack([vectors, np.full((len(texts), 1), 0.7**0.5, np.float32)])


def test_encoders_with_another_scale_of_cosines_compare(pile: Pile) -> None:
    passage = pile.passage(pile.add("d", (ElementKind.TEXT, "The lease ends in May.")))
    plain, squeezed = (
        Weigher(encoder, pile, 10).weigh("When does the lease end?", [passage]).pieces[0].cosine
        for encoder in (HashEncoder(), Squeezed())
    )
    assert squeezed == pytest.approx(plain, abs=0.01)


def test_words_are_compared_without_endings_and_numbers_in_one_spelling() -> None:
    assert {stem(w) for w in ("limit", "limits", "limited", "limiting")} == {"limit"}
    assert content_words("How many of 1,234 users' requests?") == ["1234", "user", "request"]
    assert names("Is vLLM on spark-01 from Paris?") >= {"vllm", "paris"}
    weights = rarity([{"a", "b"}, {"a"}])
    assert weights["b"] > weights["a"]
    assert coverage({"a", "b"}, {"b"}, weights, 1.0) > 0.5
    assert coverage(set(), {"b"}, weights, 1.0) == 0


@pytest.mark.parametrize(
    ("question", "text", "found"),
    [
        ("How many boxes are there?", "There are three boxes.", True),
        ("How many boxes are there?", "There are boxes.", False),
        ("How many of the 12 boxes are open?", "Of the 12 boxes some are open.", False),
        ("When does it end?", "It ends on Friday.", True),
        ("When does it end?", "It ends at 12.", True),
        ("When does it end?", "It ends soon.", False),
        ("How long is it?", "It is long on Friday.", False),
        ("Who wrote it?", "Ada wrote 3 of it.", False),
    ],
)
def test_a_number_or_a_time_is_found_where_one_is_asked_for(
    question: str, text: str, found: bool
) -> None:
    assert has_figure(question, text) is found
