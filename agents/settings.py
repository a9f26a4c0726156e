"""All settings: those of answering, of the agent and of the service, composed with every folder's.

``Settings.load`` reads ``alcove.toml`` in the home folder, then ``ALCOVE_SECTION__NAME`` variables,
then what the command line says, each over the one before. Frozen; unknown keys are refused by name.
Reads no file and no environment at import.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from agents.outside_settings import McpSettings, WebSettings
from corpus.errors import UserError
from corpus.home import disk_errors
from corpus.settings import CorpusSettings, default_home
from ingest.settings import IngestSettings
from retrieval.settings import EmbeddingSettings, RetrievalSettings

__all__ = ["AgentSettings", "AnswerSettings", "LLMSettings", "ServiceSettings", "Settings"]


class LLMSettings(BaseModel):
    """The language model behind an OpenAI-compatible server, and how long to wait for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: str = Field(
        default="auto",
        description="auto (a language model if configured or found), openai or extractive.",
    )
    url: str = Field(
        default="", description="Base URL that ends in /v1; empty: look on this machine."
    )
    model: str = Field(
        default="", description="Name the server gives the model; empty: its first one."
    )
    api_key: SecretStr = Field(
        default=SecretStr(""), description="Sent as a bearer token; empty: none."
    )
    discover: bool = Field(
        default=True, description="Whether to look for a server on the usual local ports."
    )
    discover_timeout_s: float = Field(
        default=0.4, gt=0, description="Seconds the look-around may take in all."
    )
    connect_s: float = Field(
        default=3.0, gt=0, description="Seconds until the server must have accepted."
    )
    first_token_s: float = Field(
        default=120.0, gt=0, description="Seconds until the first piece of text."
    )
    gap_s: float = Field(default=30.0, gt=0, description="Seconds between two pieces of text.")
    condense_s: float = Field(
        default=1.5,
        gt=0,
        description="Seconds for rewriting a follow-up, which the passages wait for; then rules do it.",
    )
    total_s: float = Field(default=600.0, gt=0, description="Seconds for one whole reply.")
    breaker_failures: int = Field(
        default=4,
        gt=0,
        description="Attempts in a row that do not reach the server, after which it is left alone.",
    )
    breaker_s: float = Field(
        default=15.0,
        gt=0,
        description="Seconds for which it is left alone before the next attempt.",
    )
    context_tokens: int = Field(
        default=0,
        ge=0,
        description="The model's window in tokens; 0: what its server says, else 8192.",
    )
    temperature: float = Field(default=0.1, ge=0, le=2, description="Sampling temperature.")
    max_tokens: int = Field(default=1024, gt=0, description="Longest reply, in the model's tokens.")
    passage_characters: int = Field(
        default=12_000,
        gt=0,
        description="Characters of passages put in front of the model, best first.",
    )
    history_messages: int = Field(
        default=6, ge=0, description="Earlier messages put in front of the model."
    )
    history_characters: int = Field(
        default=4_000, ge=0, description="Characters of earlier messages, newest first."
    )


class AnswerSettings(BaseModel):
    """What an answer is made from, and when the documents count as not answering."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hits: int = Field(
        default=20, gt=0, description="Chunks searched for; one question's candidates."
    )
    passages: int = Field(
        default=6, gt=0, description="Passages shown to the engine after neighbours are merged."
    )
    mode: str = Field(default="hybrid", description="dense, lexical or hybrid.")
    phrasings: int = Field(
        default=0,
        ge=0,
        le=5,
        description="Other phrasings of a question that a language model makes and that are searched for too.",
    )
    question_characters: int = Field(default=20_000, gt=0, description="Longest question accepted.")
    threshold: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="Answerability score (0..1) below which the answer is a refusal.",
    )
    threshold_model: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="The same for a language model, which also refuses by itself.",
    )
    sentences: int = Field(
        default=3, gt=0, description="Most sentences the extractive engine quotes."
    )
    candidates: int = Field(
        default=24,
        gt=0,
        description="Most sentences whose vectors are compared, chosen by their words.",
    )
    nearest: int = Field(default=3, ge=0, description="Passages that a refusal names as nearest.")


class AgentSettings(BaseModel):
    """How far the agent may go in one turn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool_calls: int = Field(default=8, gt=0, description="Most tool calls in one turn.")
    tool_s: float = Field(default=60.0, gt=0, description="Seconds one round of tools may take.")
    total_s: float = Field(
        default=300.0,
        gt=0,
        description="Seconds one turn may take before it must answer; waiting for a person not counted.",
    )
    answer_s: float = Field(
        default=60.0,
        gt=0,
        description="Seconds more that the last answer of a turn out of time may take.",
    )
    tokens: int = Field(
        default=200_000,
        gt=0,
        description="Tokens one turn may read and write, all its steps together.",
    )
    fruitless_calls: int = Field(
        default=3, gt=0, description="Searches in a row that may bring no new passage."
    )
    result_characters: int = Field(
        default=16_000, gt=0, description="Characters of a tool's result that the model is shown."
    )
    context_characters: int = Field(
        default=60_000,
        gt=0,
        description="Characters put in front of the model at once; earlier results are left out first.",
    )
    approval_s: float = Field(
        default=86_400.0,
        gt=0,
        description="Seconds a person has to approve of a call; then it counts as rejected.",
    )


