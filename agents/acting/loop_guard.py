"""What stands between LangChain's agent and the world: every call of the model and of a tool passes here.

Before the model is asked, what it is shown is fitted to its window; once a budget has ended it gets no tools and is
told to answer. Errors of its server become ours. Calls of tools go to ``agents.acting.executor``, and to nothing
else; what a person must be asked first interrupts the graph. Knows nothing of documents.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from agents.acting.budgets import SPENT, Budget
from agents.acting.executor import Executor
from agents.acting.reader import call_id, usage_of
from agents.models.chat_model import model_error
from agents.records.answers import Usage
from agents.records.steps import ApprovalAsked, LimitReached
from agents.text.inert import inert_values
from agents.tools import Tool
from corpus.errors import ModelBroke, ModelError, ModelUnavailable

__all__ = ["Fit", "Watch", "guard"]

Fit = Callable[[Sequence[Any]], list[Any]]
"""Makes messages fit into the model's window."""

_EMPTY = "Your tool call arrived empty. Call the tool again, or answer."
_DEEPEST = 50  # of arguments in arguments
_TOKEN_CHARACTERS = 4  # of a token, where the server does not count


class Watch:
    """What the guard tells its run: the budget that ended, once the model was told so."""

    def __init__(self) -> None:
        self.limit: LimitReached | None = None


def guard(
    budget: Budget,
    executor: Executor,
    tools: Mapping[str, Tool],
    fit: Fit,
    where: tuple[str, str],
) -> tuple[Any, Watch]:
    """Middleware for one turn, and what it tells.

    Args:
        budget: what the turn may cost.
        executor: carries calls out.
        tools: those there are, by name.
        fit: see ``Fit``.
        where: the server's URL and its model's name, for errors.
    """
    from langchain.agents.middleware import AgentMiddleware
    from langchain.agents.middleware.types import ModelRequest
    from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
    from langgraph.types import interrupt

    watch = Watch()

    class Guard(AgentMiddleware):
        async def awrap_model_call(
            self,
            request: ModelRequest[Any],
            handler: Callable[[ModelRequest[Any]], Awaitable[Any]],
        ) -> Any:
            budget.usage = _usage(request.messages)
            request = request.override(messages=fit(request.messages))
            if budget.ended is None:
                return await _reply(request, handler, where)
            watch.limit = watch.limit or budget.ended
            said = request.system_message.text if request.system_message else ""
            last = SystemMessage(f"{said}\n{SPENT}")
            request = request.override(tools=[], system_message=last)
            response = await _reply(request, handler, where)
            if _calls(response) and not _text(response):  # once more, in the plainest words
                messages = [*request.messages, HumanMessage(SPENT)]
                response = await _reply(request.override(messages=messages), handler, where)
            if _calls(response):
                response.result = [_without_calls(m, where) for m in response.result]
            return response

        async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
            call = request.tool_call
            tool = tools.get(call["name"])
            if tool is None:
                return await handler(request)  # LangChain says which tools there are
            id = call_id(_round(request.state["messages"]), call["id"])
            used = await asyncio.to_thread(executor.use, tool, call["args"], id)
            if isinstance(used, ApprovalAsked):
                interrupt(used.to_json())  # ends this task; resumed, it knows more
                raise AssertionError("a run went on that nobody had decided about")
            status = "success" if used.ok else "error"
            return ToolMessage(used.text, name=tool.name, tool_call_id=call["id"], status=status)

    return Guard(), watch


async def _reply(
    request: Any, handler: Callable[[Any], Awaitable[Any]], where: tuple[str, str]
) -> Any:
    """The model's reply, whole; raises ``ModelError``."""
    from langchain_core.messages import HumanMessage

    url, model = where
    try:
        response = await handler(request)
        if any(_promised(message) for message in response.result):
            # Some parsers lose the call that they announce; often it comes out of the next try.
            messages = [*request.messages, HumanMessage(_EMPTY)]
            response = await handler(request.override(messages=messages, tool_choice=None))
    except Exception as exc:
        error = _agent_error(exc, url, model)
        if error is None:
            raise
        raise error from exc
    response.result = [_whole(message, url, model) for message in response.result]
    return response


