"""The library in words: how the pages of a document were read, and how far an upload is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from corpus.records import State
from ui.api.wire import PageJson
from ui.words.plain_words import origin_words, state_words

__all__ = [
    "Bar",
    "Strip",
    "end_of",
    "minutes",
    "ranges",
    "states_named",
    "states_words",
    "strip_of",
]

MOST_BARS = 120
_PARTS_SHOWN = 3  # of a path: the file and the folders that tell it from others
_KINDS = ("none", "ocr", "text")  # the worst first: of several pages in one bar, it is shown


@dataclass(frozen=True, slots=True)
class Bar:
    """A page, or some: ``origin`` is ``text``, ``ocr`` or ``none``; ``height`` from 0 to 1 is how much text it has."""

    origin: str
    height: float
    words: str


@dataclass(frozen=True, slots=True)
class Strip:
    """All pages of a document: their bars, what the colours mean, and the same in a sentence."""

    bars: tuple[Bar, ...]
    keys: tuple[tuple[str, str], ...]
    words: str


def end_of(path: str) -> str:
    """A long path without its beginning, which many documents share."""
    parts = path.split("/")
    return path if len(parts) <= _PARTS_SHOWN else "…/" + "/".join(parts[-_PARTS_SHOWN:])


def strip_of(pages: Sequence[PageJson]) -> Strip:
    """How the pages were read, in at most ``MOST_BARS`` bars."""
    most = max((page["characters"] for page in pages), default=0) or 1
    each = ceil(len(pages) / MOST_BARS) or 1
    groups = [pages[at : at + each] for at in range(0, len(pages), each)]
    found = {kind: [p["number"] for p in pages if _kind(p) == kind] for kind in reversed(_KINDS)}
    keys = [(kind, _key(kind, numbers)) for kind, numbers in found.items() if numbers]
    words = "; ".join(said for _, said in keys)
    return Strip(tuple(_bar(group, most) for group in groups), tuple(keys), words)


def _kind(page: PageJson) -> str:
    if not page["characters"]:
        return "none"
    return "ocr" if page["origin"] == "ocr" else "text"


def _bar(group: Sequence[PageJson], most: int) -> Bar:
    kind = next(kind for kind in _KINDS if any(_kind(page) == kind for page in group))
    height = max(page["characters"] for page in group) / most
    numbers = ranges([page["number"] for page in group])
    origins = Counter(origin_words(page["origin"], page["characters"]) for page in group)
    characters = sum(page["characters"] for page in group)
    amount = f", {characters:,} characters" if characters else ""
    return Bar(kind, round(height, 3), f"Page {numbers}: {', '.join(origins)}{amount}")


def _key(kind: str, numbers: Sequence[int]) -> str:
    count = "1 page" if len(numbers) == 1 else f"{len(numbers):,} pages"
    if kind == "text":
        return f"{count} from the text layer"
    where = f"({ranges(numbers)})"
    return f"{count} by OCR {where}" if kind == "ocr" else f"{count} without text {where}"


def ranges(numbers: Sequence[int], most: int = 12) -> str:
    """Rising numbers as runs: ``1, 4–6``; at most so many runs."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    said = [str(a) if a == b else f"{a}–{b}" for a, b in runs[:most]]
    return ", ".join(said) + (", …" if len(runs) > most else "")


def states_words(states: Mapping[str, int]) -> dict[str, int]:
    """How many there are by state in words, the most first."""
    counts: Counter[str] = Counter()
    for state, count in states.items():
        counts[state_words(state).name] += count
    return dict(counts.most_common())


def states_named(told: str) -> list[str]:
    """The states that are called so."""
    return [str(state) for state in State if state_words(state).name == told]


def minutes(seconds: float) -> str:
    """How long something will take, as a person would say it."""
    if seconds < 50:
        return "less than a minute"
    return "about a minute" if seconds < 90 else f"about {round(seconds / 60):,} minutes"
