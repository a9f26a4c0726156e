"""What keeps the agent in bounds: the budget of tool calls, and the edge to the model's server.

Knows nothing of documents.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agents.chat_model import model_error
from corpus.errors import ModelBroke, ModelError, ModelUnavailable, UserError

__all__ = ["Budget", "guard"]

_SPENT = "You have used all tool calls. Answer now from what the tools have shown you."


class Budget:
    """How many tool calls are left, and which were made. Tools may run at the same time."""

    def __init__(self, calls: int) -> None:
        self._left = calls
        self._made: set[str] = set()
        self._lock = threading.Lock()

    @property
    def spent(self) -> bool:
        """Whether no call is left."""
        return self._left <= 0

    def spend(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Count one call.

        Raises:
            UserError: no call is left, or this very call was made before; said to the model.
        """
        call = f"{name} {json.dumps(arguments, sort_keys=True, default=str)}"
        with self._lock:
            if self.spent:
                raise UserError(_SPENT)
            self._left -= 1
            if call in self._made:
                raise UserError(
                    f"you called {name!r} with exactly these arguments before and have its result;"
                    " use other arguments, or answer"
                )
            self._made.add(call)


def guard(budget: Budget, url: str, model: str) -> Any:
    """Middleware around every model call: no tools once the budget is spent, errors as ours."""
    from langchain.agents.middleware import AgentMiddleware
    from langchain.agents.middleware.types import ModelRequest, ModelResponse
    from langchain_core.messages import SystemMessage

    class Guard(AgentMiddleware):
        async def awrap_model_call(
            self,
            request: ModelRequest[Any],
            handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
        ) -> ModelResponse[Any]:
            if budget.spent:
                said = request.system_message.text if request.system_message else ""
                last = SystemMessage(f"{said}\n{_SPENT}")
                request = request.override(tools=[], system_message=last)
            try:
                response = await handler(request)
            except Exception as exc:
                error = _agent_error(exc, url, model)
                if error is None:
                    raise
                raise error from exc
            response.result = [_whole(message, url, model) for message in response.result]
            return response

    return Guard()


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

    Raises:
        ModelBroke: the stream ended without a finish reason, or with neither text nor a call.
    """
    if not message.response_metadata.get("finish_reason"):
        raise ModelBroke(f"the answer of {model!r} at {url!r} was cut off; ask again")
    calls = [*message.tool_calls, *(_mended(call) for call in message.invalid_tool_calls)]
    if not calls and not message.text.strip():
        raise ModelBroke(f"{model!r} at {url!r} sent no text; ask again")
    return message.model_copy(update={"tool_calls": calls, "invalid_tool_calls": []})


def _mended(call: Mapping[str, Any]) -> dict[str, Any]:
    """A call whose arguments are no JSON, as one with wrong arguments: the model is told so."""
    arguments = {"malformed": str(call.get("args"))}
    name, id_ = call.get("name") or "unknown", call.get("id") or "malformed"
    return {"name": name, "args": arguments, "id": id_, "type": "tool_call"}
