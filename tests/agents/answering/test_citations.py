"""A citation that comes out of the check is true."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.answering.citations import check
from corpus.errors import NotFound
from corpus.records import Document, Passage, Span, State

TEXT = (
    "Paris is the capital of France. It has 2.1 million inhabitants. "
    "Berlin is the capital of Germany. It has 3.6 million inhabitants. "
    "The river of Berlin is the Spree, which is not a river of Paris."
)


def document(id: str = "d1") -> Document:
    return Document(id, f"/{id}.txt", "0", "text/plain", id, "c", 0, State.INDEXED)


def passage(number: int, start: int = 0, end: int = len(TEXT), id: str = "d1") -> Passage:
    return Passage(number, document(id), Span(start, end), TEXT[start:end], 4)


def read(id: str) -> str:
    if id == "gone":
        raise NotFound("gone")
    return "another text" if id == "changed" else TEXT


def test_the_quote_is_the_sentence_that_supports_the_claim() -> None:
    clean, (citation,) = check("Germany's capital is Berlin [1].", [passage(1)], read)
    assert clean == "Germany's capital is Berlin [1]."
    assert citation.quote == "Berlin is the capital of Germany."
    assert TEXT[citation.span.start : citation.span.end] == citation.quote
    assert (citation.n, citation.page, citation.source) == (1, 4, "/d1.txt")
    assert citation.support > 0.9


def test_a_claim_that_the_passage_does_not_make_has_little_support() -> None:
    _, (citation,) = check("Rome has good coffee [1].", [passage(1)], read)
    assert citation.support < 0.2


def test_a_claim_from_two_sentences_quotes_both() -> None:
    claim = "Paris, the capital of France, has 2.1 million inhabitants [1]."
    _, (citation,) = check(claim, [passage(1)], read)
    assert citation.quote == TEXT[:63]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Paris [7].", "Paris."),
        ("Paris [1][7].", "Paris [1]."),
        ("Paris [1, 7].", "Paris [1]."),
        ("Paris [1,2].", "Paris [1][2]."),
        ("Paris [1-2].", "Paris [1][2]."),
        ("Paris.[^1]", "Paris. [1]"),
        ("Paris 【1】.", "Paris [1]."),
        ("Paris ［２］.", "Paris [2]."),
        ("Paris [Passage 2].", "Paris [2]."),
        ("Paris [0] and [12] more.", "Paris and more."),
        ("Paris [9]\n\n- Berlin [1]\n", "Paris\n\n- Berlin [1]"),
        ("See [1](http://example.org).", "See [1](http://example.org)."),
        ("Take `a[7]` or\n```\nb[8]\n```", "Take `a[7]` or\n```\nb[8]\n```"),
    ],
)
def test_dangling_numbers_go_and_the_others_are_written_alike(text: str, clean: str) -> None:
    passages = [passage(1, 0, 63), passage(2, 64)]
    assert check(text, passages, read)[0] == clean


@pytest.mark.parametrize("id", ["gone", "changed"])
def test_a_passage_whose_stored_text_is_another_is_not_cited(id: str) -> None:
    assert check("Paris [1].", [passage(1, id=id)], read) == ("Paris.", ())


def test_two_close_claims_on_one_passage_share_a_citation() -> None:
    text = "Paris is the capital of France [1]. It has 2.1 million inhabitants [1]."
    _, citations = check(text, [passage(1)], read)
    assert [c.quote for c in citations] == [TEXT[:63]]


def test_claims_far_apart_in_one_passage_have_a_citation_each() -> None:
    filler = "Nothing much happens here for a while. " * 10
    text = f"The first ship sank. {filler}The second ship arrived."
    far = Passage(1, document(), Span(0, len(text)), text, None)
    answer = "The first ship sank [1]. The second ship arrived [1]."
    _, citations = check(answer, [far], lambda id: text)
    assert [c.quote for c in citations] == ["The first ship sank.", "The second ship arrived."]


def test_vectors_find_support_that_words_do_not() -> None:
    def similar(claim: str, texts: list[str]) -> list[float]:
        return [1.0 if "Spree" in text else 0.0 for text in texts]

    _, (citation,) = check("Water flows through it [1].", [passage(1)], read, similar=similar)
    assert "Spree" in citation.quote


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                ["[1]", "[2]", "[3]", "[1, 2]", "[^2]", "【1】", "`", "```", ". ", "\n"]
            ),
            st.text(max_size=8),
        ),
        max_size=12,
    )
)
def test_whatever_a_model_writes_every_citation_is_stored_text(parts: list[str]) -> None:
    passages = [passage(1, 0, 63), passage(2, 64)]
    clean, citations = check("".join(parts), passages, read)
    for citation in citations:
        assert citation.quote == TEXT[citation.span.start : citation.span.end] != ""
        assert f"[{citation.n}]" in clean
        assert 0 <= citation.support <= 1


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Paris [0][999].", "Paris."),
        ("Paris 【1†source】.", "Paris [1]."),
        ("Paris 【7†L3-L5】.", "Paris."),
        ("Paris [1][1][1].", "Paris [1]."),
        ("Paris [1][2][1].", "Paris [1][2]."),
        ("Paris [١] and Berlin [２].", "Paris [1] and Berlin [2]."),
        ("Paris [Source 2], [doc 9].", "Paris [2],."),
        ("Paris [1, p. 4].", "Paris [1]."),
        ("Paris [passages 1 and 2].", "Paris [1][2]."),
        ("Paris [^1].\n\n[^1]: The atlas, page 3\n", "Paris [1]."),
        ("Paris [1].\n\nSources:\n[1] The atlas\n[2] Another", "Paris [1]."),
        ("Paris [1].\n\n**Sources:** [1], [2]", "Paris [1]."),
        ("Paris [1].\n\n## References\n\n- [1] The atlas\n- [9] None", "Paris [1]."),
        ("Paris [1].\n\n[1]: http://evil.test/a", "Paris [1]."),
        ("```\n[1]: x[9]\n```", "```\n[1]: x[9]\n```"),
        ("In [2024] and x[1000].", "In [2024] and x[1000]."),
    ],
)
def test_marks_of_every_habit_become_numbers_or_go(text: str, clean: str) -> None:
    passages = [passage(1, 0, 63), passage(2, 64)]
    assert check(text, passages, read)[0] == clean
