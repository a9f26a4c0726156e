"""A gate's baseline: one JSON file with everything that a later run is held against.

::

    format     1
    name       of the data
    data       SHA-256 of documents, questions and gold
    metrics    the measures that are gated
    systems    {system: {measure: {question: value}}}
    grid       {"file": where it was, seen from this file; "text": what stood in it}, or null

Made from a results folder and needing nothing of it afterwards. The same results give the same bytes. Knows nothing of
tests; ``eval/scoring/gate.py`` makes them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from corpus.errors import NotFound, UserError
from corpus.home import disk_errors, write_durably
from eval.results.folder import Results
from eval.scoring.sides import Side

__all__ = ["Baseline", "GridText"]

_STRICT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class GridText(BaseModel):
    """A grid file as it was: ``file`` is relative to the baseline, ``text`` its content."""

    model_config = _STRICT

    file: str
    text: str


class Baseline(BaseModel):
    """What the module's docstring shows."""

    model_config = _STRICT

    format: Literal[1] = 1
    name: str
    data: str = Field(min_length=1)
    metrics: tuple[str, ...] = Field(min_length=1)
    systems: dict[str, dict[str, dict[str, float]]] = Field(min_length=1)
    grid: GridText | None = None

    @classmethod
    def read(cls, path: Path) -> Baseline:
        """Read a baseline.

        Raises:
            NotFound: there is no file. UserError: it is no baseline; says what is wrong and where.
        """
        if not path.is_file():
            raise NotFound(
                f"There is no baseline {str(path)!r}; make it from a results folder with --write."
            )
        with disk_errors(path):
            raw = path.read_bytes()
        try:
            found = cls.model_validate_json(raw)
        except ValidationError as exc:
            fault = exc.errors()[0]
            key = ".".join(map(str, fault["loc"])) or "the file"
            raise UserError(
                f"{str(path)!r} is no baseline of a gate ({key}: {fault['msg']}); write it anew."
            ) from exc
        for system, rows in found.systems.items():
            if set(rows) != set(found.metrics):
                raise UserError(
                    f"{str(path)!r}: system {system!r} has not the measures that the baseline names;"
                    " write it anew."
                )
        return found

    @classmethod
    def of(
        cls,
        results: Results,
        metrics: Sequence[str] = (),
        systems: Sequence[str] = (),
        grid: GridText | None = None,
    ) -> Baseline:
        """The baseline that results make.

        Args:
            metrics: those to gate; none: the one that the results go by.
            systems: those to gate; none: all.

        Raises:
            UserError: the results do not say what data they are about, or lack a system, a measure,
                or its value for some question.
        """
        sides = [Side(results, name).with_system(name) for name in systems or results.systems]
        metric = results.report.get("metric")
        chosen = tuple(dict.fromkeys(metrics or ([metric] if metric else sides[0].metrics[:1])))
        if not sides[0].digest:
            raise UserError(
                f"The results in {str(results.folder)!r} do not say which data they are about, so"
                " nothing can be held against them; make them with 'alcove eval run'."
            )
        return cls(
            name=str(results.report.get("dataset", "")),
            data=sides[0].digest,
            metrics=chosen,
            systems={
                side.system: {metric: values_of(side, metric) for metric in chosen}
                for side in sides
            },
            grid=grid,
        )

    def write(self, path: Path) -> None:
        """Write it, in the place of what was there.

        Raises:
            DiskFull, OperatorError: it cannot be written; what was there still is.
        """
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=1)
        write_durably(path, (text + "\n").encode())


def grid_text(grid: Path, baseline: Path) -> GridText:
    """The grid file ``grid`` as a baseline written to ``baseline`` keeps it.

    Raises:
        NotFound: there is no such file. UserError: it is not UTF-8.
    """
    if not grid.is_file():
        raise NotFound(f"There is no grid file {str(grid)!r}; name the one that was run.")
    try:
        with disk_errors(grid):
            text = grid.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise UserError(f"{str(grid)!r} is not UTF-8; save it as UTF-8.") from exc
    file = os.path.relpath(grid.resolve(), baseline.resolve().parent)
    return GridText(file=Path(file).as_posix(), text=text)


def values_of(side: Side, metric: str) -> dict[str, float]:
    """The value of every question of a system in one measure, sorted by question.

    Raises:
        UserError: a question has none.
    """
    without = next((q for q, row in side.rows.items() if metric not in row.metrics), None)
    if without is not None or not side.rows:
        raise UserError(
            f"System {side.system!r} in {str(side.results.folder)!r} has no {metric!r} for"
            f" {'any question' if without is None else f'question {without!r}'}; a gate needs a"
            f" value for each. There are {', '.join(side.metrics) or 'no measures'}."
        )
    return {query: side.rows[query].metrics[metric] for query in sorted(side.rows)}
