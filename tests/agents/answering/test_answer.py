"""From a question to a checked answer, or to an end that says why there is none."""

import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

import pytest

from agents.answering.abstain import WEIGHTS, answerability
from agents.answering.answer import Answerer
from agents.answering.calibration import Calibration, Figures
from agents.answering.extractive import ExtractiveEngine
from agents.answering.passages import gather
from agents.models.openai_engine import OpenAIEngine
from agents.prompts import REFUSAL
from agents.records.answers import Answer, Message, Usage, Written
from agents.records.steps import Answered, Cancelled, Failed, Retrieved, Step, Token
from agents.settings import AnswerSettings, LLMSettings
from corpus.errors import ModelUnavailable, NotFound, UserError
from corpus.records import Hit, Passage, SearchResult, Span
from tests.agents.shelf import Shelf
from tests.fakes import FakeLLMServer, HashEncoder

EASY = AnswerSettings(threshold=0.0, threshold_model=0.0)
PATIENT = LLMSettings(first_token_s=30, gap_s=30, total_s=60)


class Scripted:
    """An engine that plays pieces; an error among them is raised."""

    name, model, url, label = "openai", "scripted", "", ""

    def __init__(
        self,
        *pieces: str | Exception,
        condensed: str | Exception = "",
        phrasings: Sequence[str] | Exception = (),
        cut: Sequence[int] = (),
        characters: int | None = None,
    ) -> None:
        self.cut, self.characters = cut, characters
        self.pieces, self.condensed, self.phrasings = pieces, condensed, phrasings
        self.asked: list[str] = []
        self.closed = False

    def stream(
        self,
        question: str,
        passages: Sequence[Passage],
        history: Sequence[Message] = (),
        stop: threading.Event | None = None,
    ) -> Generator[str, None, Written]:
        self.asked.append(question)
        try:
            for piece in self.pieces:
                if stop is not None and stop.is_set():
                    break
                if isinstance(piece, Exception):
                    raise piece
                yield piece
            shown = [p.number for p in passages if p.number not in self.cut]
            return Written(Usage(100, 20), tuple(shown), self.characters)
        finally:
            self.closed = True

    def condense(
        self,
        question: str,
        history: Sequence[Message],
        stop: threading.Event | None = None,
    ) -> str:
        if isinstance(self.condensed, Exception):
            raise self.condensed
        return self.condensed

    def rephrase(
        self, question: str, count: int, stop: threading.Event | None = None
    ) -> Sequence[str]:
        if isinstance(self.phrasings, Exception):
            raise self.phrasings
        return self.phrasings[:count]


def answerer(
    engine: object, settings: AnswerSettings = EASY, shelf: Shelf | None = None
) -> Answerer:
    shelf = shelf or Shelf()
    return Answerer(shelf, shelf, HashEncoder(), engine, settings)  # type: ignore[arg-type]


def extractive(settings: AnswerSettings = EASY) -> Answerer:
    shelf = Shelf()
    return answerer(ExtractiveEngine(HashEncoder(), shelf, settings), settings, shelf)


@pytest.fixture
def llm() -> Iterator[FakeLLMServer]:
    with FakeLLMServer() as server:
        yield server


def kinds(steps: Sequence[Step]) -> list[str]:
    return [step.kind for step in steps]


def test_without_a_model_the_answer_is_quoted_and_cited() -> None:
    answer = extractive().answer("How long are backups kept?")
    assert "thirty days. [1]" in answer.text
    assert (answer.engine, answer.model, answer.abstained) == ("extractive", "hash", False)
    (citation,) = answer.citations
    shelf = Shelf()
    stored = shelf.text(citation.document)[citation.span.start : citation.span.end]
    assert stored == citation.quote
    assert citation.quote.endswith("They are kept for thirty days.")
    assert citation.support == 1.0
    assert set(answer.timings_ms) == {"search", "weigh", "first_token", "total"}


def test_the_passages_come_before_the_first_word() -> None:
    steps = list(extractive().steps("How long are backups kept?"))
    assert kinds(steps)[0] == "retrieved"
    assert kinds(steps)[-1] == "answered"
    assert set(kinds(steps)[1:-1]) == {"token"}
    retrieved = steps[0]
    assert isinstance(retrieved, Retrieved)
    assert [p.number for p in retrieved.passages] == list(range(1, len(retrieved.passages) + 1))
    shelf = Shelf()
    for passage in retrieved.passages:
        span = passage.span
        assert shelf.text(passage.document.id)[span.start : span.end] == passage.text


