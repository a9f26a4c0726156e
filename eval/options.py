"""Options that several benchmark commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Cache", "Documents", "HomeFolder", "Json", "Questions"]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
HomeFolder = Annotated[
    Path | None, typer.Option("--home", help="Alcove's folder; its settings are used.")
]
Cache = Annotated[
    Path | None, typer.Option("--cache", help="Where indexes are kept; default: HOME/eval.")
]
Questions = Annotated[
    Path | None, typer.Option("--questions", help="A questions.jsonl; default: the sample's.")
]
Documents = Annotated[
    Path | None, typer.Option("--documents", help="The folder the questions are about.")
]
