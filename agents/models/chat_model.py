"""One client for every OpenAI-compatible server (vLLM, TensorRT-LLM, NIM, Ollama, llama.cpp).

Makes LangChain's chat model (``agents.models.served_model``) so that nothing in the environment redirects
or reports what is sent, and its transport, which minds the server's breaker; maps whatever they
raise to ours, once. Knows nothing of prompts or passages.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from agents.models.breaker import Breaker
from agents.models.discover import is_loopback
from agents.models.model_facts import Facts, window_in
from agents.settings import LLMSettings
from corpus.errors import ModelBroke, ModelError, ModelTimeout, ModelUnavailable

if TYPE_CHECKING:
    from agents.models.served_model import ServedModel

__all__ = [
    "ContextTooLong",
    "context_error",
    "import_client",
    "make_chat_model",
    "may_pass",
    "model_error",
    "transport",
]

# What parsing a reply that is not in the OpenAI shape raises, somewhere inside the client.
_NONSENSE = (ValueError, TypeError, KeyError, IndexError, AttributeError)
_PASSING = {408, 429, 500, 502, 503, 504}  # HTTP statuses of a server that may be back in a moment


class ContextTooLong(ModelUnavailable):
    """The server says that the prompt does not fit; inside the engine only, which then fits it anew.

    ``window`` and ``prompt_tokens`` are 0 where its message does not say.
    """

    def __init__(self, message: str, window: int, prompt_tokens: int) -> None:
        super().__init__(message)
        self.window, self.prompt_tokens = window, prompt_tokens


def import_client() -> None:
    """Imports the client's library, which takes a second or more the first time."""
    import agents.models.served_model  # noqa: F401


def make_chat_model(
    settings: LLMSettings,
    url: str,
    model: str,
    http_async_client: Any = None,
    facts: Facts | None = None,
    **options: Any,
) -> ServedModel:
    """The LangChain model for ``model`` at ``url``, with our deadlines and no retries of its own.

    Args:
        settings: deadlines, temperature, key and length.
        url: base URL that ends in ``/v1``.
        model: the name the server gives it.
        http_async_client: the transport of ``transport()``, whose owner closes it; without one,
            LangChain's own is used.
        facts: what is known of the model; nothing by default.
        options: ``max_tokens``, ``body`` (further fields of the request) and fields of ``ChatOpenAI``.
    """
    from agents.models.served_model import ServedModel

    # An explicit URL and key win over OPENAI_* and LANGSMITH_GATEWAY_* variables. The length goes
    # in the body under the name that every server knows: ChatOpenAI would rename it.
    length = options.pop("max_tokens", settings.max_tokens)
    return ServedModel(
        facts=facts or Facts(url),
        base_url=url,
        api_key=settings.api_key.get_secret_value() or "none",  # type: ignore[arg-type]
        model=model,
        temperature=settings.temperature,
        extra_body={"max_tokens": length, **options.pop("body", {})},
        timeout=_timeout(settings),
        max_retries=0,
        stream_usage=False,
        stream_chunk_timeout=None,
        use_responses_api=False,
        http_client=_unused_client(),
        http_async_client=http_async_client,
        **options,
    )


def transport(settings: LLMSettings, url: str, breaker: Breaker | None = None) -> Any:
    """An asynchronous HTTP client for one stream; a proxy is never asked for this machine.

    With a ``breaker`` every request is an attempt of it. A request that is cancelled before the server
    answered is then one that did not reach it if ``overdue()`` says so, an attribute which whoever
    waits sets: the client cannot tell a deadline of theirs from a person who gave up.
    """
    from langchain_openai._compat import httpx

    options: dict[str, Any] = {"trust_env": not is_loopback(url), "verify": _certificates()}
    if breaker is None:
        return httpx.AsyncClient(timeout=_timeout(settings), **options)
    made = _careful_client()(timeout=_timeout(settings), **options)
    made.breaker, made.overdue = breaker, lambda: False
    return made