def test_a_models_answer_is_checked_and_its_dangling_citations_go() -> None:
    engine = Scripted("They are kept for thirty days [1]", "[9]. The moon is made of cheese [8].")
    answer = answerer(engine).answer("How long are backups kept?")
    assert answer.text == "They are kept for thirty days [1]. The moon is made of cheese."
    assert [c.n for c in answer.citations] == [1]
    assert "thirty days" in answer.citations[0].quote


def test_a_passage_that_the_model_was_not_shown_cannot_be_cited() -> None:
    said = "They are kept for thirty days [1]."
    answer = answerer(Scripted(said)).answer("How long are backups kept?")
    assert [c.n for c in answer.citations] == [1]
    answer = answerer(Scripted(said, cut=[1])).answer("How long are backups kept?")
    assert answer.citations == ()
    assert answer.usage == Usage(100, 20)


def test_an_answer_tells_what_its_engine_was_shown_but_does_not_store_it() -> None:
    question, said = "How long are backups kept?", "They are kept for thirty days [1]."
    answer = answerer(Scripted(said, cut=[2])).answer(question)
    found = next(s for s in answerer(Scripted(said)).steps(question) if isinstance(s, Retrieved))
    numbers = [passage.number for passage in found.passages]
    assert [passage.number for passage in answer.shown] == [n for n in numbers if n != 2]
    assert "shown" not in answer.to_json()
    assert Answer.from_json(answer.to_json()) == answer
    (beginning, *_) = answerer(Scripted(said, characters=9)).answer(question).shown
    assert beginning.text == found.passages[0].text[:9]
    assert answerer(Scripted(REFUSAL)).answer(question).shown == found.passages
    never = AnswerSettings(threshold_model=0.99)
    assert answerer(Scripted(said), never).answer(question).shown == ()


def test_what_the_documents_do_not_answer_is_refused_with_what_was_nearest() -> None:
    engine = Scripted("never asked")
    settings = AnswerSettings(threshold_model=0.99)
    steps = list(answerer(engine, settings).steps("How long are backups kept?"))
    assert kinds(steps) == ["retrieved", "answered"]
    (last,) = steps[1:]
    assert isinstance(last, Answered)
    assert last.answer.abstained
    assert last.answer.text.startswith(REFUSAL)
    assert "Backups" in last.answer.text
    assert (last.answer.citations, engine.asked) == ((), [])
    assert 0 < len(last.answer.nearest) <= 3


def test_a_question_with_nothing_found_is_refused() -> None:
    answer = extractive().answer("xylophone")
    assert answer.abstained
    assert answer.nearest == ()


def test_a_model_that_says_it_is_not_in_the_documents_has_abstained() -> None:
    answer = answerer(Scripted(REFUSAL)).answer("How long are backups kept?")
    assert answer.abstained
    assert answer.nearest
    assert answer.citations == ()


@pytest.mark.parametrize(
    ("question", "message"),
    [("", "empty"), (" \n", "empty"), ("x" * 100_000, "100000 characters")],
)
def test_a_bad_question_is_refused_in_one_sentence_before_any_step(
    question: str, message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        extractive().steps(question)
    assert len(str(caught.value)) < 200


def test_only_the_collection_that_is_asked_for_is_searched() -> None:
    assert "4711" in extractive().answer("What is the vault code?").text
    other = extractive().answer("What is the vault code?", collection="work")
    assert "4711" not in other.text


def test_a_failing_model_leaves_the_passages_and_the_partial_text() -> None:
    engine = Scripted("They are", " kept", ModelUnavailable("the server is down"))
    steps = list(answerer(engine).steps("How long are backups kept?"))
    assert kinds(steps) == ["retrieved", "token", "token", "failed"]
    assert steps[-1] == Failed("ModelUnavailable", "the server is down", "They are kept")
    with pytest.raises(ModelUnavailable, match="down"):
        answerer(engine).answer("How long are backups kept?")


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ({"end": "cut"}, "ModelBroke"),
        ({"end": "reset"}, "ModelBroke"),
        ({"end": "hang"}, "ModelTimeout"),
        ({"status": 503, "body": "{}"}, "ModelUnavailable"),
    ],
    ids=["cut", "reset", "slow", "unavailable"],
)
def test_a_servers_fault_ends_in_a_clear_message_with_the_passages_shown(
    llm: FakeLLMServer, script: dict[str, object], error: str
) -> None:
    llm.say("They are", **script)
    llm.say("They are", **script)
    settings = PATIENT.model_copy(update={"gap_s": 0.3})
    engine = OpenAIEngine(settings, llm.url, llm.model)
    steps = list(answerer(engine).steps("How long are backups kept?"))
    assert isinstance(steps[0], Retrieved)
    assert steps[0].passages
    last = steps[-1]
    assert isinstance(last, Failed)
    assert (last.error, last.partial) == (error, "" if "status" in script else "They are")
    assert llm.url in last.message


