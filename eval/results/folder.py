"""A results folder: everything a benchmark found, as plain files that outlive it.

::

    report.json        means, intervals, tests and what they depend on (``eval/report.py``)
    queries.jsonl      one line per system and question (``eval/results/records.py``)
    qrels.txt          the judgements, in TREC's format
    runs/SYSTEM.run    the rankings, in TREC's format; with qrels.txt they give the same figures elsewhere
    report.html        the same to look at; needs no network and no other file

A folder is whole or not there: it is written beside its place and renamed. Writing the same again
gives the same bytes. Knows nothing of how results were computed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, count
from pathlib import Path
from typing import Any, cast

from corpus.errors import NotFound, UserError
from corpus.home import disk_errors
from corpus.lines import Place, lines_of
from eval.results.records import Row

__all__ = ["REPORT", "Results", "Run", "require_place", "slug", "write_results"]

REPORT, ROWS, QRELS, RUNS, HTML = "report.json", "queries.jsonl", "qrels.txt", "runs", "report.html"
_OURS = frozenset((REPORT, ROWS, QRELS, RUNS, HTML))

_REPORT = {"dataset": str, "metrics": list, "systems": list, "tests": list, "context": dict}
_SYSTEM = {"name": str, "metrics": dict, "ci95": dict, "n": int, "latency_ms": dict}
_TEST = {"a": str, "b": str, "metric": str, "delta": (int, float), "ci95": list}

Run = Mapping[str, Sequence[tuple[str, float]]]
"""For each query its items with their scores, best first."""


@dataclass(frozen=True)
class Results:
    """A results folder that was read; its rows are read when they are asked for."""

    folder: Path
    report: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> Results:
        """Read a results folder.

        Raises:
            NotFound: there is no report in it.
            UserError: it is no report.
        """
        path = folder / REPORT
        if not path.is_file():
            raise NotFound(f"There are no results in {str(folder)!r}; it has no {REPORT!r}.")
        try:
            report = json.loads(path.read_bytes())
        except (ValueError, RecursionError) as exc:
            raise UserError(f"{str(path)!r} is not JSON ({exc}); run the benchmark anew.") from exc
        if not _is_report(report):
            raise UserError(f"{str(path)!r} is no report of a benchmark; run it anew.")
        return cls(folder, report)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Every row.

        Raises:
            NotFound: there is no file of rows. UserError: a line is no row; names file and line.
        """
        return tuple(_row(line, place) for place, line in lines_of(self.folder / ROWS))

    @property
    def systems(self) -> tuple[str, ...]:
        """The names of the systems, in the order of the report."""
        return tuple(system["name"] for system in self.report["systems"])

    def values(self, system: str, metric: str) -> dict[str, float]:
        """Values by query of one system in one measure; queries it does not apply to are left out."""
        return {
            row.query: row.metrics[metric]
            for row in self.rows
            if row.system == system and metric in row.metrics
        }


def _is_report(found: object) -> bool:
    """Whether it has what everything that reads a report counts on."""
    return _has(found, _REPORT) and all(
        _has(entry, shape)
        for part, shape in (("systems", _SYSTEM), ("tests", _TEST))
        for entry in cast(dict[str, Any], found)[part]
    )


def _has(found: object, shape: Mapping[str, Any]) -> bool:
    return isinstance(found, dict) and all(
        isinstance(found.get(key), kind) for key, kind in shape.items()
    )


