"""The plots of a report: which systems pay for their latency, what sizes do, where two systems differ.

Each takes what ``eval/results/findings.py`` reads, or rows, and gives a ``Plot``, or ``None`` where
there is nothing to see (one size only, no latencies, no diagnosis). Knows no page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from eval.results.findings import Findings, figure
from eval.results.svg import WIDTH, Frame, Scale, drawing, element, points
from eval.scoring.measures import is_cost

__all__ = ["Plot", "curves", "differences", "latency"]

MOST_BARS = 1000
MOST_PANELS = 8

System = Mapping[str, Any]
Way = tuple[str, ...]
"""How a system searches: its parts but for those that say how documents are cut."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing with its title, what to know about it, and what its colours mean.

    ``legend`` holds a class of the style sheet and its meaning; ``listed`` what numbers in it stand for.
    """

    title: str
    note: str
    svg: Markup
    legend: tuple[tuple[str, str], ...] = ()
    listed: tuple[str, ...] = ()


def latency(findings: Findings) -> Plot | None:
    """Quality against latency, with the systems that no other beats in both (the Pareto front)."""
    timed = [s for s in findings.ranked if s["latency_ms"]["p50"]]
    if len(timed) < 2:
        return None
    places = {s["name"]: (s["latency_ms"]["p50"], s["metrics"][findings.metric]) for s in timed}
    xs, ys = zip(*places.values(), strict=True)
    frame = Frame(
        Scale.around(xs, 44, WIDTH - 10, log=True),
        Scale.around(ys, 232, 22),
        "median latency of a search, ms (logarithmic)",
        f"mean {findings.metric}",
    )
    front = _front(places, -1 if is_cost(findings.metric) else 1)
    groups = _groups(timed)
    parts = [*frame.across(), *frame.up(), _steps(frame, [places[name] for name in front])]
    for system in timed:
        x, y = places[system["name"]]
        said = f"{system['name']}: {figure(y, findings.digits())} at {x:.1f} ms"
        kind = groups.get(str(system.get("parts", {}).get("fusion", "")), "c0")
        circle = element("title", said)
        parts.append(
            element("circle", circle, class_=f"dot {kind}", cx=frame.x(x), cy=frame.y(y), r=4.5)
        )
    for number, name in enumerate(front, 1):
        x, y = places[name]
        at = {"x": frame.x(x) - 6, "y": frame.y(y) - 6}
        parts.append(element("text", str(number), class_="number end", **at))
    listed = tuple(
        f"{name}: {figure(places[name][1], findings.digits())} at {places[name][0]:.1f} ms"
        for name in front
    )
    return Plot(
        "Quality against latency",
        "Systems on the line are the best at their speed: no other is both faster and better."
        " The scale of quality does not begin at 0.",
        drawing(f"Mean {findings.metric} and median latency of {len(timed)} systems", 272, parts),
        tuple((kind, name) for name, kind in groups.items()) if len(groups) > 1 else (),
        listed,
    )


def _front(places: Mapping[str, tuple[float, float]], sign: int) -> list[str]:
    """The names that no other beats in both, fastest first; ``sign`` is -1 where less is better."""
    front: list[str] = []
    for name, (_, quality) in sorted(places.items(), key=lambda p: (p[1][0], -sign * p[1][1])):
        if not front or sign * (quality - places[front[-1]][1]) > 0:
            front.append(name)
    return front


def _steps(frame: Frame, front: Sequence[tuple[float, float]]) -> Markup:
    corners: list[tuple[float, float]] = []
    for x, y in front:
        if corners:
            corners.append((frame.x(x), corners[-1][1]))
        corners.append((frame.x(x), frame.y(y)))
    corners.append((frame.x.end, corners[-1][1]))
    return element("polyline", class_="front", points=points(corners))


def _groups(systems: Iterable[System]) -> dict[str, str]:
    """A class of the style sheet for each way of fusing."""
    values = sorted({str(s["parts"]["fusion"]) for s in systems if "fusion" in s.get("parts", {})})
    return {value: f"c{number % 8}" for number, value in enumerate(values)}


def curves(findings: Findings) -> list[Plot]:
    """The measure by chunk size, a line for each chunker; a plot for each way of searching."""
    panels = _panels(findings.ranked)
    drawn = [s for lines in panels.values() for found in lines.values() for s in found]
    if not drawn:
        return []
    bounds = [b for s in drawn for b in (findings.interval(s) or ())]
    sizes = [s["parts"]["size"] for s in drawn]
    frame = Frame(
        Scale.around(sizes, 44, WIDTH - 14),
        Scale.around(bounds, 202, 22),
        "chunk size, tokens",
        f"mean {findings.metric}",
        _spread(sizes),
    )
    names = sorted({name for lines in panels.values() for name in lines})
    chunkers = {name: f"c{number % 8}" for number, name in enumerate(names)}
    return [
        _panel(findings, _telling(way, panels), lines, frame, chunkers)
        for way, lines in list(panels.items())[:MOST_PANELS]
    ]


def _panels(systems: Iterable[System]) -> dict[Way, dict[str, list[System]]]:
    """The systems by everything but how documents are cut, and by chunker; where sizes differ."""
    panels: dict[Way, dict[str, list[System]]] = {}
    for system in systems:
        parts = system.get("parts", {})
        if isinstance(parts.get("size"), int) and "chunker" in parts:
            way = tuple(str(v) for k, v in parts.items() if k not in ("size", "chunker", "overlap"))
            panels.setdefault(way, {}).setdefault(_chunker(system), []).append(system)
    return {
        way: lines
        for way, lines in sorted(panels.items())
        if any(len({s["parts"]["size"] for s in found}) > 1 for found in lines.values())
    }


def _chunker(system: System) -> str:
    """The chunker without its size and overlap; apart where what readers are shown was measured."""
    parts = system["parts"]
    name = re.sub(rf"-{parts['size']}(-\d+)?(?!\d)", "", str(parts["chunker"]), count=1)
    return f"{name} shown" if system["name"].endswith(" shown") else name


def _telling(way: Way, ways: Iterable[Way]) -> str:
    """What of a way of searching not all of them have."""
    columns = zip(way, *ways, strict=True)
    return ", ".join(value for value, *others in columns if value and set(others) != {value})


def _spread(sizes: Sequence[int]) -> list[float]:
    """The sizes as ticks; of many, or of some that are near each other, round values instead."""
    ticks = sorted(set(sizes))
    width = ticks[-1] - ticks[0]
    near = any(b - a < width / 10 for a, b in pairwise(ticks))
    return [] if near or len(ticks) > 8 else [float(tick) for tick in ticks]


def _panel(
    findings: Findings,
    name: str,
    lines: Mapping[str, Sequence[System]],
    frame: Frame,
    chunkers: Mapping[str, str],
) -> Plot:
    parts = [*frame.across(), *frame.up()]
    for place, chunker in enumerate(sorted(lines)):
        shift = 3.0 * (place - (len(lines) - 1) / 2)  # so that intervals at one size stand apart
        found = sorted(lines[chunker], key=lambda s: s["parts"]["size"])
        at = [
            (frame.x(s["parts"]["size"]) + shift, frame.y(s["metrics"][findings.metric]))
            for s in found
        ]
        kind = chunkers[chunker]
        parts.append(element("polyline", class_=f"line {kind}", points=points(at)))
        for system, (x, y) in zip(found, at, strict=True):
            mean, low, high = findings.interval(system) or (0.0, 0.0, 0.0)
            said = f"{system['name']}: {figure(mean, findings.digits())}"
            ends = {"y1": frame.y(low), "y2": frame.y(high)}
            parts.append(element("line", class_=f"whisker {kind}", x1=x, x2=x, **ends))
            parts.append(
                element("circle", element("title", said), class_=f"dot {kind}", cx=x, cy=y, r=4)
            )
    return Plot(
        f"Chunk size: {name}" if name else "Chunk size",
        "",
        drawing(f"Mean {findings.metric} by chunk size, {name}", 242, parts),
        tuple((chunkers[chunker], chunker) for chunker in sorted(lines)),
    )


def differences(
    a: str, b: str, metric: str, values: tuple[Mapping[str, float], Mapping[str, float]]
) -> Plot | None:
    """Bars of ``a`` minus ``b`` per question, the largest first.

    Args:
        metric: one of which more is better, or a cost.
        values: of ``a`` and of ``b``, by question.
    """
    above, below = ("worse", "better") if is_cost(metric) else ("better", "worse")
    both = [query for query in values[0] if query in values[1]]
    deltas = sorted(((values[0][q] - values[1][q], q) for q in both), key=lambda d: (-d[0], d[1]))
    if not any(delta for delta, _ in deltas):
        return None
    step = -(-len(deltas) // MOST_BARS)
    shown = deltas[::step]
    highest, lowest = max(deltas[0][0], 0.0), min(deltas[-1][0], 0.0)
    frame = Frame(
        Scale(0, len(shown), 44, WIDTH - 10),
        Scale(lowest, highest, 212, 22),
        "",
        f"difference in {metric}",
    )
    parts = frame.up()
    for place, (delta, query) in enumerate(shown):
        top, bottom = frame.y(max(delta, 0)), frame.y(min(delta, 0))
        kind = above if delta > 0 else below
        if delta:
            width = max(frame.x(1) - frame.x(0) - (0.6 if len(shown) < 120 else 0), 0.5)
            at = {"x": frame.x(place), "y": top, "width": round(width, 1), "height": bottom - top}
            parts.append(
                element("rect", element("title", f"{query}: {delta:+.3f}"), class_=kind, **at)
            )
    zero = frame.y(0)
    parts.append(element("line", class_="zero", x1=44, x2=WIDTH - 10, y1=zero, y2=zero))
    more, less = (sum(sign * delta > 0 for delta, _ in deltas) for sign in (1, -1))
    wins, lost = (less, more) if is_cost(metric) else (more, less)
    parts.append(
        element(
            "text", f"{len(deltas)} questions, sorted", class_="axis mid", x=(34 + WIDTH) / 2, y=232
        )
    )
    note = (
        f"{a} minus {b}: {wins} questions better, {len(deltas) - wins - lost} equal, {lost} worse."
    )
    if step > 1:
        note += f" Every {step}th is drawn."
    return Plot(
        "Question by question",
        note,
        drawing(note, 240, parts),
        (("better", f"{a} is better"), ("worse", f"{b} is better")),
    )
