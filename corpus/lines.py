"""Text files read line by line, so that every complaint about one names the file and the line.

Used by the readers of data sets (``corpus/datasets.py``, ``corpus/questions.py``, ``corpus/trec.py``).
A file is read whole or refused; nothing is skipped but blank lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from corpus.errors import NotFound, OperatorError, UserError

__all__ = [
    "Identified",
    "Place",
    "grade_in",
    "lines_of",
    "name_of",
    "object_in",
    "read_records",
    "records_in",
    "text_of",
    "whole_number",
]

MAX_GRADE = 1000  # TREC's own code counts the documents of every grade in a table as long as that


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
    return records_in(lines_of(path), read, path)


def records_in(
    lines: Iterable[tuple[Place, str]],
    read: Callable[[dict[str, Any], Place], Record],
    path: Path,
) -> dict[str, Record]:
    """The records of such lines; ``path`` names their file if there is no line."""
    records: dict[str, Record] = {}
    first_seen: dict[str, int] = {}
    for place, line in lines:
        record = read(object_in(line, place), place)
        if record.id in records:
            raise place.error(f"id {record.id!r} stands already on line {first_seen[record.id]}")
        records[record.id] = record
        first_seen[record.id] = place.line
    if not records:
        raise UserError(f"{str(path)!r} is empty; it must hold at least one line.")
    return records


def lines_of(path: Path) -> Iterator[tuple[Place, str]]:
    """The lines of a UTF-8 file that are not blank, each with its place.

    Raises:
        NotFound: there is no such file. OperatorError: it cannot be read.
        UserError: a line is not UTF-8; names file and line.
    """
    try:
        if not path.is_file():
            raise NotFound(
                f"There is no file {str(path)!r}; the data set is not complete without it."
            )
        with path.open("rb") as stream:
            for number, raw in enumerate(stream, start=1):
                place = Place(path, number)
                line = _decoded(raw, place).rstrip("\r\n")
                if line.strip():
                    yield place, line
    except OSError as exc:
        raise OperatorError(
            f"{str(path)!r} cannot be read ({exc.strerror or exc}); look at its permissions."
        ) from exc


def _decoded(raw: bytes, place: Place) -> str:
    try:
        return raw.decode("utf-8-sig" if place.line == 1 else "utf-8")
    except UnicodeDecodeError as exc:
        raise place.error(f"byte {exc.start + 1} is not UTF-8; save it as UTF-8") from exc


def object_in(line: str, place: Place) -> dict[str, Any]:
    """The JSON object that is a line; one that names a key twice is refused."""
    try:
        record = json.loads(line, object_pairs_hook=_distinct)
    except json.JSONDecodeError as exc:
        raise place.error(f"not JSON ({exc.msg} at character {exc.colno})") from exc
    except ValueError as exc:
        raise place.error(f"not JSON that can be read ({exc})") from exc
    except RecursionError as exc:
        raise place.error("not JSON that can be read (it is nested too deeply)") from exc
    if not isinstance(record, dict):
        raise place.error("a JSON object was expected")
    return record


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(
            f"the key {next(key for key in keys if keys.count(key) > 1)!r} is there twice"
        )
    return found


def whole_number(text: str, what: str, place: Place) -> int:
    """A whole number in ASCII digits; ``what`` it is, for the message."""
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise place.error(f"{what} must be a whole number, not {text[:40]!r}")
    return int(text)


def grade_in(value: object, place: Place, what: str = "the grade") -> int:
    """A relevance grade; above 0 is relevant."""
    if type(value) is not int:
        raise place.error(f"{what} must be a whole number, not {value!r}")
    if abs(value) > MAX_GRADE:
        raise place.error(f"{what} must lie between {-MAX_GRADE} and {MAX_GRADE}; {value} does not")
    return value


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
