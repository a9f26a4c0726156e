"""Which stage is held to have lost a piece of gold, given what was observed of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from corpus.records import Chunk, Document, Hit, Span, State
from eval.causes.diagnosis import Held, Ranks, diagnose, pieces
from eval.gold.records import Lost, Topic
from eval.results.records import Loss, Stage

BOOK = Document("d", "book.md", "", "text/plain", "", "default", 0, State.INDEXED)
GOLD = Span(100, 120)


def chunk(id: str, *spans: Span, window: Span | None = None) -> Chunk:
    return Chunk(id, "d", spans, "", window=window)


def hit(found: Chunk, rank: int, duplicates: tuple[Hit, ...] = ()) -> Hit:
    return Hit(found, BOOK, 1.0, rank, duplicates=duplicates)


WITH = chunk("with", Span(90, 130))
WITHOUT = chunk("without", Span(0, 90))


@dataclass
class Told:
    """A look that says what a test tells it, and counts the rankings it was asked for."""

    chunks: Sequence[Chunk] = (WITHOUT, WITH)
    why: str = ""
    out: Mapping[str, str] = field(default_factory=dict)
    found: Ranks = field(default_factory=lambda: Ranks({}, 100))
    asked: int = 0

    def held(self, document: str) -> Held:
        return Held(self.chunks, self.why) if document == BOOK.source else Held((), "not there")

    def excluded(self, chunk: Chunk) -> str:
        return self.out.get(chunk.id, "")

    def ranks(self, query: str) -> Ranks:
        self.asked += 1
        return self.found


def topic(
    *gold: Span, lost: tuple[Lost, ...] = (), grades: Mapping[str, int] | None = None
) -> Topic:
    places = tuple((BOOK.source, span) for span in gold)
    return Topic("q17", "why?", gold=places, lost=lost, grades=grades or {})


def loss(look: Told, hits: Sequence[Hit] = (), k: int = 5) -> Loss:
    (only,) = diagnose(topic(GOLD), hits, k, look)
    return only


def test_what_the_first_hits_hold_is_not_lost_and_nothing_is_looked_up() -> None:
    look = Told()
    assert diagnose(topic(GOLD), [hit(WITHOUT, 1), hit(WITH, 2)], 2, look) == ()
    assert look.asked == 0
    assert loss(look, [hit(WITHOUT, 1), hit(WITH, 2)], k=1).stage is Stage.NOT_RETRIEVED


def test_half_of_a_span_in_one_hit_is_found_and_two_hits_with_less_each_are_not() -> None:
    half = chunk("half", Span(110, 200))
    assert diagnose(topic(GOLD), [hit(half, 1)], 5, Told()) == ()
    pieces_of_it = [chunk("a", Span(90, 109)), chunk("b", Span(111, 140))]
    found = loss(Told(pieces_of_it), [hit(pieces_of_it[0], 1), hit(pieces_of_it[1], 2)])
    assert found.stage is Stage.SPLIT
    assert found.detail == (
        "it is spread over 2 chunks; the one with the most, at 90 to 109, holds 45% of it"
    )


def test_a_chunk_with_a_window_stands_for_what_is_shown_of_it() -> None:
    narrow = chunk("n", Span(100, 104), window=Span(60, 140))
    assert diagnose(topic(GOLD), [hit(narrow, 1)], 5, Told([narrow])) == ()


def test_gold_that_no_document_holds_was_not_parsed() -> None:
    lost = topic(GOLD, lost=(Lost("scan.pdf", "one\nlong  quote", "the text is not there"),))
    first, second = diagnose(lost, (), 5, Told())
    assert first == Loss(
        "scan.pdf", 0, 0, Stage.NOT_PARSED, "the text is not there: 'one long quote'"
    )
    assert (second.document, second.start, second.end) == ("book.md", 100, 120)


def test_a_document_without_chunks_was_not_parsed_for_the_reason_it_gives() -> None:
    found = loss(Told((), "it is encrypted"))
    assert (found.stage, found.detail) == (Stage.NOT_PARSED, "it is encrypted")


def test_a_span_that_no_chunk_touches_was_not_parsed() -> None:
    found = loss(Told([WITHOUT]))
    assert found.stage is Stage.NOT_PARSED
    assert found.detail == "none of the document's 1 chunks has a character of it"


def test_what_the_search_was_not_of_was_filtered_whatever_its_ranks_would_have_been() -> None:
    ranks = Ranks({"dense": {"with": 1}}, 100)
    found = loss(Told(out={"with": "it is in another collection"}, found=ranks))
    assert (found.stage, found.detail) == (Stage.FILTERED, "it is in another collection")


def test_one_searched_chunk_of_several_that_hold_the_gold_is_enough_not_to_be_filtered() -> None:
    other = chunk("other", Span(95, 150))
    look = Told([WITH, other], out={"with": "on page 2"}, found=Ranks({"dense": {"with": 1}}, 100))
    found = loss(look)
    assert found.stage is Stage.NOT_RETRIEVED  # the chunk on page 2 does not count
    assert found.detail == "dense not among the first 100"


def test_gold_beyond_the_first_of_every_index_was_not_retrieved() -> None:
    found = loss(Told(found=Ranks({"dense": {"with": 43}, "lexical": {}}, 100)))
    assert found.stage is Stage.NOT_RETRIEVED
    assert found.detail == "dense rank 43, lexical not among the first 100"


def test_gold_that_one_index_had_and_the_joined_ranking_has_not_was_lost_in_fusion() -> None:
    ranks = Ranks({"dense": {"with": 80}, "lexical": {"with": 3}}, 100)
    hits = [
        hit(WITHOUT, 1),
        *(hit(chunk(f"{n}", Span(0, 9)), n) for n in range(2, 7)),
        hit(WITH, 7),
    ]
    found = loss(Told(found=ranks), hits)
    assert found.stage is Stage.FUSION
    assert found.detail == "dense rank 80, lexical rank 3; joined rank 7"


def test_gold_that_the_joined_ranking_had_was_lost_by_what_comes_after_it() -> None:
    ranks = Ranks({"dense": {"with": 9}}, 100, {"without": 1, "with": 2}, "reranking")
    found = loss(Told(found=ranks), [hit(WITHOUT, 1)], k=5)
    assert found.stage is Stage.RERANK
    assert found.detail == "rank 2 before reranking; rank after it not among the first 1"


def test_a_hit_that_was_taken_for_a_repetition_is_named() -> None:
    ranks = Ranks({"dense": {"with": 2}}, 100, {"without": 1, "with": 2}, "collapsing")
    found = loss(Told(found=ranks), [hit(WITHOUT, 1, duplicates=(hit(WITH, 2),))])
    assert found.stage is Stage.RERANK
    assert found.detail == "rank 2 before collapsing; shown as a repetition of 'book.md'"


def test_whole_documents_are_gold_where_no_span_is() -> None:
    judged = topic(grades={"book.md": 2, "gone.md": 1, "irrelevant.md": 0})
    assert [piece.document for piece in pieces(judged)] == ["book.md", "gone.md"]
    (gone,) = diagnose(judged, [hit(WITHOUT, 1)], 5, Told())
    assert gone == Loss("gone.md", 0, 0, Stage.NOT_PARSED, "not there")
    found, _ = diagnose(judged, [], 5, Told(found=Ranks({"dense": {"without": 6}}, 100)))
    assert (found.stage, found.detail) == (Stage.NOT_RETRIEVED, "dense rank 6")


def test_the_rankings_of_a_question_are_made_once_for_all_its_gold() -> None:
    look = Told()
    assert len(diagnose(topic(GOLD, Span(101, 119)), (), 5, look)) == 2
    assert look.asked == 1