def test_a_server_streams_through_to_a_cited_answer(llm: FakeLLMServer) -> None:
    llm.say("<think>which one?</think>", "They are kept for", " thirty days [1].")
    engine = OpenAIEngine(PATIENT, llm.url, llm.model)
    steps = list(answerer(engine).steps("How long are backups kept?"))
    assert steps[1:3] == [Token("They are kept for"), Token(" thirty days [1].")]
    last = steps[-1]
    assert isinstance(last, Answered)
    assert last.answer.text == "They are kept for thirty days [1]."
    assert "thirty days" in last.answer.citations[0].quote


def test_stopping_keeps_the_partial_text() -> None:
    stop = threading.Event()
    engine = Scripted("They ", "are ", "kept")
    steps = answerer(engine).steps("How long are backups kept?", stop=stop)
    got = [next(steps), next(steps)]
    stop.set()
    got += list(steps)
    assert kinds(got) == ["retrieved", "token", "cancelled"]
    assert got[-1] == Cancelled("They ")


def test_a_refusal_behind_a_copied_mark_is_one() -> None:
    answer = answerer(Scripted("bc|", REFUSAL)).answer("How long are backups kept?")
    assert answer.abstained


def test_a_passage_of_which_the_model_saw_the_beginning_is_quoted_from_that() -> None:
    said = "Backups run every night at two [1]."
    (whole,) = answerer(Scripted(said)).answer("How long are backups kept?").citations
    assert whole.quote == "Backups run every night at two."
    seen = len("Backups run every")
    (cut,) = (
        answerer(Scripted(said, characters=seen)).answer("How long are backups kept?").citations
    )
    assert cut.quote == "Backups run every"
    assert cut.span.end == whole.span.start + seen


def test_closing_the_steps_closes_the_engines_stream() -> None:
    engine = Scripted("They ", "are ", "kept")
    steps = answerer(engine).steps("How long are backups kept?")
    next(steps), next(steps)
    steps.close()
    assert engine.closed


def test_a_follow_up_is_searched_for_as_the_model_condenses_it() -> None:
    engine = Scripted("At noon [1].", condensed="When does the canteen open?")
    history = [Message("user", "Tell me of the canteen."), Message("assistant", "It has soup.")]
    steps = list(answerer(engine).steps("And when does it open?", history))
    assert isinstance(steps[0], Retrieved)
    assert steps[0].passages[0].document.title == "Lunch"
    assert engine.asked == ["And when does it open?"]  # the model sees the history besides


@pytest.mark.parametrize(
    "condensed", [ModelUnavailable("the server is down"), "They are kept for thirty days.", " \n"]
)
def test_a_follow_up_is_put_into_its_context_by_rules_when_the_model_fails_to(
    condensed: str | Exception,
) -> None:
    engine = Scripted("At noon [1].", condensed=condensed)
    steps = list(answerer(engine).steps("Why?", [Message("user", "When does the canteen open?")]))
    assert isinstance(steps[0], Retrieved)
    assert steps[0].passages[0].document.title == "Lunch"
    assert isinstance(steps[-1], Answered)


def test_a_question_too_long_for_its_context_is_searched_for_as_it_was_typed() -> None:
    short = EASY.model_copy(update={"question_characters": 30})
    engine = Scripted("At noon [1].", condensed="Tell me when the canteen opens on Fridays?")
    steps = list(answerer(engine, short).steps("And the canteen?", [Message("user", "Backups?")]))
    assert isinstance(steps[0], Retrieved)
    assert steps[0].passages[0].document.title == "Lunch"


def test_a_model_that_does_not_answer_is_told_of_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = Scripted("Thirty days [1].", condensed=ModelUnavailable("the server is down"))
    answer = answerer(engine).answer("How long are backups kept?", [Message("user", "Hello")])
    assert answer.text == "Thirty days [1]."
    assert "the server is down" in caplog.text


def test_a_question_is_searched_for_in_the_model_s_words_too_if_that_is_set() -> None:
    engine = Scripted("At noon [1].", phrasings=["When does the canteen open?"])
    asked = "Hunger"
    plain = list(answerer(engine).steps(asked))
    assert isinstance(plain[0], Retrieved)
    assert plain[0].passages == ()
    several = EASY.model_copy(update={"phrasings": 2})
    steps = list(answerer(engine, several).steps(asked))
    assert isinstance(steps[0], Retrieved)
    assert steps[0].passages[0].document.title == "Lunch"


