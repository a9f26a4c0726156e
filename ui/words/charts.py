"""The plots of an evaluation, as Vega-Lite specifications; Streamlit gives them the page's colours.

Knows rows (``ui.words.figures``), not where they come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

__all__ = ["Spec", "interval_chart", "loss_chart", "speed_chart"]

Spec: TypeAlias = dict[str, Any]
Rows: TypeAlias = Sequence[dict[str, Any]]

_ROW = 30  # pixels of a system's line
_AXES = 80  # of what stands below the lines
_LEGEND = 60
_LINE = 15  # of a legend
_GREY = "#8a9491"  # seen on light and on dark
_TOLD_APART = 8  # systems, at most, that have a colour each
_NAME = 260  # pixels of a system's name, at most
_THOUSANDTHS, _TENTHS = ".3f", ".1f"


def interval_chart(rows: Rows, metric: str) -> Spec:
    """Each system's mean as a point on its 95 % interval."""
    x = _number("low", f"{metric}, with 95 % interval")
    line = {"mark": {"type": "rule", "strokeWidth": 3, "color": _GREY}}
    point = {"mark": {"type": "point", "filled": True, "size": 90, "opacity": 1}}
    told = [_tip("mean", _THOUSANDTHS), _tip("low", _THOUSANDTHS), _tip("high", _THOUSANDTHS)]
    return {
        "data": {"values": list(rows)},
        "height": _height(rows),
        "encoding": {"y": _systems(rows)},
        "layer": [
            {**line, "encoding": {"x": x, "x2": {"field": "high"}}},
            {**point, "encoding": {"x": {**x, "field": "mean"}, "tooltip": [_NAMED, *told]}},
        ],
    }


def speed_chart(rows: Rows, metric: str) -> Spec:
    """Quality against time per question; strong: nothing is both better and faster."""
    opacity = {"condition": {"test": "datum.front", "value": 1}, "value": 0.25}
    told = [_tip("mean", _THOUSANDTHS), _tip("ms", _TENTHS)]
    points: Spec = {
        "mark": {"type": "point", "filled": True, "size": 110},
        "encoding": {"opacity": opacity, "tooltip": [_NAMED, *told]},
    }
    if len(rows) <= _TOLD_APART:
        legend = {"orient": "bottom", "columns": 1, "labelLimit": _NAME}
        names = [row["System"] for row in rows]
        colour = {**_NAMED, "type": "nominal", "sort": names, "title": None, "legend": legend}
        points["encoding"]["color"] = colour
    line = {"type": "line", "color": _GREY, "opacity": 0.6}
    front = {"transform": [{"filter": "datum.front"}], "mark": line}
    return {
        "data": {"values": list(rows)},
        "height": 280 + _LINE * min(len(rows), _TOLD_APART),
        "encoding": {
            "x": _number("ms", "Milliseconds per question (median)"),
            "y": _number("mean", metric),
        },
        "layer": [front, points],
    }


def loss_chart(rows: Rows) -> Spec:
    """How many questions each system lost, by the first stage that lost them."""
    stages = list(dict.fromkeys(r["Stage"] for r in sorted(rows, key=lambda r: r["order"])))
    return {
        "data": {"values": list(rows)},
        "height": _height(rows) + _LEGEND,
        "mark": "bar",
        "encoding": {
            "y": _systems(rows),
            "x": {
                "field": "Questions",
                "type": "quantitative",
                "title": "Questions of which something was lost",
                "axis": {"tickMinStep": 1},
            },
            "color": {
                "field": "Stage",
                "type": "nominal",
                "sort": stages,
                "title": None,
                "legend": {"orient": "bottom", "columns": 2},
            },
            "order": {"field": "order"},
            "tooltip": [_NAMED, {"field": "Stage"}, {"field": "Questions"}],
        },
    }


_NAMED: Spec = {"field": "System"}


def _number(field: str, title: str) -> Spec:
    """A scale that shows differences: it begins near the smallest value, not at zero."""
    return {"field": field, "type": "quantitative", "title": title, "scale": {"zero": False}}


def _tip(field: str, shape: str) -> Spec:
    return {"field": field, "type": "quantitative", "format": shape}


def _systems(rows: Rows) -> Spec:
    names = list(dict.fromkeys(row["System"] for row in rows))
    axis = {"labelLimit": _NAME}
    return {"field": "System", "type": "nominal", "sort": names, "title": None, "axis": axis}


def _height(rows: Rows) -> int:
    return _AXES + _ROW * len({row["System"] for row in rows})