class ServiceSettings(BaseModel):
    """The HTTP service."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(
        default=8700, ge=0, le=65535, description="Port to listen on; 0: any free one."
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description="Names (without port) it may be called by, besides this machine's.",
    )
    trusted_network: bool = Field(
        default=False,
        description="Whether everyone who can reach it beyond this machine may use it without a key, as in a container"
        " whose ports are published on this machine only.",
    )
    max_json_kib: int = Field(default=1024, gt=0, description="Longest JSON request body (KiB).")
    workers: int = Field(default=4, gt=0, description="Answers written at the same time.")
    waiting: int = Field(default=32, ge=0, description="Questions that may wait for a worker.")
    searches: int = Field(
        default=0,
        ge=0,
        description="Searches worked on at the same time; 0: one per processor core, at least 2.",
    )
    searches_waiting: int = Field(
        default=32, ge=0, description="Searches, or embedding requests, that may wait."
    )
    deadline_s: float = Field(
        default=30.0, gt=0, description="Seconds a search or embedding request may wait."
    )
    stop_s: float = Field(
        default=5.0, gt=0, description="Seconds that requests under way may take once it stops."
    )


class Settings(BaseModel):
    """Everything that can be set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    corpus: CorpusSettings = Field(default_factory=CorpusSettings, description="Files on disk.")
    ingest: IngestSettings = Field(default_factory=IngestSettings, description="Reading files.")
    embedding: EmbeddingSettings = Field(
        default_factory=EmbeddingSettings, description="The encoder."
    )
    retrieval: RetrievalSettings = Field(
        default_factory=RetrievalSettings, description="Searching."
    )
    llm: LLMSettings = Field(default_factory=LLMSettings, description="The language model.")
    answer: AnswerSettings = Field(default_factory=AnswerSettings, description="Answering.")
    agent: AgentSettings = Field(default_factory=AgentSettings, description="The agent.")
    web: WebSettings = Field(default_factory=WebSettings, description="Pages of the web.")
    mcp: McpSettings = Field(default_factory=McpSettings, description="Tools of other servers.")
    service: ServiceSettings = Field(default_factory=ServiceSettings, description="HTTP.")

    @classmethod
    def load(
        cls,
        home: Path | None = None,
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Settings:
        """The settings of one home.

        Args:
            home: its folder; ``None``: ``ALCOVE_HOME``, else the platform's folder for user data.
            overrides: sections with what the command line says, e.g. ``{"llm": {"url": …}}``.
            environment: the variables; ``None``: this process's.

        Raises:
            UserError: the file is no TOML, or a key or a value is wrong; the message names it.
            OperatorError: the file cannot be read.
        """
        variables = os.environ if environment is None else environment
        root = home or Path(variables.get("ALCOVE_HOME") or default_home())
        layers = (_from_file(root / "alcove.toml"), _from_variables(variables), overrides or {})
        merged: dict[str, Any] = {}
        for layer in layers:
            for section, values in layer.items():
                _section(section, values)
                merged[section] = {**merged.get(section, {}), **values}
        merged["corpus"] = {**merged.get("corpus", {}), "home": root.expanduser().absolute()}
        try:
            return cls.model_validate(merged)
        except ValidationError as exc:
            raise UserError(_first_fault(exc)) from exc


def _from_file(path: Path) -> dict[str, Any]:
    with disk_errors(path):
        if not path.exists():
            return {}
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
            raise UserError(f"{str(path)!r} is not a TOML file ({exc}); correct it") from exc


def _from_variables(variables: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """``ALCOVE_LLM__URL=…`` as ``{"llm": {"url": …}}``; names without ``__`` belong to others."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in variables.items():
        section, separator, key = name.removeprefix("ALCOVE_").lower().partition("__")
        if name.startswith("ALCOVE_") and separator:
            found.setdefault(section, {})[key] = _value(name, value)
    return found


def _value(name: str, text: str) -> Any:
    """Lists are written as JSON; everything else is left for the section's own types."""
    if not text.startswith("["):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as exc:
        raise UserError(f"the variable {name!r} is not a JSON list ({exc}); correct it") from exc


def _section(name: str, values: Any) -> None:
    if name not in Settings.model_fields:
        allowed = ", ".join(sorted(Settings.model_fields))
        raise UserError(f"there is no section {name!r} in the settings; there are {allowed}")
    if not isinstance(values, Mapping):
        raise UserError(f"{name!r} is a section of the settings; write [{name}] and a key in it")
    if name == "corpus" and "home" in values:
        raise UserError("'corpus.home' cannot be set here; use --home or ALCOVE_HOME")


def _first_fault(error: ValidationError) -> str:
    fault = error.errors()[0]
    name = ".".join(str(part) for part in fault["loc"])
    if fault["type"] != "extra_forbidden":
        return f"the setting {name!r} is wrong: {fault['msg']}"
    section = str(fault["loc"][0])
    model = Settings.model_fields[section].annotation
    known = ", ".join(sorted(model.model_fields)) if isinstance(model, type) else ""
    return f"there is no setting {name!r}; {section} has {known}"
