"""Settings of answering: which language model, its deadlines, and what an answer is made from.

Frozen; unknown keys are refused. Reads no file and no environment at import.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

__all__ = ["AnswerSettings", "LLMSettings"]


class LLMSettings(BaseModel):
    """The language model behind an OpenAI-compatible server, and how long to wait for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: str = Field(
        "auto",
        description="auto (a language model if configured or found), openai or extractive.",
    )
    url: str = Field("", description="Base URL that ends in /v1; empty: look on this machine.")
    model: str = Field("", description="Name the server gives the model; empty: its first one.")
    api_key: SecretStr = Field(SecretStr(""), description="Sent as a bearer token; empty: none.")
    discover: bool = Field(
        True, description="Whether to look for a server on the usual local ports."
    )
    discover_timeout_s: float = Field(
        0.4, gt=0, description="Seconds the look-around may take in all."
    )
    connect_s: float = Field(3.0, gt=0, description="Seconds until the server must have accepted.")
    first_token_s: float = Field(120.0, gt=0, description="Seconds until the first piece of text.")
    gap_s: float = Field(30.0, gt=0, description="Seconds between two pieces of text.")
    total_s: float = Field(600.0, gt=0, description="Seconds for one whole reply.")
    temperature: float = Field(0.1, ge=0, le=2, description="Sampling temperature.")
    max_tokens: int = Field(1024, gt=0, description="Longest reply, in the model's tokens.")
    passage_characters: int = Field(
        12_000, gt=0, description="Characters of passages put in front of the model, best first."
    )
    history_messages: int = Field(
        6, ge=0, description="Earlier messages put in front of the model."
    )
    history_characters: int = Field(
        4_000, ge=0, description="Characters of earlier messages, newest first."
    )


class AnswerSettings(BaseModel):
    """What an answer is made from, and when the documents count as not answering."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hits: int = Field(20, gt=0, description="Chunks searched for; one question's candidates.")
    passages: int = Field(
        6, gt=0, description="Passages shown to the engine after neighbours are merged."
    )
    mode: str = Field("hybrid", description="dense, lexical or hybrid.")
    question_characters: int = Field(20_000, gt=0, description="Longest question accepted.")
    threshold: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Answerability score (0..1) below which the answer is a refusal.",
    )
    sentences: int = Field(3, gt=0, description="Most sentences the extractive engine quotes.")
    candidates: int = Field(60, gt=0, description="Most sentences the extractive engine compares.")
    nearest: int = Field(3, ge=0, description="Passages that a refusal names as nearest.")
