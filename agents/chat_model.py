"""One client for every OpenAI-compatible server (vLLM, TensorRT-LLM, NIM, Ollama, llama.cpp).

Makes LangChain's ``ChatOpenAI`` so that nothing in the environment redirects or reports what is
sent, and maps whatever it raises to ours, once. Knows nothing of prompts or passages.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agents.settings import LLMSettings
from corpus.errors import ModelBroke, ModelError, ModelTimeout, ModelUnavailable

if TYPE_CHECKING:
    from langchain_openai import ChatOpenAI

__all__ = [
    "import_client",
    "is_loopback",
    "make_chat_model",
    "may_pass",
    "model_error",
    "transport",
]

# What parsing a reply that is not in the OpenAI shape raises, somewhere inside the client.
_NONSENSE = (ValueError, TypeError, KeyError, IndexError, AttributeError)
_PASSING = {408, 429, 500, 502, 503, 504}  # HTTP statuses of a server that may be back in a moment


def import_client() -> None:
    """Imports the client's library, which takes a second or more the first time."""
    import langchain_openai  # noqa: F401


def is_loopback(url: str) -> bool:
    """Whether ``url`` names this machine."""
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def make_chat_model(
    settings: LLMSettings, url: str, model: str, http_async_client: Any = None, **options: Any
) -> ChatOpenAI:
    """The LangChain model for ``model`` at ``url``, with our deadlines and no retries of its own.

    Args:
        settings: deadlines, temperature, key and length.
        url: base URL that ends in ``/v1``.
        model: the name the server gives it.
        http_async_client: the transport of ``transport()``, whose owner closes it; without one,
            LangChain's own is used.
        options: further fields of ``ChatOpenAI``.
    """
    from langchain_openai import ChatOpenAI

    # An explicit URL and key win over OPENAI_* and LANGSMITH_GATEWAY_* variables. The length goes
    # in the body under the name that every server knows: ChatOpenAI would rename it.
    return ChatOpenAI(
        base_url=url,
        api_key=settings.api_key.get_secret_value() or "none",  # type: ignore[arg-type]
        model=model,
        temperature=settings.temperature,
        extra_body={"max_tokens": options.pop("max_tokens", settings.max_tokens)},
        timeout=_timeout(settings),
        max_retries=0,
        stream_usage=False,
        stream_chunk_timeout=None,
        use_responses_api=False,
        http_client=_unused_client(),
        http_async_client=http_async_client,
        **options,
    )


def transport(settings: LLMSettings, url: str) -> Any:
    """An asynchronous HTTP client for one stream; a proxy is never asked for this machine."""
    from langchain_openai._compat import httpx  # the version of httpx that the client is built on

    return httpx.AsyncClient(
        timeout=_timeout(settings), trust_env=not is_loopback(url), verify=_certificates()
    )


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
    import openai
    from langchain_openai._compat import httpx

    if isinstance(exc, ModelError):
        return exc
    if isinstance(exc, TimeoutError | openai.APITimeoutError | httpx.TimeoutException):
        return ModelTimeout(
            f"the language model server at {url!r} did not answer in time; check that it is not "
            "overloaded, or raise the deadlines under llm in the settings"
        )
    if isinstance(exc, openai.APIStatusError):
        return _status_error(exc, url, model)
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
    if status == 400 and "context" in str(exc):
        advice = "the prompt is longer than the model's window; lower llm.passage_characters"
    return ModelUnavailable(
        f"the language model server at {url!r} answered with status {status}; {advice}"
    )
