"""What the watchdog says of its engine, in a small file of the home: for the service, the page and the commands.

The file is replaced every second while a watchdog is at work, so an old one says that there is none any more.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["FRESH_S", "EngineState", "read_state", "shed_reason", "write_state"]

FRESH_S = 10.0  # after which a file that was not replaced says nothing any more
_NAME = Path("engine", "state.json")


@dataclass(frozen=True, slots=True)
class EngineState:
    """How an engine is.

    Args:
        engine, model, url: what runs where.
        state: ``starting``, ``ready``, ``shedding``, ``waiting`` (for memory, or before another start) or
            ``stopped``.
        reason: a sentence; empty while all is well.
        pid: of the watchdog.
        restarts: how often the engine was started again.
        available: bytes of memory left when this was written.
    """

    engine: str
    model: str
    url: str
    state: str
    reason: str = ""
    pid: int = 0
    restarts: int = 0
    available: int = 0


def write_state(home: Path, state: EngineState) -> None:
    """Replace what the home says of its engine."""
    file = home / _NAME
    file.parent.mkdir(parents=True, exist_ok=True)
    written = file.with_suffix(f".{os.getpid()}")
    written.write_text(json.dumps(asdict(state)), encoding="utf-8")
    written.replace(file)


def read_state(home: Path) -> EngineState | None:
    """What the home says of its engine; ``None`` where no watchdog is at work."""
    file = home / _NAME
    try:
        if time.time() - file.stat().st_mtime > FRESH_S:
            return None
        return EngineState(**json.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError):  # none was ever started, or another version wrote it
        return None


def shed_reason(home: Path) -> str:
    """Why no new work should be begun for the sake of memory; empty when it may."""
    state = read_state(home)
    return state.reason if state is not None and state.state == "shedding" else ""
