"""The numbers that a run's tools worked out: what an answer may say although no document has them.

Read from the run's own steps, so that an answer that went on after a wait, or broke off, is judged alike.
A result counts only if whatever went into it is known: every number of the expression or the SQL must
stand in a passage that was shown, in the question or in an earlier result, or be a small or usual
factor. So a number that a model made up is not made known by calculating with it.

Knows nothing of sentences; ``agents.text.facts`` compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from agents.records.steps import Retrieved, Step, ToolCall, ToolResult
from agents.text.facts import equal, figures
from agents.tools.calculator import CALCULATOR
from agents.tools.query_table import QUERY_TABLE

__all__ = ["NOTHING", "Computed", "computed_in"]

_SMALL = 12  # numbers up to here may go into a calculation without standing anywhere
_FACTORS = (24.0, 30.0, 52.0, 60.0, 100.0, 360.0, 365.0, 1000.0, 1024.0, 3600.0)
_RESULT = re.compile(r"[=≈] (-?\d[\d.]*(?:E[+-]?\d+)?)(?![\d/.])")
_ROWS = re.compile(r"<<<rows (\w+)\n(.*?)\nend of rows \1>>>", re.DOTALL)
_SHOWN = re.compile(r"^<<<passage (\d+) ", re.MULTILINE)
_CELL = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Computed:
    """The values of results, and the numbers of the passages that show the tables asked."""

    values: tuple[float, ...] = ()
    tables: frozenset[int] = frozenset()


NOTHING = Computed()


def computed_in(steps: Iterable[Step], question: str = "") -> Computed:
    """What the tools worked out in ``steps``, those of one run in order.

    Args:
        steps: of any kind; calls, results and passages are looked at.
        question: what was asked: its numbers are known.
    """
    steps = list(steps)
    passages = {p.number: p for s in steps if isinstance(s, Retrieved) for p in s.passages}
    shown = {n: [f.value for f in figures(p.text)] for n, p in passages.items()}
    known = [*(f.value for f in figures(question)), *(v for of in shown.values() for v in of)]
    calls = {step.id: step for step in steps if isinstance(step, ToolCall)}
    values: list[float] = []
    tables: set[int] = set()
    for step in steps:
        if isinstance(step, ToolResult) and step.ok and (call := calls.get(step.id)):
            asked, results = _READ[step.name](call, step.text) if step.name in _READ else ("", ())
            put_in = [figure.value for figure in figures(asked)]
            of = (
                set(map(int, _SHOWN.findall(step.text))) if step.name == QUERY_TABLE.name else set()
            )
            there = [*put_in, *(value for number in of for value in shown.get(number, ()))]
            if asked and all(_is_known(value, [*known, *values]) for value in put_in):
                values += (v for v in results if not any(equal(v, other) for other in there))
                tables |= of
    return Computed(tuple(values), frozenset(tables))


def _is_known(value: float, known: Sequence[float]) -> bool:
    small = abs(value) <= _SMALL and value == int(value)
    return small or any(equal(abs(value), abs(other)) for other in (*known, *_FACTORS))


def _calculated(call: ToolCall, text: str) -> tuple[str, Sequence[float]]:
    expression = " ".join(str(call.arguments.get("expression", "")).split())
    found = _RESULT.search(text.removeprefix(expression))
    return expression, (float(found[1]),) if found else ()


def _queried(call: ToolCall, text: str) -> tuple[str, Sequence[float]]:
    rows = _ROWS.search(text)
    lines = rows[2].split("\n")[1:] if rows else ()  # the first has the names of the columns
    return str(call.arguments.get("sql", "")), tuple(v for line in lines for v in _cells(line))


def _cells(line: str) -> Iterator[float]:
    """The numbers of a row, which begins with the two letters and the sign of its fence."""
    for cell in line[3:].split(" | "):
        if _CELL.fullmatch(cell.strip()):
            yield float(cell)


_READ = {CALCULATOR.name: _calculated, QUERY_TABLE.name: _queried}
