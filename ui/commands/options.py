"""Options that several commands share, and how they become settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from agents.settings import Settings

__all__ = ["CollectionOption", "HomeOption", "JsonOption", "load_settings"]

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Alcove's folder; default: the platform's, or ALCOVE_HOME."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
CollectionOption = Annotated[
    str | None, typer.Option("--collection", help="Only this collection; default: all.")
]


def load_settings(
    home: Path | None, overrides: dict[str, dict[str, Any]] | None = None
) -> Settings:
    """The settings of a home, with what the command line says on top."""
    from agents.settings import Settings

    return Settings.load(home, overrides)
