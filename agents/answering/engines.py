"""The registry of answer engines.

``auto`` takes the configured server, else one found on the usual local ports, else the extractive
engine, which needs none. A configured server may still be down: asking it then says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.models.discover import Server, find_server
from agents.records.protocols import Engine
from agents.settings import AnswerSettings, LLMSettings
from corpus.errors import ModelUnavailable, UserError

if TYPE_CHECKING:
    from agents.records.protocols import Texts
    from retrieval.protocols import Encoder

__all__ = ["ENGINES", "Parts", "make_engine"]


@dataclass(frozen=True, slots=True)
class Parts:
    """What engines are made from."""

    llm: LLMSettings
    answer: AnswerSettings
    encoder: Encoder
    texts: Texts


def _extractive(parts: Parts) -> Engine:
    from agents.answering.extractive import ExtractiveEngine

    return ExtractiveEngine(parts.encoder, parts.texts, parts.answer)


def _openai(parts: Parts) -> Engine:
    server = _server(parts.llm)
    if server is None:
        raise ModelUnavailable(
            "no language model server was found on this machine; start one, or set llm.url to "
            "where it is, or use the engine 'extractive'"
        )
    return _client(parts.llm, server)


def _auto(parts: Parts) -> Engine:
    server = _server(parts.llm)
    return _client(parts.llm, server) if server else _extractive(parts)


def _client(llm: LLMSettings, server: Server) -> Engine:
    from agents.models.openai_engine import OpenAIEngine

    return OpenAIEngine(llm, server.url, server.model, server.label)


def _server(llm: LLMSettings) -> Server | None:
    """The configured server, whether or not it is up yet; else one found on this machine."""
    if llm.url:
        url = llm.url.rstrip("/")
        return Server(url, llm.model, f"{llm.model or 'model'} at {url}")
    if not llm.discover:
        return None
    found = find_server(timeout=llm.discover_timeout_s, api_key=llm.api_key.get_secret_value())
    return found and Server(found.url, llm.model or found.model, found.label)


ENGINES: dict[str, Callable[[Parts], Engine]] = {
    "auto": _auto,
    "extractive": _extractive,
    "openai": _openai,
}


def make_engine(name: str, parts: Parts) -> Engine:
    """The engine called ``name``.

    Raises:
        UserError: no engine has this name.
        ModelUnavailable: it needs a language model server and none answers.
    """
    make = ENGINES.get(name)
    if make is None:
        raise UserError(f"no engine is called {name!r}; use one of: {', '.join(ENGINES)}")
    return make(parts)
