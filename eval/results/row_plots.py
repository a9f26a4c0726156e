"""The plots of a report that have a line for each system: how sure the means are, where gold was lost.

As ``eval/results/plots.py``; best systems first.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from eval.results.findings import Findings, figure
from eval.results.plots import Plot, System
from eval.results.records import Stage
from eval.results.svg import WIDTH, Frame, Scale, drawing, element

__all__ = ["intervals", "losses"]

MOST_ROWS = 60
_LABEL = 172  # where the names of systems end
_FITS = 24  # characters of a name that need no squeezing
_LONGEST = 40
_ROW = 17
_SIGNS = {1: "better", 0: "even", -1: "worse"}
_MARKS = {1: "▲", 0: "", -1: "▼"}


def intervals(findings: Findings) -> Plot | None:
    """Mean and 95 % interval of every system, best first, beside the baseline's mean."""
    shown = _chosen(findings)
    if len(shown) < 2:
        return None
    found = {s["name"]: findings.interval(s) or (0.0, 0.0, 0.0) for s in shown}
    bounds = [bound for _, low, high in found.values() for bound in (low, high)]
    bottom = 8 + _ROW * len(shown)
    frame = Frame(
        Scale.around(bounds, _LABEL + 8, WIDTH - 52),
        Scale(0, len(shown), 8, bottom),
        f"mean {findings.metric}",
    )
    parts = frame.across()
    if findings.baseline is not None and findings.interval(findings.baseline):
        at = frame.x(findings.baseline["metrics"][findings.metric])
        parts.append(element("line", class_="baseline", x1=at, x2=at, y1=4, y2=bottom))
    for row, system in enumerate(shown):
        parts += _interval_row(findings, system, found[system["name"]], frame, row)
    return Plot(
        "How sure each mean is",
        "The line is the 95 % interval of the mean (bootstrap over questions). Intervals of two systems"
        " that overlap can still differ by more than luck: the same questions are hard for both."
        + _left_out(findings, shown),
        drawing(
            f"Mean {findings.metric} with its interval for {len(shown)} systems", bottom + 42, parts
        ),
        _sign_legend(findings),
    )


def _interval_row(
    findings: Findings, system: System, found: tuple[float, float, float], frame: Frame, row: int
) -> list[Markup]:
    mean, low, high = found
    tested = findings.against(system["name"])
    sign = tested.sign if tested else 0
    y = frame.y(row + 0.5)
    digits = findings.digits()
    said = f"{system['name']}: {figure(mean, digits)} ({figure(low, digits)} to {figure(high, digits)})"
    kind = "base" if system is findings.baseline else _SIGNS[sign]
    mark = f"{_MARKS[sign]} {figure(mean, digits)}"
    return [
        _row_name(system["name"], y),
        element("line", class_=f"range {kind}", x1=frame.x(low), x2=frame.x(high), y1=y, y2=y),
        element(
            "circle", element("title", said), class_=f"dot {kind}", cx=frame.x(mean), cy=y, r=4
        ),
        element("text", mark, class_=f"value end {kind}", x=WIDTH - 2, y=y + 4),
    ]


def _row_name(name: str, y: float) -> Markup:
    """A system's name, left of its row; a long one is squeezed into its place."""
    label = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 17]}…{name[-16:]}"
    fitted: dict[str, str | float] = (
        {"textLength": _LABEL - 4, "lengthAdjust": "spacingAndGlyphs"} if len(label) > _FITS else {}
    )
    said = element("title", name)
    return element("text", said, label, class_="name end", x=_LABEL, y=y + 4, **fitted)


def _sign_legend(findings: Findings) -> tuple[tuple[str, str], ...]:
    if findings.baseline is None:
        return ()
    return (
        ("base", "the baseline, and its mean (dashed)"),
        ("better", "▲ better than it by more than luck"),
        ("worse", "▼ worse than it by more than luck"),
        ("even", "cannot be told from it"),
    )


def _chosen(findings: Findings) -> list[System]:
    """The best systems, and the baseline wherever it stands."""
    first = findings.ranked[:MOST_ROWS]
    rest = [s for s in findings.ranked[MOST_ROWS:] if s is findings.baseline]
    return first + rest


def _left_out(findings: Findings, shown: Sequence[System]) -> str:
    count = len(findings.ranked) - len(shown)
    return f" {count} systems with lower means are left out here." if count else ""


def losses(findings: Findings) -> Plot | None:
    """Bars of the questions that lost gold, by the first stage that lost any."""
    shown = [s for s in _chosen(findings) if "losses" in s]
    most = max((sum(s["losses"].values()) for s in shown), default=0)
    if not most:
        return None
    bottom = 8 + _ROW * len(shown)
    frame = Frame(
        Scale(0, most, _LABEL + 8, WIDTH - 40),
        Scale(0, len(shown), 8, bottom),
        "questions that lost gold",
    )
    colours = {stage.value: f"c{number}" for number, stage in enumerate(Stage)}
    parts = frame.across()
    for row, system in enumerate(shown):
        y, begun = frame.y(row + 0.5), 0
        parts.append(_row_name(system["name"], y))
        for stage, count in system["losses"].items():
            said = element("title", f"{system['name']}: {stage}, {count}")
            at = {"x": frame.x(begun), "width": frame.x(count) - frame.x(0)}
            parts.append(
                element("rect", said, class_=f"part {colours[stage]}", y=y - 6, height=12, **at)
            )
            begun += count
        parts.append(element("text", str(begun), class_="value", x=frame.x(begun) + 5, y=y + 4))
    seen = [stage.value for stage in Stage if any(stage.value in s["losses"] for s in shown)]
    return Plot(
        "Where gold was lost",
        "Each question once, at the first stage that lost any of its gold."
        + _left_out(findings, shown),
        drawing(f"Questions that lost gold by stage, for {len(shown)} systems", bottom + 42, parts),
        tuple((colours[stage], stage) for stage in seen),
    )
