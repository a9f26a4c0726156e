"""Settings of what the agent may reach outside the documents: pages of the web, and other servers' tools.

Both are off until they are set up. Reading a page needs a person's approval every time, and so does another server's
tool, unless its labels say that it only reads and stays on this machine. Imports no backend.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.records.labels import Label

__all__ = ["McpSettings", "ServerSettings", "WebSettings"]

_ANYTHING = (Label.WRITES, Label.LEAVES_MACHINE, Label.READS_UNTRUSTED)


class WebSettings(BaseModel):
    """Reading pages of the web."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(default=False, description="Whether pages may be read at all.")
    allow: tuple[str, ...] = Field(
        default=(),
        description="Hosts that may be asked: a name, *.name for those below it, with :port for"
        " another port than the usual one.",
    )
    total_s: float = Field(default=20.0, gt=0, description="Seconds one page may take in all.")
    max_kib: int = Field(default=1024, gt=0, description="Longest page (KiB).")
    characters: int = Field(default=12_000, gt=0, description="Characters of a page's text shown.")


class ServerSettings(BaseModel):
    """A server whose tools the agent may use, over the Model Context Protocol."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: tuple[str, ...] = Field(
        default=(), description="The program to start and its arguments; it speaks over its pipes."
    )
    url: str = Field(
        default="",
        description="Or where it runs: on this machine, or https on a host that web.allow names.",
    )
    env: dict[str, str] = Field(
        default_factory=dict,
        description="Variables for the program, beside HOME, LOGNAME, PATH, SHELL, TERM and USER.",
    )
    labels: dict[str, tuple[Label, ...]] = Field(
        default_factory=dict,
        description="What each tool can touch, by its name; left out: it writes, leaves the machine"
        " and reads what is not trusted.",
    )
    pins: dict[str, str] = Field(
        default_factory=dict,
        description="Fingerprint of each tool that may be used, by its name, as `alcove mcp"
        " --servers` shows it; a tool without it, or that has changed, is not used.",
    )
    start_s: float = Field(default=20.0, gt=0, description="Seconds until it must have answered.")
    call_s: float = Field(default=30.0, gt=0, description="Seconds one call may take.")
    characters: int = Field(default=12_000, gt=0, description="Characters of a result shown.")

    @model_validator(mode="after")
    def _one_place(self) -> ServerSettings:
        if bool(self.command) == bool(self.url):
            raise ValueError("give a command or a url")
        return self

    def labels_of(self, tool: str) -> frozenset[Label]:
        """What a tool of this server can touch."""
        return frozenset(self.labels.get(tool, _ANYTHING))


class McpSettings(BaseModel):
    """Servers whose tools the agent may use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    servers: dict[str, ServerSettings] = Field(
        default_factory=dict, description="By name; a tool is called NAME__TOOL."
    )
