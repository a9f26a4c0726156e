"""``alcove eval score``: measures and tests of anybody's rankings, from TREC's files alone.

Queries are those that are judged and have a relevant document; one without results scores zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from corpus.errors import UserError
from corpus.trec import Ranking, load_qrels, load_run
from eval.commands.terminal import present
from eval.options import Json
from eval.report import Report, System, paired_tests
from eval.results.records import Found, Row
from eval.scoring.measures import MEASURES, Measure, Qrels, Rows, measure, per_query
from eval.scoring.ranking import falling
from eval.scoring.stats import SEED

__all__ = ["score"]

SHOWN = 10  # results of a query that stand in its row


@dataclass(frozen=True, slots=True)
class _Scored:
    """One run with its values."""

    name: str
    run: Mapping[str, Ranking]
    rows: Rows


def score(
    qrels: Annotated[Path, typer.Option("--qrels", help="Judgements, in TREC's format.")],
    run: Annotated[
        list[Path], typer.Option("--run", help="A ranking, in TREC's format; repeatable.")
    ],
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", help="Such as nDCG@10, MAP, recall@5; repeatable."),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", help="The run that others are tested against; default: first."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="A folder to write the results to; default: none.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure rankings in TREC's format, with 95 % intervals and tests."""
    measures = _measures(metric or list(MEASURES))
    judged = load_qrels(qrels).grades()
    scorable = {query: found for query, found in judged.items() if max(found.values()) > 0}
    if not scorable:
        raise UserError(f"No query of {str(qrels)!r} has a relevant document; nothing to measure.")
    runs = _runs(run, scorable, qrels)
    chosen = next(iter(runs)) if baseline is None else baseline
    if chosen not in runs:
        raise UserError(f"There is no run {chosen!r}; choose one of {sorted(runs)}.")
    scored = [
        _Scored(name, found, per_query(measures, scorable, _names(found)))
        for name, found in runs.items()
    ]
    systems = tuple(_system(entry, scorable, judged) for entry in scored)
    context = {
        "queries": len(scorable),
        "queries without a relevant document": len(judged) - len(scorable),
        "seed": SEED,
        "data_sha256": sha256(qrels.read_bytes()).hexdigest(),
        "runs_sha256": {path.name: sha256(path.read_bytes()).hexdigest() for path in run},
    }
    names = [entry.name for entry in measures]
    tests = paired_tests(systems, chosen)
    report = Report(qrels.stem, systems, tests, context, names[0], names, chosen)
    if out is not None:
        _write(out, report, scored, scorable)
    present(report, as_json)


def _measures(names: Sequence[str]) -> list[Measure]:
    measures = [measure(name) for name in dict.fromkeys(names)]
    for entry in measures:
        if entry.of_text:
            raise UserError(
                f"{entry.name!r} measures text, and TREC's files have none; use `alcove eval run`."
            )
    return measures


def _runs(
    paths: Sequence[Path], qrels: Qrels, judgements: Path
) -> dict[str, Mapping[str, Ranking]]:
    """The runs by name: that of the file or, where two share one, the whole path."""
    stems = [path.stem for path in paths]
    runs: dict[str, Mapping[str, Ranking]] = {}
    for path in paths:
        name = path.stem if stems.count(path.stem) == 1 else str(path)
        if name in runs:
            raise UserError(f"The run {name!r} is named twice; name each once.")
        found = load_run(path)
        if not found.keys() & qrels.keys():
            raise UserError(
                f"No query of {str(path)!r} is judged in {str(judgements)!r}; the two are about "
                "different collections."
            )
        runs[name] = found
    return runs


def _names(run: Mapping[str, Ranking]) -> dict[str, list[str]]:
    return {query: [name for name, _ in ranking] for query, ranking in run.items()}


def _system(scored: _Scored, qrels: Qrels, judged: Qrels) -> System:
    facts = {
        "queries with results": len(qrels.keys() & scored.run.keys()),
        "queries without judgement": len(scored.run.keys() - judged.keys()),
    }
    missed = sum(_is_missed(query, scored, qrels) for query in qrels)
    return System(scored.name, scored.rows, [], facts=facts, missed=missed)


def _is_missed(query: str, scored: _Scored, qrels: Qrels) -> bool:
    return all(qrels[query].get(name, 0) <= 0 for name, _ in scored.run.get(query, ()))


def _write(out: Path, report: Report, scored: Sequence[_Scored], qrels: Qrels) -> None:
    from eval.results.folder import write_results
    from eval.results.html_report import render_html

    data = report.to_json()
    rows = [row for entry in scored for row in _rows(entry, qrels)]
    runs = {
        entry.name: {query: falling(ranking) for query, ranking in entry.run.items()}
        for entry in scored
    }
    write_results(out, data, rows, qrels, runs, render_html(data, rows))


def _rows(scored: _Scored, qrels: Qrels) -> Iterator[Row]:
    """A row of each query; its text is not known."""
    for query, grades in qrels.items():
        first = scored.run.get(query, [])[:SHOWN]
        yield Row(
            scored.name,
            query,
            text="",
            kind="",
            metrics={name: values[query] for name, values in scored.rows.items()},
            missed=_is_missed(query, scored, qrels),
            found=tuple(
                Found(rank, name, 0, 0, value, gold=grades.get(name, 0) > 0)
                for rank, (name, value) in enumerate(first, start=1)
            ),
            gold=tuple({"document": n, "grade": grade} for n, grade in grades.items() if grade > 0),
        )
