"""Servers as they are: what one does not take is left out, and what it loses is found."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.models.discover import find_server
from agents.models.openai_engine import OpenAIEngine
from agents.records.steps import Answered, Step, Token, ToolCall
from agents.settings import AgentSettings, LLMSettings
from agents.text.thoughts import ThoughtFilter, without_thoughts
from agents.tools import Desk
from corpus.errors import ModelBroke, ModelTimeout, ModelUnavailable
from corpus.records import Document, Passage, Span, State
from tests.agents.shelf import Shelf
from tests.fakes import FakeLLMServer
from tests.real_servers import Kind, RealServer

PATIENT = LLMSettings(first_token_s=30, gap_s=30, total_s=60, connect_s=5)
PASSAGE = Passage(
    1, Document("d", "/a", "0", "text/plain", "A", "c", 0, State.INDEXED), Span(0, 1), "a", None
)
ASK = "How long are backups kept?"


@pytest.fixture
def llm() -> Iterator[FakeLLMServer]:
    with FakeLLMServer() as server:
        yield server


def said(engine: OpenAIEngine) -> str:
    return "".join(engine.stream("What is it?", [PASSAGE]))


def turn(llm: FakeLLMServer, tmp_path: Path) -> list[Step]:
    """The steps of one turn of the agent."""
    from agents.acting.loop import Agent

    shelf = Shelf()
    engine = OpenAIEngine(PATIENT, llm.url, llm.model)
    agent = Agent(engine, tmp_path / "chats.sqlite", AgentSettings())
    return list(agent.steps(ASK, "t", Desk(shelf, shelf)))


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("vllm", "vLLM"),
        ("tensorrt", "TensorRT-LLM"),
        ("ollama", "Ollama"),
        ("llamacpp", "llama.cpp"),
    ],
)
def test_each_server_is_found_and_named(kind: Kind, label: str) -> None:
    with RealServer(kind) as server:
        found = find_server([server.url], timeout=5)
    assert found is not None
    assert (found.model, found.label) == ("tiny", f"{label} at {server.url}")


def test_usage_is_not_asked_for_again_where_it_was_refused() -> None:
    with RealServer("ollama", usage=False) as server:
        engine = OpenAIEngine(PATIENT, server.url, server.model)
        server.say("one")
        server.say("two")
        assert (said(engine), said(engine)) == ("one", "two")
        assert ["stream_options" in chat for chat in server.chats] == [True, False, False]


def test_a_model_without_a_chat_template_is_sent_a_transcript_from_then_on() -> None:
    with RealServer("vllm", template=False) as server:
        engine = OpenAIEngine(PATIENT, server.url, server.model)
        server.say("Par", "is")
        server.say("Rome")
        assert (said(engine), said(engine)) == ("Paris", "Rome")
        assert len(server.chats) == 1
        plain = [r.json for r in server.requests if r.path == "/v1/completions"]
        assert len(plain) == 2
        assert plain[0]["prompt"].startswith("Instructions: ")
        assert plain[0]["prompt"].endswith("Question: What is it?\n\nAssistant:")
        assert plain[0]["max_tokens"] == PATIENT.max_tokens


def test_a_model_without_a_chat_template_is_no_agent(tmp_path: Path) -> None:
    refused = pytest.raises(ModelUnavailable, match="no chat template, so it cannot call tools")
    with RealServer("vllm", template=False) as server, refused:
        turn(server, tmp_path)


def test_thoughts_that_are_sent_apart_are_not_shown_and_keep_the_line_open() -> None:
    with FakeLLMServer() as server:
        engine = OpenAIEngine(
            PATIENT.model_copy(update={"first_token_s": 0.5}), server.url, "fake-model"
        )
        server.think("hm ", "let me see ", "so ", "it ", "is ", pieces=("Paris",), gap=0.15)
        assert said(engine) == "Paris"
        server.say("late", first_delay=5)
        with pytest.raises(ModelTimeout, match=r"first word within 0\.5"):
            said(engine)


def test_leaked_channels_of_gpt_oss_are_not_shown() -> None:
    text = (
        "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Paris"
    )
    for size in (1, 7, 200):
        thoughts = ThoughtFilter()
        shown = "".join(thoughts.feed(text[i : i + size]) for i in range(0, len(text), size))
        assert shown + thoughts.rest() == "Paris"
    assert without_thoughts(text) == "Paris"


def test_a_call_written_as_text_is_carried_out_and_not_shown(
    llm: FakeLLMServer, tmp_path: Path
) -> None:
    llm.say(
        '<tool_call>\n{"name": "search_corpus", ',
        '"arguments": {"query": "backups"}}\n</tool_call>',
    )
    llm.say("They are kept for thirty days [1].")
    steps = turn(llm, tmp_path)
    (call,) = [s for s in steps if isinstance(s, ToolCall)]
    assert (call.name, call.arguments) == ("search_corpus", {"query": "backups"})
    assert "tool_call" not in "".join(s.text for s in steps if isinstance(s, Token))
    last = steps[-1]
    assert isinstance(last, Answered)
    assert last.answer.text == "They are kept for thirty days [1]."


def test_a_call_that_arrives_empty_is_asked_for_once_more(
    llm: FakeLLMServer, tmp_path: Path
) -> None:
    llm.say(reason="tool_calls")
    llm.call("search_corpus", {"query": "backups"})
    llm.say("Thirty days [1].")
    steps = turn(llm, tmp_path)
    assert isinstance(steps[-1], Answered)
    assert "arrived empty" in llm.chats[1]["messages"][-1]["content"]
    assert "tool_choice" not in llm.chats[1]


def test_a_call_that_arrives_empty_twice_is_a_broken_reply(
    llm: FakeLLMServer, tmp_path: Path
) -> None:
    llm.say(reason="tool_calls")
    llm.say(reason="tool_calls")
    with pytest.raises(ModelBroke, match="no text"):
        turn(llm, tmp_path)
    assert len(llm.chats) == 2
