"""How far a run is: estimated milliseconds done, of all, and what is being done."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Listen", "Progress"]

Listen = Callable[[str, int, int], object]
"""Called with what is being done, and how much of the whole run is done, of how much."""


class Progress:
    """Tells ``listen`` how far stages of unlike length have come.

    Args:
        total: of the weights of all stages to come.
    """

    def __init__(self, listen: Listen, total: int) -> None:
        self._listen, self._total, self._done = listen, total, 0

    def stage(self, doing: str, weight: int) -> Callable[[int, int], None]:
        """Begin a stage; call what comes back with how much of it is done, of how much."""
        begun = self._done
        self._done += weight

        def advance(done: int, total: int) -> None:
            self._listen(
                doing, min(begun + weight * done // max(total, 1), self._total), self._total
            )

        advance(0, 1)
        return advance