def require_place(folder: Path) -> None:
    """Refuse a place for results that ``write_results`` could not take; to be asked before hours of work.

    Raises:
        UserError: it is a file, or holds anything that is not of a results folder, which would be lost.
        OperatorError: nothing can be written there.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{str(folder)!r} is a file; name a folder for the results.")
    with disk_errors(folder, "--out"):
        held = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        above = next(path for path in folder.absolute().parents if path.exists())
        tempfile.TemporaryFile(dir=above).close()
    if held and not ({REPORT} <= held <= _OURS):
        other = min(held - _OURS, default=min(held))
        raise UserError(
            f"{str(folder)!r} holds something else ({other!r}); choose another --out, or an empty folder."
        )


def write_results(
    folder: Path,
    report: Mapping[str, Any],
    rows: Iterable[Row],
    qrels: Mapping[str, Mapping[str, int]],
    runs: Mapping[str, Run],
    html: str,
) -> None:
    """Write a results folder in the place of an earlier one.

    Args:
        folder: made anew; see ``require_place``.
        report: of ``eval.report.Report.to_json``.
        qrels: grades by query and item.
        runs: by the name of the system.

    Raises:
        UserError: the folder holds something else. DiskFull, OperatorError: it cannot be written;
            what was there before still is.
    """
    require_place(folder)
    with disk_errors(folder, "--out"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            _write(made / REPORT, json.dumps(report, ensure_ascii=False, indent=1) + "\n")
            lines = (json.dumps(row.to_json(), ensure_ascii=False) + "\n" for row in rows)
            _write(made / ROWS, lines)
            ids = _words(chain(qrels, *runs.values()))
            items = _words(_items(qrels, runs))
            judged = ((q, i, g) for q, grades in qrels.items() for i, g in grades.items())
            _write(made / QRELS, (f"{ids[q]} 0 {items[item]} {g}\n" for q, item, g in judged))
            (made / RUNS).mkdir()
            for tag, run in zip(_tags(runs), runs.values(), strict=True):
                _write(made / RUNS / f"{tag}.run", _run_lines(tag, run, ids, items))
            _write(made / HTML, html)
            made.chmod(0o777 & ~_umask())
            _put(made, folder)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise


def slug(name: str) -> str:
    """A system's name as a file name and as a word of TREC's files."""
    return re.sub(r"[^\w.+-]+", "_", name).strip("_") or "system"


def _tags(names: Iterable[str]) -> list[str]:
    """Every name as a word of its own, also where two are spelled alike as words."""
    seen: dict[str, int] = {}
    tags = []
    for name in names:
        tag = slug(name)
        seen[tag] = seen.get(tag, 0) + 1
        tags.append(tag if seen[tag] == 1 else f"{tag}~{seen[tag]}")
    return tags


def _put(made: Path, folder: Path) -> None:
    """Give ``made`` the name ``folder``; what had it is deleted afterwards, so that no half of it is seen."""
    if not folder.exists():
        made.rename(folder)
        return
    old = made.with_name(f"{made.name}-old")
    folder.rename(old)
    try:
        made.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old)


def _run_lines(
    tag: str, run: Run, ids: Mapping[str, str], items: Mapping[str, str]
) -> Iterable[str]:
    for query, found in run.items():
        for rank, (item, score) in enumerate(found, start=1):
            yield f"{ids[query]} Q0 {items[item]} {rank} {score:.6f} {tag}\n"


def _items(qrels: Mapping[str, Mapping[str, int]], runs: Mapping[str, Run]) -> Iterator[str]:
    """Every item that is judged or found, as often as it is."""
    yield from chain.from_iterable(qrels.values())
    for run in runs.values():
        yield from (item for found in run.values() for item, _ in found)


def _words(names: Iterable[str]) -> dict[str, str]:
    """Every name as a word, which TREC's files need: white space, as in the names of files, would end it.

    No two become the same word, so that no judgement is of another's document.
    """
    words = {name: "_".join(name.split()) for name in names}
    taken = {name for name, word in words.items() if name == word}
    for name, word in words.items():
        if name != word:
            tails = chain([""], (f"~{number}" for number in count(2)))
            words[name] = next(word + tail for tail in tails if word + tail not in taken)
            taken.add(words[name])
    return words


def _write(path: Path, text: str | Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines([text] if isinstance(text, str) else text)
        stream.flush()
        os.fsync(stream.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _row(line: str, place: Place) -> Row:
    try:
        return Row.from_json(json.loads(line))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise place.error("this is no row of a benchmark; run it anew") from exc
