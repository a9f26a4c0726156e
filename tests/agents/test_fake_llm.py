"""The scripted language model server does what its script says, over real HTTP."""

import json

import httpx
import pytest

from tests.fakes import FakeLLMServer


def events(response: httpx.Response) -> list[str]:
    return [line[6:] for line in response.iter_lines() if line.startswith("data: ")]


def chat(llm: FakeLLMServer, **body: object) -> httpx.Response:
    asked = {"model": "fake-model", "messages": [], **body}
    return httpx.post(f"{llm.url}/chat/completions", json=asked, timeout=5)


def test_text_streams_in_its_pieces_and_the_request_is_kept() -> None:
    with FakeLLMServer() as llm:
        llm.say("Par", "is.")
        got = events(chat(llm, stream=True))
        assert llm.chats[0]["stream"] is True
    assert got[-1] == "[DONE]"
    pieces = [json.loads(e)["choices"][0]["delta"].get("content") for e in got[:-1]]
    assert pieces == ["", "Par", "is.", None]


def test_a_tool_call_comes_whole_without_streaming() -> None:
    with FakeLLMServer() as llm:
        llm.call("search_corpus", {"query": "x"})
        choice = chat(llm).json()["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"query": "x"}'


def test_another_model_is_404_and_an_empty_script_is_500() -> None:
    with FakeLLMServer() as llm:
        assert chat(llm, model="other").status_code == 404
        assert chat(llm).status_code == 500
        assert httpx.get(f"{llm.url}/models").json()["data"][0]["id"] == "fake-model"


@pytest.mark.parametrize("end", ["cut", "reset"])
def test_a_broken_stream_is_an_error_for_the_client(end: str) -> None:
    with FakeLLMServer() as llm:
        llm.say("Par", end=end)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            chat(llm, stream=True)