@cache
def _careful_client() -> Any:
    from langchain_openai._compat import httpx  # the version of httpx that the client is built on

    class Careful(httpx.AsyncClient):  # type: ignore[misc, name-defined, unused-ignore]
        breaker: Breaker
        overdue: Callable[[], bool]

        async def send(self, request: Any, **options: Any) -> Any:
            self.breaker.enter()
            try:
                response = await super().send(request, **options)
            except (httpx.ConnectError, httpx.TimeoutException):
                self.breaker.failed()
                raise
            except asyncio.CancelledError:
                self.breaker.failed() if self.overdue() else self.breaker.left()
                raise
            except BaseException:
                self.breaker.left()
                raise
            self.breaker.reached()
            return response

    return Careful


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes 25 ms of the processor's time, which every stream would pay."""
    return ssl.create_default_context()


@cache
def _unused_client() -> Any:
    """For the synchronous half of ``ChatOpenAI``, which would make one each time."""
    from langchain_openai._compat import httpx

    return httpx.Client(verify=_certificates())


def _timeout(settings: LLMSettings) -> Any:
    from langchain_openai._compat import httpx

    return httpx.Timeout(settings.first_token_s, connect=settings.connect_s)


def model_error(exc: Exception, url: str, model: str) -> ModelError | None:
    """Our error for what the client raised; ``None`` if it is none of the client's errors."""
    if ours := next((e for e in _causes(exc) if isinstance(e, ModelError)), None):
        return ours
    return _spoken_error(exc, url, model) or _silent_error(exc, url, model)


def context_error(exc: Exception, url: str, model: str) -> ContextTooLong | None:
    """What the client raised, if it is about a prompt longer than the model's window."""
    import openai

    said = window_in(f"{exc} {exc.body or ''}") if isinstance(exc, openai.APIError) else None
    return said and ContextTooLong(
        f"the prompt is longer than the window of {model!r} at {url!r}; lower"
        " llm.passage_characters or llm.max_tokens, or serve it with a longer window",
        *said,
    )


def _spoken_error(exc: Exception, url: str, model: str) -> ModelError | None:
    """Ours for what the server itself said."""
    import openai

    if too_long := context_error(exc, url, model):
        return ModelUnavailable(str(too_long))
    if isinstance(exc, openai.APIStatusError):
        return _status_error(exc, url, model)
    return None


def _silent_error(exc: Exception, url: str, model: str) -> ModelError | None:
    """Ours for a connection that was not made, not used, or broke."""
    import openai
    from langchain_openai._compat import httpx

    if isinstance(exc, TimeoutError | openai.APITimeoutError | httpx.TimeoutException):
        return ModelTimeout(
            f"the language model server at {url!r} did not answer in time; check that it is not "
            "overloaded, or raise the deadlines under llm in the settings"
        )
    cut = any(isinstance(e, httpx.ReadError | httpx.RemoteProtocolError) for e in _causes(exc))
    if isinstance(exc, openai.APIConnectionError) and not cut:
        return ModelUnavailable(
            f"the language model server at {url!r} cannot be reached; start it, or set llm.url to "
            "where it is"
        )
    if isinstance(exc, (openai.APIError, httpx.TransportError, *_NONSENSE)):
        return ModelBroke(
            f"the reply of {model!r} at {url!r} broke off or was not understood; ask again"
        )
    return None


def may_pass(exc: Exception) -> bool:
    """Whether asking again a moment after the client raised ``exc`` can help."""
    import openai

    if any(isinstance(e, ModelError) for e in _causes(exc)):
        return False  # ours, such as the breaker's: it has said what to do
    if isinstance(exc, openai.APIStatusError):
        return exc.status_code in _PASSING
    return isinstance(exc, openai.APIConnectionError) and not isinstance(
        exc, openai.APITimeoutError
    )


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    """The exception, what it was raised from, and so on down."""
    while exc is not None:
        yield exc
        exc = exc.__cause__


def _status_error(exc: Any, url: str, model: str) -> ModelError:
    """Our error for a reply whose HTTP status says no."""
    status = exc.status_code
    advice = {
        401: "set llm.api_key to a key it accepts",
        403: "set llm.api_key to a key it accepts",
        404: f"check that llm.model {model!r} is one that it serves",
        429: "it has too many requests; wait a little and ask again",
        503: "it is starting or overloaded; wait a little and ask again",
    }.get(status, "look at its log")
    return ModelUnavailable(
        f"the language model server at {url!r} answered with status {status}; {advice}"
    )