def test_a_question_is_searched_for_alone_when_rephrasing_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = Scripted("Thirty days [1].", phrasings=ModelUnavailable("the server is down"))
    several = EASY.model_copy(update={"phrasings": 2})
    answer = answerer(engine, several).answer("How long are backups kept?")
    assert answer.text == "Thirty days [1]."
    assert "the server is down" in caplog.text


def test_without_a_model_there_are_no_other_phrasings() -> None:
    several = EASY.model_copy(update={"phrasings": 3})
    assert extractive().answer("How long are backups kept?").text == (
        extractive(several).answer("How long are backups kept?").text
    )


def test_a_follow_up_without_a_model_leans_on_the_question_before() -> None:
    history = [Message("user", "When do backups run?"), Message("assistant", "At two.")]
    answer = extractive().answer("How long are they kept?", history)
    assert "thirty days" in answer.text


def test_neighbouring_chunks_become_one_passage_and_far_ones_stay_apart() -> None:
    shelf = Shelf()
    hits = shelf.search("backups run night kept days restoring operator canteen", 20).hits
    passages = gather(hits, shelf.text, 6)
    by_document = [p.document.id for p in passages]
    assert by_document.count(shelf.backups.id) == 1  # all four sentences stand together
    assert passages[by_document.index(shelf.backups.id)].text.count(".") == 4
    assert len(gather(hits, shelf.text, 1)) == 1


def test_pieces_of_one_chunk_that_stand_apart_are_not_joined_over_the_gap() -> None:
    shelf = Shelf()
    hit = shelf.search("backups", 1).hits[0]
    spans = (Span(0, 10), Span(40, 50))
    hit = replace(hit, chunk=replace(hit.chunk, spans=spans))
    assert [p.span for p in gather([hit], shelf.text, 6)] == list(spans)


def test_a_document_removed_while_it_was_searched_is_left_out() -> None:
    shelf = Shelf()
    result: SearchResult = shelf.search("backups canteen", 20)
    gone = shelf.backups.id

    def read(id: str) -> str:
        if id == gone:
            raise NotFound("gone")
        return shelf.text(id)

    hits: Sequence[Hit] = result.hits
    passages = gather(hits, read, 6)
    assert {p.document.id for p in passages} == {shelf.lunch.id}
    assert passages[0].number == 1


def calibration(threshold: float, bias: float = 0.0) -> Calibration:
    """One under which every question has the score that ``bias`` gives, on a flat curve."""
    weights = {**dict.fromkeys(WEIGHTS, 0.0), "bias": bias}
    curve = ((0.0, 1.0, 0.0), (0.2, 0.99, 0.5), (0.6, 0.9, 0.9))
    nothing = Figures(0.9, 0.9, 0.9)
    return Calibration(threshold, 0.9, curve, nothing, nothing, 20, 20, "hash", "now", weights)


def calibrated(engine: object, **of: Calibration) -> Answerer:
    shelf = Shelf()
    settings = AnswerSettings(threshold=0.0, threshold_model=0.0)
    made = engine or ExtractiveEngine(HashEncoder(), shelf, settings)
    return Answerer(shelf, shelf, HashEncoder(), made, settings, of.get)  # type: ignore[arg-type]


def test_a_collections_calibration_decides_for_what_is_found_in_it() -> None:
    strict = calibrated(None, work=calibration(0.6))
    refused = strict.answer("How long are backups kept?")
    assert (refused.abstained, refused.score) == (True, 0.5)
    assert strict.answer("What is the vault code?").abstained is False  # from another collection
    lenient = calibrated(None, work=calibration(0.4)).answer("How long are backups kept?")
    assert (lenient.abstained, lenient.score) == (False, 0.5)


def test_a_model_is_kept_from_what_next_to_no_answerable_question_is_like() -> None:
    said = "They are kept for thirty days [1]."
    likely = calibrated(Scripted(said), work=calibration(0.6))
    assert likely.answer("How long are backups kept?").abstained is False
    unlikely = calibrated(Scripted(said), work=calibration(0.6, bias=-3.0))
    assert unlikely.answer("How long are backups kept?").abstained is True


def test_an_answer_tells_the_score_it_was_decided_on_and_keeps_it_as_json() -> None:
    answer = extractive().answer("How long are backups kept?")
    assert answer.score is not None
    assert 0 < answer.score < 1
    assert Answer.from_json(answer.to_json()) == answer


def test_what_a_calibration_is_fitted_to_is_what_an_answer_is_decided_on() -> None:
    made = extractive()
    answer = made.answer("How long are backups kept?")
    assert answerability(made.measure("How long are backups kept?")) == answer.score
    with pytest.raises(UserError):
        made.measure(" ")