def _promised(message: Any) -> bool:
    """Whether a message says that it calls a tool, and holds neither a call nor a word."""
    said = message.response_metadata.get("finish_reason") == "tool_calls"
    return said and not (message.tool_calls or message.invalid_tool_calls or message.text.strip())


def _turn(messages: Sequence[Any]) -> list[Any]:
    """The messages since the person's last one."""
    last = max((at for at, m in enumerate(messages) if m.type == "human"), default=-1)
    return list(messages[last + 1 :])


def _round(messages: Sequence[Any]) -> int:
    """How many replies of the model there were in this turn."""
    return sum(message.type == "ai" for message in _turn(messages))


def _usage(messages: Sequence[Any]) -> Usage:
    """The tokens of this turn so far; estimated where the server does not count them."""
    total, read = Usage(), 0
    turn = len(messages) - len(_turn(messages))
    for at, message in enumerate(messages):
        written = len(message.text)
        if message.type == "ai" and at >= turn:
            estimate = Usage(read // _TOKEN_CHARACTERS, written // _TOKEN_CHARACTERS)
            total += usage_of(message) or estimate
        read += written
    return total


def _calls(response: Any) -> bool:
    return any(message.tool_calls for message in response.result)


def _text(response: Any) -> str:
    return "".join(message.text for message in response.result).strip()


def _without_calls(message: Any, where: tuple[str, str]) -> Any:
    url, model = where
    if not message.text.strip():
        raise ModelBroke(
            f"{model!r} at {url!r} went on calling tools when it had to answer; ask something"
            " narrower, or raise the budgets under agent in the settings"
        )
    return message.model_copy(update={"tool_calls": []})


def _agent_error(exc: Exception, url: str, model: str) -> ModelError | None:
    """Our error; a server that refuses because of the tools gets a sentence of its own."""
    error = model_error(exc, url, model)
    status = getattr(exc, "status_code", None)
    if status in (400, 404, 422, 500, 501) and "tool" in str(exc).lower():
        return ModelUnavailable(
            f"{model!r} at {url!r} cannot call tools, which the agent needs; serve a model that"
            " can (vLLM: --enable-auto-tool-choice and --tool-call-parser), or ask in answer mode"
        )
    return error


def _whole(message: Any, url: str, model: str) -> Any:
    """A model's message that is complete and whose malformed tool calls reach the tool's own check.

    Characters that are not seen are taken out of its calls, so that what a person is asked to approve
    of is what is done, and out of its text.

    Raises:
        ModelBroke: the stream ended without a finish reason, or with neither text nor a call.
    """
    if not message.response_metadata.get("finish_reason"):
        raise ModelBroke(f"the answer of {model!r} at {url!r} was cut off; ask again")
    calls = [*message.tool_calls, *(_mended(call) for call in message.invalid_tool_calls)]
    if not calls and not message.text.strip():
        raise ModelBroke(f"{model!r} at {url!r} sent no text; ask again")
    said = {"content": inert_values(message.content), "tool_calls": _named(calls)}
    return message.model_copy(update={**said, "invalid_tool_calls": []})


def _named(calls: list[Any]) -> list[Any]:
    """The calls with ids of their own; some servers give none, or one to all."""
    taken: set[str] = set()
    named = []
    for number, call in enumerate(calls):
        id = call.get("id") or ""
        id = f"call{number}{id}" if id in taken or not id else id
        taken.add(id)
        said = inert_values({"name": call["name"], "args": _storable(call["args"])})
        named.append({**call, **said, "id": id})
    return named


def _storable(value: Any, depth: int = 0) -> Any:
    """Arguments as a checkpoint can hold them: a number of more than 64 bits as text, which the tool then refuses."""
    if depth > _DEEPEST:
        return "(nested too deep)"
    if isinstance(value, dict):
        return {key: _storable(part, depth + 1) for key, part in value.items()}
    if isinstance(value, list):
        return [_storable(part, depth + 1) for part in value]
    return str(value) if isinstance(value, int) and value.bit_length() > 63 else value


def _mended(call: Mapping[str, Any]) -> dict[str, Any]:
    """A call whose arguments are no JSON, as one with wrong arguments: the model is told so."""
    arguments = {"malformed": str(call.get("args"))}
    name, id_ = call.get("name") or "unknown", call.get("id") or "malformed"
    return {"name": name, "args": arguments, "id": id_, "type": "tool_call"}
