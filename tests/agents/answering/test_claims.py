"""Every sentence of an answer is held against the words it cites."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.answering.claims import claims_of, grounded, judge, sentences_of_answer
from agents.text.facts import clashes
from corpus.records import Document, Passage, Span, State

TEXT = (
    "Backups run every night at two and are kept for thirty days. "
    "They take 140 GB of the external disk. "
    "Maria Keller of the lab must not delete them before 3 June 2026. "
    "Restoring takes about 40 minutes."
)


def passage(number: int = 1, text: str = TEXT, title: str = "Backups") -> Passage:
    document = Document("d", "/d.txt", "0", "text/plain", title, "c", 0, State.INDEXED)
    return Passage(number, document, Span(0, len(text)), text, None)


def verdicts(answer: str) -> list[str]:
    return [claim.verdict for claim in grounded(answer, [passage()], lambda id: TEXT).claims]


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("Backups run every night at two [1].", "supported"),
        ("They are kept for 30 days [1].", "supported"),
        ("The backups take 140 GB of disk [1].", "supported"),
        ("Restoring takes 40 minutes [1].", "supported"),
        ("Keller must not delete backups before June 3 [1].", "supported"),
        ("Backups are kept for forty days [1].", "unsupported"),
        ("Backups take 140 MB of the external disk [1].", "unsupported"),
        ("Backups take 150 GB of the external disk [1].", "unsupported"),
        ("Restoring takes about 40 hours [1].", "unsupported"),
        ("Maria Keller must not delete them before 3 July 2026 [1].", "unsupported"),
        ("Maria Weber must not delete them before 3 June 2026 [1].", "unsupported"),
        ("Maria Keller must delete them before 3 June 2026 [1].", "unsupported"),
        ("Maria Keller must not delete them after 3 June 2026 [1].", "unsupported"),
        ("Backups do not run every night [1].", "unsupported"),
        ("The canteen serves soup on Fridays [1].", "unsupported"),
        ("The moon is made of cheese.", "uncited"),
        ("What else would you like to know?", "plain"),
        ("Here is what the documents say:", "plain"),
        ("## Backups of the lab", "plain"),
        ("```\nrm -rf 4711\n```", "plain"),
    ],
)
def test_a_sentence_gets_its_verdict(answer: str, verdict: str) -> None:
    assert verdicts(answer) == [verdict]


def test_a_sentence_that_stands_in_a_passage_is_given_the_citation_it_lacks() -> None:
    made = grounded("Restoring takes about 40 minutes.", [passage()], lambda id: TEXT)
    assert made.text == "Restoring takes about 40 minutes. [1]"
    assert [c.quote for c in made.citations] == ["Restoring takes about 40 minutes."]
    assert [c.verdict for c in made.claims] == ["supported"]


@pytest.mark.parametrize(
    "answer",
    ["Restoring takes about 50 minutes.", "It takes a while.", "Restoring the disk is hard."],
)
def test_no_other_sentence_is_given_one(answer: str) -> None:
    made = grounded(answer, [passage()], lambda id: TEXT)
    assert (made.text, made.citations) == (answer, ())


@pytest.mark.parametrize(
    ("answer", "sentences"),
    [
        ("One is here. [1] Two is there.[2][3] Three.", ["One is here. [1]", "Two is there.[2][3]", "Three."]),
        ("One is [1] here. Two.", ["One is [1] here.", "Two."]),
        ("[1] One is here. Two.", ["[1] One is here.", "Two."]),
        ("- One [1]\n- Two things [2]\n  go on\n\n3. Three", ["One [1]", "Two things [2]\n  go on", "Three"]),
        ("# Title\nText goes\non here [1].", ["# Title", "Text goes\non here [1]."]),
        ("| a | b |\n|---|---|\n| 1 | 2 [1] |", ["| a | b |", "| 1 | 2 [1] |"]),
        ("> Quoted words. [1]\n\nAfter it.", ["Quoted words. [1]", "After it."]),
        ("```\na. b[1]. c\n```\nText [1].", ["```\na. b[1]. c\n```", "Text [1]."]),
        ("**Bold** claim *here* [1].", ["**Bold** claim *here* [1]."]),
        ("", []),
    ],
)  # fmt: skip
def test_an_answer_is_cut_along_its_markdown(answer: str, sentences: list[str]) -> None:
    assert [answer[s.start : s.end] for s in sentences_of_answer(answer)] == sentences


def test_a_table_is_carried_row_by_row_and_its_header_states_nothing() -> None:
    answer = "| what | size |\n|---|---|\n| backups | 140 GB [1] |\n| backups | 170 GB [1] |"
    assert verdicts(answer) == ["plain", "supported", "unsupported"]


def test_a_row_said_with_the_names_of_its_columns_is_its_quote() -> None:
    from agents.text.sentences import Unit

    row = "2026-04 | analysis | 12"
    shown = "month: 2026-04; team: analysis; hours: 12"
    unit = Unit(1, Span(0, len(row)), row, shown)
    text = f"{shown} [1]"
    made = grounded(text, [passage(text=row)], lambda id: row, lambda p: [unit])
    assert [(c.verdict, c.support) for c in made.claims] == [("supported", 1.0)]


@pytest.mark.parametrize(
    ("sentence", "quote"),
    [
        ("It has 2.1 million inhabitants.", "It has 2,100,000 inhabitants."),
        ("It grew by 5%.", "It grew by five percent."),
        ("It took 20 seconds.", "It took 20 s."),
        ("The German box has three disks.", "Germany's box has 3 disks."),
        ("On 3 June it ran.", "2026-06-03: it ran."),
        ("It is a close ally of the United States.", "It is a close US ally."),
        ("No, it does not load.", "It does not load at all."),
        ("There are two reasons for it.", "It is old and it is slow."),
        ("It runs, but not on Sundays.", "Not on Sundays, else it runs."),
    ],
)
def test_the_same_said_otherwise_is_no_clash(sentence: str, quote: str) -> None:
    assert clashes(sentence, quote) == []


@pytest.mark.parametrize(
    ("sentence", "quote", "kind"),
    [
        ("It has 2.1 million inhabitants.", "It has 2.1 billion inhabitants.", "number"),
        ("It grew by 5%.", "It grew by 6%.", "number"),
        ("There were 20 seconds left of 17.", "17 seconds were left at 20-18.", "number"),
        ("It has three disks.", "It has two disks.", "number"),
        ("It opens on Monday.", "It opens on Friday.", "date"),
        ("Berlin is the capital.", "The capital is Paris, not Rome.", "name"),
        ("The box is in Berlin.", "The box is in Paris.", "name"),
        ("The model loads.", "The model does not load.", "negation"),
        ("The load will increase.", "The load will decrease.", "opposite"),
    ],
)
def test_what_is_said_differently_is_named(sentence: str, quote: str, kind: str) -> None:
    if sentence.startswith("Berlin"):
        sentence = f"The city of {sentence}"
    assert kind in {clash.partition(":")[0] for clash in clashes(sentence, quote)}


def test_words_that_only_stand_by_the_quote_count_half() -> None:
    assert judge("Green boxes hum", "boxes hum", "green")[0] == pytest.approx(2.5 / 3, abs=0.001)


def test_claims_without_their_passage_are_held_against_the_quote_alone() -> None:
    made = grounded("Restoring takes about 40 minutes [1].", [passage()], lambda id: TEXT)
    (claim,) = claims_of(made.text, made.citations, [])
    assert claim.verdict == "supported"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(["[1]", " ", "\n", "- ", "| a |", "```\n", "# ", "Two. ", "40 GB", "\n\n", "|---|"]),
            st.text(max_size=10),
        ),
        max_size=20,
    )
)  # fmt: skip
def test_sentences_never_overlap_and_lie_in_the_text(parts: list[str]) -> None:
    made = grounded("".join(parts), [passage()], lambda id: TEXT)
    ends = 0
    for claim in made.claims:
        assert ends <= claim.start < claim.end <= len(made.text)
        ends = claim.end
    for citation in made.citations:
        assert f"[{citation.n}]" in made.text
