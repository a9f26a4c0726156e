"""Text files read line by line, so that every complaint about one names the file and the line.

Used by the readers of data sets (``corpus/datasets.py``, ``corpus/questions.py``). A file is read
whole or refused; nothing is skipped but blank lines.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from corpus.errors import NotFound, UserError

__all__ = ["Identified", "Place", "lines_of", "name_of", "read_records", "text_of"]


class Identified(Protocol):
    """Whatever has an id."""

    @property
    def id(self) -> str:
        """Unique within one file."""


Record = TypeVar("Record", bound=Identified)


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, for messages."""

    path: Path
    line: int

    def error(self, what: str) -> UserError:
        return UserError(f"{str(self.path)!r}, line {self.line}: {what}.")


def read_records(path: Path, read: Callable[[dict[str, Any], Place], Record]) -> dict[str, Record]:
    """The records of a JSON Lines file by their id, which no two may share."""
    records: dict[str, Record] = {}
    first_seen: dict[str, int] = {}
    for place, line in lines_of(path):
        record = read(_object(line, place), place)
        if record.id in records:
            raise place.error(f"id {record.id!r} stands already on line {first_seen[record.id]}")
        records[record.id] = record
        first_seen[record.id] = place.line
    if not records:
        raise UserError(f"{str(path)!r} is empty; it must hold at least one line.")
    return records


def lines_of(path: Path) -> Iterator[tuple[Place, str]]:
    """The lines of a UTF-8 file that are not blank, each with its place."""
    if not path.is_file():
        raise NotFound(f"There is no file {str(path)!r}; the data set is not complete without it.")
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, start=1):
            place = Place(path, number)
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as exc:
                raise place.error(f"byte {exc.start + 1} is not UTF-8; save it as UTF-8") from exc
            if line.strip():
                yield place, line


def _object(line: str, place: Place) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as exc:
        raise place.error(f"not JSON ({exc.msg} at character {exc.colno})") from exc
    if not isinstance(record, dict):
        raise place.error("a JSON object was expected")
    return record


def text_of(record: Mapping[str, Any], key: str, place: Place, default: str | None = None) -> str:
    """A text of a record; ``null`` and a missing key are the same."""
    value = record.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise place.error(f"{key!r} must be a text, not {value!r}")
    try:
        value.encode()
    except UnicodeEncodeError as exc:  # JSON can spell half a character: "\\ud83d"
        raise place.error(f"{key!r} holds half of a surrogate pair at {exc.start}") from exc
    return value


def name_of(record: Mapping[str, Any], key: str, place: Place) -> str:
    """A text that must say something, such as an id."""
    value = text_of(record, key, place)
    if not value.strip():
        raise place.error(f"{key!r} is empty")
    return value
