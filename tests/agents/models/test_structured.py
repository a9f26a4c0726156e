"""Replies that are data: the first value that fits, one repair, then a typed error."""

from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from agents.models.openai_engine import OpenAIEngine
from agents.models.structured import Misfit, first_fit
from agents.settings import LLMSettings
from corpus.errors import ModelBroke, ModelUnavailable
from tests.fakes import FakeLLMServer
from tests.real_servers import RealServer

PATIENT = LLMSettings(first_token_s=30, gap_s=30, total_s=60)
ASK = [("user", "How many?")]


class Count(BaseModel):
    n: int


@pytest.fixture
def llm() -> Iterator[FakeLLMServer]:
    with FakeLLMServer() as server:
        yield server


def test_the_schema_is_asked_for_in_the_way_that_servers_take(llm: FakeLLMServer) -> None:
    llm.say('{"n":', " 3}")
    assert OpenAIEngine(PATIENT, llm.url, llm.model).structured(ASK, Count) == Count(n=3)
    asked = llm.chats[0]["response_format"]
    assert asked["type"] == "json_schema"
    assert asked["json_schema"]["schema"]["required"] == ["n"]
    assert "guided_json" not in llm.chats[0]


@pytest.mark.parametrize(
    "text",
    [
        '{"n": 3}{"n": 4}',
        'Sure! ```json\n{"n": 3}\n```',
        '[1, 2] {"m": 1} {"n": 3}',
        '<think>{"n": 9}</think>{"n": 3}',
    ],
)
def test_of_several_values_the_first_that_fits_counts(text: str) -> None:
    assert first_fit(text, Count).n == 3


def test_what_does_not_fit_says_why() -> None:
    with pytest.raises(Misfit, match="n: Input should be a valid integer"):
        first_fit('{"n": "many"}', Count)
    with pytest.raises(Misfit, match="no complete JSON value"):
        first_fit('{"n": ', Count)


def test_one_repair_is_asked_for_with_the_fault(llm: FakeLLMServer) -> None:
    llm.say('{"n": "many"}')
    llm.say('{"n": 2}')
    assert OpenAIEngine(PATIENT, llm.url, llm.model).structured(ASK, Count).n == 2
    assert "valid integer" in llm.chats[1]["messages"][-1]["content"]


def test_a_second_misfit_is_a_broken_reply(llm: FakeLLMServer) -> None:
    llm.say("no")
    llm.say("never")
    with pytest.raises(ModelBroke, match=r"'fake-model'.*form that was asked for"):
        OpenAIEngine(PATIENT, llm.url, llm.model).structured(ASK, Count)
    assert len(llm.chats) == 2


def test_a_server_that_takes_no_schema_is_told_it_in_words() -> None:
    with RealServer("llamacpp", schema=False) as server:
        engine = OpenAIEngine(PATIENT, server.url, server.model)
        server.say('{"n": 1}')
        server.say('{"n": 2}')
        assert [engine.structured(ASK, Count).n for _ in range(2)] == [1, 2]
        assert ["response_format" in chat for chat in server.chats] == [True, False, False]
        assert '"required": ["n"]' in server.chats[1]["messages"][0]["content"]


def test_another_refusal_stays_what_it_is(llm: FakeLLMServer) -> None:
    llm.fail(401)
    with pytest.raises(ModelUnavailable, match=r"llm\.api_key"):
        OpenAIEngine(PATIENT, llm.url, llm.model).structured(ASK, Count)
