"""What a comparison is between: results folders, systems in them, and whether they can be compared at all.

``Side.of`` reads ``FOLDER`` or ``FOLDER:SYSTEM``; ``pairs_of`` says which systems face each other. Knows nothing of
statistics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from corpus.errors import UserError
from eval.results.folder import REPORT, Results
from eval.results.records import Row

__all__ = ["Side", "pairs_of", "require_alike"]


@dataclass(frozen=True)
class Side:
    """One of the two: a results folder, and a system in it once it is known which."""

    results: Results
    label: str
    system: str = ""

    @classmethod
    def of(cls, named: str) -> Side:
        """The side that ``FOLDER`` or ``FOLDER:SYSTEM`` names.

        Raises:
            NotFound: there are no results. UserError: they are none, or have no such system.
        """
        for place, letter in enumerate(named):
            folder = Path(named[:place])
            if letter == ":" and (folder / REPORT).is_file():
                return cls(Results.read(folder), folder.name).with_system(named[place + 1 :])
        folder = Path(named)
        return cls(Results.read(folder), folder.resolve().name)

    def with_system(self, system: str) -> Side:
        """The side as ``system``; unknown: a ``UserError`` that lists those there are."""
        if system not in self.results.systems:
            known = ", ".join(self.results.systems)
            raise UserError(
                f"There is no system {system!r} in {str(self.results.folder)!r}; choose from {known}."
            )
        return Side(self.results, self.label, system)

    @cached_property
    def rows(self) -> Mapping[str, Row]:
        """The rows of the system, by question."""
        return {row.query: row for row in self.results.rows if row.system == self.system}

    @property
    def metrics(self) -> tuple[str, ...]:
        """The measures that any question has, in the order of the report."""
        found = dict.fromkeys(name for row in self.rows.values() for name in row.metrics)
        order = {name: place for place, name in enumerate(self.results.report.get("metrics", ()))}
        return tuple(sorted(found, key=lambda name: order.get(name, len(order))))

    @property
    def digest(self) -> str:
        """SHA-256 of documents, questions and gold; "" where the report does not say."""
        return str(self.results.report.get("context", {}).get("data_sha256", ""))


def pairs_of(a: Side, b: Side) -> list[tuple[Side, Side]]:
    """The systems that face each other: those that are named, else the only ones, else all that both have.

    Labels of what is returned tell them apart: what was given, and the system where it is needed.

    Raises:
        UserError: it is not clear which, or it would be a system against itself.
    """
    found = _systems(a, b)
    if a.results.folder.resolve() == b.results.folder.resolve():
        if not all(first != second for first, second in found):
            raise UserError(
                "That is a system and itself; name two systems behind the folder, as FOLDER:SYSTEM:"
                f" {_listed(a)}."
            )
        return [(_as(a, first, first), _as(b, second, second)) for first, second in found]
    if not found:
        raise UserError(
            "The two have no system of the same name; name them as FOLDER:SYSTEM. There are"
            f" {_listed(a)}, and {_listed(b)}."
        )
    several = len(found) > 1
    return [
        (_labelled(a, b, first, several), _labelled(b, a, second, several))
        for first, second in found
    ]


def _systems(a: Side, b: Side) -> list[tuple[str, str]]:
    if a.system or b.system:
        return [(a.system or _beside(a, b.system), b.system or _beside(b, a.system))]
    if len(a.results.systems) == len(b.results.systems) == 1:
        return [(a.results.systems[0], b.results.systems[0])]
    return [(name, name) for name in a.results.systems if name in b.results.systems]


def _beside(side: Side, other: str) -> str:
    """The system of a side that names none, where the other one names ``other``."""
    known = side.results.systems
    if len(known) == 1 or other in known:
        return other if other in known else known[0]
    raise UserError(
        f"Name a system of {str(side.results.folder)!r} behind a colon: {_listed(side)}."
    )


def _labelled(side: Side, other: Side, system: str, several: bool) -> Side:
    folder = _told_apart(side.results.folder, other.results.folder)
    return _as(side, system, f"{folder}:{system}" if side.system or several else folder)


def _told_apart(folder: Path, other: Path) -> str:
    """The last part of the way to ``folder`` in which it differs: of old/results and new/results, old."""
    mine, theirs = folder.resolve().parts, other.resolve().parts
    pairs = zip(reversed(mine), reversed(theirs), strict=False)
    return next((part for part, another in pairs if part != another), str(folder))


def _as(side: Side, system: str, label: str) -> Side:
    return Side(side.results, label, system)


def _listed(side: Side) -> str:
    return ", ".join(map(repr, side.results.systems))


def require_alike(a: Side, b: Side) -> None:
    """Refuse two sides that are not about the same questions and data with a ``UserError``."""
    if a.digest and b.digest and a.digest != b.digest:
        raise UserError(
            f"{a.label!r} and {b.label!r} were measured on different data (documents, questions or"
            " gold changed between them), so their figures cannot be compared; run both anew."
        )
    if a.rows.keys() != b.rows.keys():
        first, second = _only(a, b), _only(b, a)
        raise UserError(
            f"{a.label!r} and {b.label!r} were not asked the same questions ({first}, {second}), so"
            " their figures cannot be compared; run both on the same questions."
        )
    other = next((q for q in a.rows if a.rows[q].text != b.rows[q].text), None)
    if other is not None:
        raise UserError(
            f"Question {other!r} of {a.label!r} is another one in {b.label!r}, so their figures"
            " cannot be compared; run both on the same questions."
        )


def _only(a: Side, b: Side) -> str:
    extra = sorted(a.rows.keys() - b.rows.keys())
    example = f", such as {extra[0]!r}" if extra else ""
    return f"{len(extra)} only in {a.label!r}{example}"
