"""Questions of a conversation are searched for with the topic they lean on, and with no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agents.answering.extractive import ExtractiveEngine
from agents.answering.followup import MOST_CHARACTERS, leans, rewritten, standalone
from agents.records.answers import Message
from agents.settings import AnswerSettings
from corpus.catalog import Catalog
from corpus.home import Home
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from retrieval.search import Searcher
from retrieval.settings import EmbeddingSettings, RetrievalSettings
from retrieval.spaces import load_for
from tests.agents.conversations import DEVELOPED, HELD_BACK, Conversation
from tests.agents.shelf import Shelf
from tests.fakes import HashEncoder

SAMPLE = Path(__file__).parents[3] / "corpus" / "sample" / "documents"


def said(*questions: str) -> list[Message]:
    return [m for q in questions for m in (Message("user", q), Message("assistant", "Yes [1]."))]


def searched(conversation: Conversation) -> str:
    *before, last = conversation.questions
    return standalone(last, said(*before))


def test_why_keeps_the_topic_of_the_turn_before_the_last() -> None:
    asked = standalone("Why?", said("When does the canteen open?", "And on Fridays?"))
    assert {"canteen", "Fridays?", "Why?"} <= set(asked.split())
    later = standalone(
        "Why?", said("When is lunch?", "Who cooks it?", "And on Fridays?", "Really?")
    )
    assert "lunch" in later


def test_a_short_question_that_stands_alone_is_left_alone() -> None:
    for question in ("Where is the canteen?", "What is goodput?"):
        assert standalone(question, said("How long are backups kept?")) == question


@pytest.mark.parametrize(
    "question",
    [
        *("Why?", "And?", "What does it cost?", "And in June?", "What about the second line?"),
        *("Is that at 16 bits?", "What is the price?", "At which rate?", "What happened there?"),
    ],
)
def test_a_question_that_names_nothing_leans_on_the_one_before(question: str) -> None:
    assert leans(question)
    assert "lease" in standalone(question, said("What is the lease?"))
    assert standalone(question, []) == question


@pytest.mark.parametrize(
    "question",
    [
        "Which engine decodes Llama fastest on spark-01?",
        "If an operator loses the token at midnight, must they report it?",
        "Is there a budget for the training that we planned this year?",
        "Where is the canteen?",
        "Who buys cake?",
    ],
)
def test_a_question_that_explains_its_own_words_stands_alone(question: str) -> None:
    assert not leans(question)


def test_thanks_are_no_topic() -> None:
    history = said("Which services are stopped first?", "Thanks, that helps.")
    assert "services" in standalone("And started?", history)
    assert standalone("And started?", said("Thanks!")) == "And started?"


def test_a_question_that_asks_when_is_not_asked_for_a_number_of_the_one_before() -> None:
    asked = standalone("When was it paid?", said("How much is the invoice?"))
    assert asked == "is the invoice? When was it paid?"
    assert standalone("And in June?", said("How much is it in May?")).startswith("How much")


def test_of_a_long_text_its_end_is_kept() -> None:
    asked = standalone("Why?", said("word " * 2000 + "and the canteen is closed"))
    assert asked.endswith("the canteen is closed Why?")
    assert len(asked) <= 2 * MOST_CHARACTERS
    assert len(standalone("Why?", said("w" * 9000))) <= 2 * MOST_CHARACTERS


@pytest.mark.parametrize("one", DEVELOPED, ids=lambda c: c.questions[-1])
def test_a_question_leans_or_stands_as_a_person_says(one: Conversation) -> None:
    assert (searched(one) == one.questions[-1]) == one.alone


def test_so_do_nearly_all_questions_that_the_rules_were_not_made_on() -> None:
    wrong = [one for one in HELD_BACK if (searched(one) == one.questions[-1]) != one.alone]
    assert len(wrong) <= 1, wrong


def test_what_is_quoted_is_chosen_by_the_topic_too() -> None:
    shelf = Shelf()
    engine = ExtractiveEngine(HashEncoder(), shelf, AnswerSettings(sentences=1))
    words = ("The canteen opens at noon.", "Restoring takes forty minutes.")
    passages = [
        shelf.passage(1, shelf.backups, words[1]),
        shelf.passage(2, shelf.lunch, words[0]),
    ]
    pieces = "".join(engine.stream("Why?", passages, said("When does the canteen open?")))
    assert pieces == f"{words[0]} [2]"


@pytest.mark.parametrize(
    ("reply", "question"),
    [
        ("When does the canteen open on Fridays?", "When does the canteen open on Fridays?"),
        ('Rewritten question: "Opening hours on Fridays?"\n', "Opening hours on Fridays?"),
        ("Here is the question:\n\n**When is\u202e lunch?**", "When is lunch?"),
        ("When is lunch?\n\nI added the topic.", "When is lunch?"),
        ("opening hours of the canteen on Fridays", "opening hours of the canteen on Fridays"),
        (
            "Explain how the canteen is run on Fridays.",
            "Explain how the canteen is run on Fridays.",
        ),
    ],
)
def test_of_a_model_s_reply_the_question_is_kept(reply: str, question: str) -> None:
    assert rewritten(reply, "And on Fridays?") == question


@pytest.mark.parametrize(
    "reply",
    [
        "",
        " \n\u200b\n",
        "On Fridays there is soup.",
        "It opens at noon [1].",
        "The documents do not say.",
        "Sure! The canteen opens at noon. It closes at two.",
        "When? " * 200,
        "words " * 200,
    ],
)
def test_a_reply_that_is_no_question_is_not_searched_for(reply: str) -> None:
    assert rewritten(reply, "And on Fridays?") == ""


def test_a_long_question_may_come_back_as_long() -> None:
    long = "Given that " + "the canteen is closed and " * 60 + "when does it open?"
    assert rewritten(long, long) == long


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    home = Home(tmp_path_factory.mktemp("sample"))
    encoder, _ = load_for(EmbeddingSettings(), home, None)
    with closing(Catalog(home)) as catalog:
        with closing(Pipeline(home, catalog, encoder, IngestSettings(workers=1))) as pipeline:
            pipeline.sync([SAMPLE], "sample")
        yield Searcher(home, catalog, encoder, RetrievalSettings())


def found_at(searcher: Searcher, question: str, file: str) -> int:
    """The rank of a file among those found; 99 if it is not."""
    sources = [hit.document.source.rsplit("/", 1)[-1] for hit in searcher.search(question).hits]
    files = list(dict.fromkeys(sources))
    return files.index(file) + 1 if file in files else 99


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("half", "least"), [(DEVELOPED, 20), (HELD_BACK, 19)])
def test_the_document_that_answers_is_among_the_first_three(
    searcher: Searcher, half: tuple[Conversation, ...], least: int
) -> None:
    ranks = [found_at(searcher, searched(one), one.file) for one in half]
    assert sum(rank <= 3 for rank in ranks) >= least, ranks
