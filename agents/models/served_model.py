"""LangChain's chat model for servers as they are, rather than as the protocol has them.

Counts usage where the server takes the question for it; keeps a sign of thoughts that are sent
apart; recognises tool calls that were written as text; asks a model without a chat template through
``/completions``, with a plain transcript. What a server turned out not to take is remembered in its
``Facts``. Imports LangChain: import it where it is used.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import openai
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI
from pydantic import ConfigDict, Field

from agents.models.model_facts import Facts
from agents.models.text_calls import TextCalls
from corpus.errors import ModelUnavailable

__all__ = ["ServedModel"]

_SPEAKERS = {"human": "User", "ai": "Assistant", "system": "Instructions", "tool": "Tool"}
_NEXT = "\n\nUser:"  # a model that goes on to write the other side has finished its own


class ServedModel(ChatOpenAI):
    """``facts``: what is known of the model, shared by all that ask it."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    facts: Facts = Field(exclude=True)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        names = [tool["function"]["name"] for tool in kwargs.get("tools") or ()]
        calls, called = TextCalls(names), False
        async for chunk in self._asked(messages, stop, kwargs):
            message = chunk.message
            called = called or bool(getattr(message, "tool_call_chunks", ()))
            if message.content and not called:
                message.content = calls.feed(str(message.content))
            yield await _told(chunk, run_manager)
        text, found = calls.finish()
        if text or (found and not called):
            chunks = [
                tool_call_chunk(name=n, args=a, id=f"text_{i}", index=i)
                for i, (n, a) in enumerate(found)
            ]
            last = AIMessageChunk(content=text, tool_call_chunks=chunks)
            yield await _told(ChatGenerationChunk(message=last), run_manager)

    async def _asked(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> AsyncIterator[ChatGenerationChunk]:
        """The reply; asked again without what the server says it does not take."""
        for _ in range(3):
            reply = (
                self._chat(messages, stop, kwargs)
                if self.facts.has_template
                else self._plain(messages, kwargs)
            )
            try:
                async for chunk in reply:
                    yield chunk
                return
            except openai.BadRequestError as exc:
                if not self._does_without(str(exc).lower()):
                    raise

    def _does_without(self, said: str) -> bool:
        """Whether something that the server has just refused can be left out from now on."""
        if self.facts.takes_usage and ("stream_options" in said or "include_usage" in said):
            self.facts.takes_usage = False
            return True
        if self.facts.has_template and "chat template" in said:
            self.facts.has_template = False
            return True
        return False

    def _chat(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> AsyncIterator[ChatGenerationChunk]:
        return super()._astream(messages, stop, stream_usage=self.facts.takes_usage, **kwargs)

    async def _plain(
        self, messages: list[BaseMessage], kwargs: dict[str, Any]
    ) -> AsyncIterator[ChatGenerationChunk]:
        if kwargs.get("tools"):
            raise ModelUnavailable(
                f"{self.model_name!r} has no chat template, so it cannot call tools, which the agent"
                " needs; serve an instruction-tuned model, or ask in answer mode"
            )
        options = {"stream_options": {"include_usage": True}} if self.facts.takes_usage else {}
        pieces = await self.root_async_client.completions.create(
            model=self.model_name,
            prompt=_transcript(messages),
            temperature=self.temperature,
            stop=[_NEXT],
            stream=True,
            extra_body=self.extra_body,
            **options,
        )
        async with pieces:
            async for piece in pieces:
                yield self._generated(piece.model_dump())

    def _generated(self, piece: dict[str, Any]) -> ChatGenerationChunk:
        """A completion's piece, as a chat's."""
        choices = piece.get("choices") or ()
        as_chat = [
            {
                "delta": {"role": "assistant", "content": c["text"]},
                "finish_reason": c.get("finish_reason"),
            }
            for c in choices
        ]
        chunk = {**piece, "choices": as_chat}
        made = self._convert_chunk_to_generation_chunk(chunk, AIMessageChunk, None)
        return made or ChatGenerationChunk(message=AIMessageChunk(content=""))

    def _convert_chunk_to_generation_chunk(
        self,
        chunk: dict[str, Any],
        default_chunk_class: type,
        base_generation_info: dict[str, Any] | None,
    ) -> ChatGenerationChunk | None:
        """LangChain's, and whether the piece is a thought sent apart, which LangChain drops."""
        made = super()._convert_chunk_to_generation_chunk(
            chunk, default_chunk_class, base_generation_info
        )
        choices: Sequence[Any] = chunk.get("choices") or ()
        delta = (choices[0].get("delta") or {}) if choices else {}
        if made is not None and (delta.get("reasoning_content") or delta.get("reasoning")):
            made.message.additional_kwargs["thinks"] = True
        return made


async def _told(chunk: ChatGenerationChunk, run_manager: Any) -> ChatGenerationChunk:
    """The chunk, once those who watch the run have it."""
    if run_manager is not None:
        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
    return chunk


def _transcript(messages: Sequence[BaseMessage]) -> str:
    """A conversation as text, up to where the assistant speaks."""
    said = [f"{_SPEAKERS.get(m.type, 'User')}: {m.text}" for m in messages]
    return "\n\n".join([*said, "Assistant:"])
