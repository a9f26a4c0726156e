"""What the page says: states, sizes and moments in plain words, and text made safe for labels.

Streamlit reads the labels of buttons, tabs and captions as Markdown. A title or a file name is
data, so ``label`` takes from it everything that Markdown, or a screen, would act on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from corpus.records import State
from ui.api.wire import PageJson

__all__ = [
    "Told",
    "age",
    "day",
    "engine_note",
    "label",
    "name_of",
    "origin_words",
    "pages_words",
    "size",
    "state_words",
    "visible",
]

# Characters that reorder or hide text around them (Unicode Technical Report 36, section 2.6).
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
_PUNCTUATION = re.compile(r"([!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~])")
# Streamlit links bare addresses even when they are escaped; a word joiner stops that unseen.
_ADDRESS = re.compile(r"(?i)(?<=:)(?=//)|(?<=www)(?=\.)|(?=@)")


@dataclass(frozen=True, slots=True)
class Told:
    """A state in words: its name, what it means for the person, and whether it can be searched."""

    name: str
    advice: str
    searchable: bool


_SAVE_ANEW = "Open it in its own program, save it anew and add it again."
_STATES = {
    State.INDEXED: Told("Ready", "All of it can be searched.", True),
    State.INDEXED_PARTIAL: Told("Partly read", "What could be read can be searched.", True),
    State.UNCHANGED: Told("Ready", "It had not changed and was kept.", True),
    State.EMPTY_TEXT: Told("No text", "Add a version that has text, or a sharper scan.", False),
    State.UNSUPPORTED_TYPE: Told("Unknown format", "Save it as PDF or text and add that.", False),
    State.TYPE_MISMATCH: Told(
        "Wrong file ending", "Give it the ending of what it really is and add it again.", False
    ),
    State.ENCRYPTED: Told("Locked", "Save it without its password and add it again.", False),
    State.CORRUPT: Told("Damaged", _SAVE_ANEW, False),
    State.TOO_LARGE: Told("Too large", "Split it and add the parts.", False),
    State.BOMB: Told("Unsafe archive", "It unpacks to far too much; leave it out.", False),
    State.TIMEOUT: Told("Took too long", "Split it, or save it as PDF, and add it again.", False),
    State.OUT_OF_MEMORY: Told("Too much for memory", "Split it and add the parts.", False),
    State.PARSER_CRASH: Told("Could not be read", _SAVE_ANEW, False),
    State.UNSAFE_PATH: Told("Refused", "It points outside its folder; add the file itself.", False),
    State.UNREADABLE: Told("No access", "Allow Alcove to read the file and add it again.", False),
    State.INTERNAL_ERROR: Told("Our mistake", "Please report it with the service's log.", False),
}


_ORIGINS = {"text": "text layer", "ocr": "OCR"}


def origin_words(origin: str, characters: int) -> str:
    """Where the text of a page came from, in words."""
    return _ORIGINS.get(origin, origin) if characters else "nothing"


def pages_words(pages: Sequence[PageJson]) -> str:
    """How many pages were read from where; empty for a document without pages."""
    counts = Counter(origin_words(page["origin"], page["characters"]) for page in pages)
    if not counts:
        return ""
    what = "1 page" if len(pages) == 1 else f"{len(pages)} pages"
    return f"{what}: {', '.join(f'{n} {origin}' for origin, n in counts.most_common())}"


def state_words(state: str) -> Told:
    """A document's state in plain words; an unknown one is shown as it is."""
    known = _STATES.get(State(state)) if state in list(State) else None
    return known or Told(state.replace("_", " ").capitalize() or "Waiting", "", False)


def visible(text: str) -> str:
    """``text`` on one line, without characters that hide or reorder others."""
    return " ".join(_INVISIBLE.sub("", text).split())


def label(text: str, limit: int = 80) -> str:
    """``text`` for a Streamlit label: at most ``limit`` characters, with no Markdown left in it."""
    line = visible(text)
    short = line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
    return _PUNCTUATION.sub(r"\\\1", _ADDRESS.sub("\u2060", short))


def name_of(source: str) -> str:
    """The file name at the end of a document's source."""
    return visible(PurePosixPath(source.removeprefix("upload:")).name) or visible(source)


def size(count: int) -> str:
    """A number of bytes, in the unit a person would use."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def age(moment: str, now: datetime) -> str:
    """The part of a list where ``moment`` (ISO 8601) belongs, seen from ``now`` (with its zone)."""
    then = datetime.fromisoformat(moment)
    days = (now.date() - then.astimezone(now.tzinfo).date()).days
    if days <= 0:
        return "Today"
    if days == 1:
        return "Yesterday"
    return "Last 7 days" if days < 7 else "Earlier"


def day(moment: str | None) -> str:
    """The day of a moment (ISO 8601) where this machine stands; empty if there is none."""
    return f"{datetime.fromisoformat(moment).astimezone():%d %b %Y}" if moment else ""


def engine_note(engine: str, model: str, *, cites: bool = True) -> str:
    """Which engine answered, and whether it cites something, for the line under an answer; empty when none did."""
    if engine == "search":
        return "Search only, nothing was written"
    if engine == "extractive":
        return "Quoted from the documents, no language model"
    sources = " from the sources above" if cites else ", which cites no source"
    return f"Written by {visible(model)}{sources}" if model else visible(engine)
