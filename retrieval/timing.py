"""How long each stage of one search took."""

from __future__ import annotations

import time

__all__ = ["STAGES", "Clock"]

STAGES = ("embed", "dense", "lexical", "fuse", "rerank", "fetch")


class Clock:
    """Runs from its making; ``lap`` says which stage the time since the last lap went to."""

    def __init__(self) -> None:
        self._began = self._last = time.perf_counter()
        self._seconds = dict.fromkeys(STAGES, 0.0)

    def lap(self, stage: str) -> None:
        """Count the time since the last lap as that stage's."""
        now = time.perf_counter()
        self._seconds[stage] += now - self._last
        self._last = now

    def timings_ms(self) -> dict[str, float]:
        """Milliseconds of every stage; ``search``: all but embedding; ``total``: since the clock was made."""
        total = time.perf_counter() - self._began
        seconds = {**self._seconds, "search": total - self._seconds["embed"], "total": total}
        return {stage: round(s * 1e3, 3) for stage, s in seconds.items()}
