"""A prompt is fitted to the window of the model that reads it, whatever server it is behind."""

from collections.abc import Iterator

import pytest

from agents.models.fitting import fit, fit_history, fit_passages, reply_tokens
from agents.models.model_facts import DEFAULT_WINDOW, Facts, estimate, window_in
from agents.models.openai_engine import OpenAIEngine
from agents.records.answers import Message, Usage, Written
from agents.settings import LLMSettings
from corpus.errors import ModelUnavailable
from corpus.records import Document, Passage, Span, State
from tests.fakes import FakeLLMServer
from tests.real_servers import Kind, RealServer, tokens

DOCUMENT = Document("d1", "/a.md", "0", "text/markdown", "A", "c", 0, State.INDEXED)
PATIENT = LLMSettings(
    first_token_s=30, gap_s=30, total_s=60, max_tokens=300, passage_characters=10**6
)
KINDS: tuple[Kind, ...] = ("vllm", "tensorrt", "ollama", "llamacpp")


def passage(number: int, text: str) -> Passage:
    return Passage(number, DOCUMENT, Span(0, len(text)), text, None)


def words(count: int, word: str = "word") -> str:
    return " ".join([word] * count)


def drained(
    engine: OpenAIEngine, passages: list[Passage], *history: Message
) -> tuple[str, Written]:
    pieces, text = engine.stream("What is it?", passages, history), ""
    while True:
        try:
            text += next(pieces)
        except StopIteration as end:
            return text, end.value


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[RealServer]:
    with RealServer(request.param, window=2000) as server:
        yield server


def test_passages_are_kept_whole_and_best_first_and_history_goes_first() -> None:
    passages = [passage(n, "abcd" * 10) for n in (1, 2, 3)]
    history = [Message("user", "a" * 40), Message("assistant", "b" * 40)]
    fitted = fit(passages, history, 130, len)
    assert fitted.passages == tuple(passages[:2])
    assert fitted.history == ()
    fitted = fit(passages, history, 250, len)
    assert fitted.passages == tuple(passages)
    assert fitted.history == tuple(history[1:])
    assert not fitted.whole(passages, history)
    assert fit(passages, history, 1000, len).whole(passages, history)


def test_only_a_first_passage_that_is_too_long_by_itself_is_cut() -> None:
    fitted = fit([passage(1, "a" * 1000), passage(2, "b")], [], 100, len)
    (only,) = fitted.passages
    assert 0 < len(only.text) < 100
    assert only.span == Span(0, 1000)


def test_a_reply_never_takes_more_than_half_of_the_window() -> None:
    assert reply_tokens(8192, 1024) == 1024
    assert reply_tokens(1000, 1024) == 500


def test_what_fits_is_sent_and_what_does_not_is_named_as_not_shown(server: RealServer) -> None:
    engine = OpenAIEngine(PATIENT, server.url, server.model)
    passages = [passage(n, words(500)) for n in range(1, 30)]
    server.say("ok [1].")
    server.say("ok [1].")
    text, written = drained(engine, passages, Message("user", words(300, "before")))
    assert text == "ok [1]."
    assert written.shown == tuple(range(1, len(written.shown) + 1))
    assert 1 <= len(written.shown) < 29
    sent = " ".join(m["content"] for m in server.chats[-1]["messages"])
    assert tokens(sent) + server.chats[-1]["max_tokens"] <= 2000
    assert f"passage {len(written.shown)} " in sent
    assert "before" not in sent


@pytest.mark.parametrize("kind", ["vllm", "llamacpp", "ollama"])
def test_the_window_is_what_the_server_says(kind: Kind) -> None:
    with RealServer(kind, window=3333) as server:
        assert Facts(server.url).window(server.model) == 3333
        server.loaded = True
        assert Facts(server.url, context_tokens=1000).window(server.model) == 1000


def test_a_server_that_does_not_say_is_taken_by_the_setting_else_by_the_default() -> None:
    with RealServer("tensorrt") as server:
        assert Facts(server.url).window("tiny") == DEFAULT_WINDOW
        assert Facts(server.url, context_tokens=5000).window("tiny") == 5000
    assert Facts(server.url).window("tiny") == DEFAULT_WINDOW  # nobody there


def test_a_server_that_was_down_is_asked_again() -> None:
    with FakeLLMServer() as gone:
        port = gone.port
    facts = Facts(gone.url, again_s=0)
    assert facts.window("tiny") == DEFAULT_WINDOW
    with RealServer("vllm", window=3333, port=port):
        assert facts.window("tiny") == 3333


