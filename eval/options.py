"""Options that several benchmark commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["HomeFolder", "Json"]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
HomeFolder = Annotated[
    Path | None, typer.Option("--home", help="Alcove's folder; its settings are used.")
]
