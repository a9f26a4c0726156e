"""What starting a server of language models takes: records, and their form in a Compose file."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["QUIET", "Launch", "Serve", "tool_parser"]

QUIET = {"DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
"""Keeps engines that read models as Hugging Face's libraries do from asking a hub, and from telling."""

_TOOL_PARSERS = {  # how each family writes calls of tools, in vLLM's words
    "deepseek_v3": "deepseek_v3",
    "glm4_moe": "glm45",
    "gpt_oss": "openai",
    "llama": "llama3_json",
    "mistral": "mistral",
    "mixtral": "mistral",
    "qwen2": "hermes",
    "qwen3": "hermes",
    "qwen3_moe": "hermes",
}


@dataclass(frozen=True, slots=True)
class Serve:
    """What is served where: the model's folder or name, and the address."""

    model: str
    host: str = "127.0.0.1"
    port: int = 8000


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start one server.

    Args:
        engine: its name.
        command: program and arguments.
        environment: what is set for it.
        files: to be written first, by name; a relative name in ``command`` is meant beside it.
        notes: what a person should know, in sentences.
    """

    engine: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def shell(self) -> str:
        """The command line for a shell, with its environment."""
        given = [f"{key}={shlex.quote(value)}" for key, value in self.environment.items()]
        return " ".join([*given, shlex.join(self.command)])

    def json(self) -> dict[str, Any]:
        """As ``alcove plan --json`` prints it."""
        return {
            "command": list(self.command),
            "environment": dict(self.environment),
            "files": dict(self.files),
            "notes": list(self.notes),
        }


def tool_parser(family: str) -> str | None:
    """vLLM's parser for the tool calls of models of a family; ``None`` where none is known."""
    return _TOOL_PARSERS.get(family)