def test_ollama_is_asked_again_until_it_has_loaded_the_model() -> None:
    with RealServer("ollama", window=3333) as server:
        facts = Facts(server.url)
        assert facts.window("tiny") == 3333
        server.loaded, server.window = True, 16_000
        assert facts.window("tiny") == 16_000


def test_tokens_are_counted_by_the_server_where_it_can() -> None:
    text = words(100, "antidisestablishmentarianism")
    for kind in ("vllm", "llamacpp"):
        with RealServer(kind) as server:
            facts = Facts(server.url)
            facts.window("tiny")
            assert facts.count(text, "tiny", exactly=True) == 100
            assert facts.count(text, "tiny") >= estimate(text)
        assert facts.count(text, "tiny", exactly=True) > 100  # gone: estimated again


def test_estimates_are_corrected_by_what_earlier_prompts_cost() -> None:
    facts, text = Facts("http://127.0.0.1:9/v1"), words(100)
    before = facts.count(text, "m")
    for _ in range(20):
        facts.learn(facts.count(text, "m"), before // 2)
    assert before // 2 <= facts.count(text, "m") < 0.6 * before
    facts.learn(facts.count(text, "m"), before * 2)
    assert facts.count(text, "m") >= before * 2


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            "This model's maximum context length is 2048 tokens. However, your prompt contains at"
            " least 2049 input tokens, which exceeds this limit",
            (2048, 2049),
        ),
        (
            "This model's maximum context length is 8192 tokens. However, you requested 8203 tokens"
            " (7691 in the messages, 512 in the completion). Please reduce the length",
            (8192, 7691),
        ),
        ("request (9000 tokens) exceeds the available context size (4096 tokens)", (4096, 9000)),
        ("the request exceeds the available context size. try increasing", (0, 0)),
        (
            "The sum of prompt length (9351.0), query length (0) should not exceed max_num_tokens (8192)",
            (8192, 9351),
        ),
        (
            "The input (500 tokens) is longer than the model's context length (400 tokens).",
            (400, 500),
        ),
        ("you must provide a chat template", None),
        ("context is everything", None),
    ],
)
def test_an_error_about_the_window_is_read(message: str, said: tuple[int, int] | None) -> None:
    assert window_in(message) == said


def test_a_prompt_that_is_too_long_after_all_is_fitted_once_more_and_sent_again() -> None:
    with RealServer("vllm", window=1000) as server:
        server.states_window = False
        engine = OpenAIEngine(PATIENT, server.url, server.model)
        passages = [passage(n, words(100)) for n in range(1, 30)]
        server.say("ok [1].")
        text, written = drained(engine, passages)
        assert (text, len(server.chats)) == ("ok [1].", 2)
        assert 1 <= len(written.shown) < 10
        server.say("ok [1].")
        drained(engine, passages)
        assert len(server.chats) == 3  # the window is known from now on


def test_a_window_too_small_for_anything_is_an_error_that_says_what_to_do() -> None:
    with RealServer("vllm", window=60) as server:
        engine = OpenAIEngine(PATIENT, server.url, server.model)
        with pytest.raises(ModelUnavailable, match=r"llm\.passage_characters") as caught:
            drained(engine, [passage(1, words(100))])
        assert type(caught.value) is ModelUnavailable
        assert len(server.chats) == 2


def test_the_usage_is_what_the_server_counted() -> None:
    with FakeLLMServer() as server:
        server.say("ok")
        _, written = drained(OpenAIEngine(PATIENT, server.url, server.model), [passage(1, "a")])
        assert written == Written(Usage(7, 3), (1,))


def test_passages_and_history_are_fitted_best_and_newest_first() -> None:
    passages = [passage(1, "a" * 60), passage(2, "b" * 60), passage(3, "c" * 10)]
    assert [p.number for p in fit_passages(passages, 100)] == [1]
    assert [p.number for p in fit_passages(passages, 130)] == [1, 2, 3]
    assert len(fit_passages(passages, 20)[0].text) == 20
    history = [Message("user", "a" * 9), Message("assistant", "b" * 9), Message("user", "c" * 9)]
    assert fit_history(history, 2, 100) == tuple(history[1:])
    assert fit_history(history, 3, 10) == tuple(history[2:])
    assert fit_history(history, 0, 100) == ()
