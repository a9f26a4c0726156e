"""Drawings as inline SVG: elements, scales and frames with axes; text in, the same text out each time.

Colours and type are classes of the page's style sheet, so that one drawing serves light and dark.
Everything that is not an element is escaped. Knows nothing of benchmarks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from markupsafe import Markup, escape

__all__ = ["Frame", "Scale", "drawing", "element", "points", "shortened", "visible"]

WIDTH = 440  # units; about as many pixels on a phone as on a screen

# Controls, and what turns the direction of text round or hides in it. Joiners belong to some scripts.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\uffff]|[\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """Text whose hidden characters are shown by their number, so that it is read as it is stored."""
    return _HIDDEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def shortened(text: str, length: int) -> str:
    """At most ``length`` characters; the rest is an ellipsis."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def element(name: str, *children: str | Markup, **attributes: str | float) -> Markup:
    """One element; numbers have one decimal, ``_`` in a name stands for ``-`` or, last, for nothing."""
    listed = [
        f' {key.rstrip("_").replace("_", "-")}="{escape(visible(_value(value)))}"'
        for key, value in attributes.items()
    ]
    inside = [c if isinstance(c, Markup) else escape(visible(c)) for c in children]
    return Markup(f"<{name}{''.join(listed)}>{''.join(inside)}</{name}>")


def _value(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")


def drawing(label: str, height: float, parts: Iterable[Markup]) -> Markup:
    """A whole drawing; ``label`` says in words what is seen on it."""
    box = f"0 0 {WIDTH} {_value(height)}"
    return element("svg", *parts, viewBox=box, role="img", aria_label=label)


def points(places: Iterable[tuple[float, float]]) -> str:
    """Places as the attribute ``points`` has them."""
    return " ".join(f"{_value(x)},{_value(y)}" for x, y in places)


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from ``low`` to ``high`` as places from ``start`` to ``end``; ``log``: by their logarithm."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    @classmethod
    def around(
        cls, values: Sequence[float], start: float, end: float, *, log: bool = False
    ) -> Scale:
        """A scale that holds ``values`` (more than none; above 0 for ``log``) with a little room."""
        low, high = min(values), max(values)
        if log:
            return cls(low / 1.15, high * 1.15, start, end, log=True)
        room = (high - low) * 0.06 or abs(high) * 0.05 or 0.5
        return cls(low - room, high + room, start, end)

    def __call__(self, value: float) -> float:
        """The place of ``value``."""
        share = (self._on(value) - self._on(self.low)) / (self._on(self.high) - self._on(self.low))
        return self.start + share * (self.end - self.start)

    def _on(self, value: float) -> float:
        return log10(value) if self.log else value

    def ticks(self, most: int = 6) -> list[float]:
        """Round values between the ends, at most ``most``."""
        if self.log and self.high / self.low > 8:
            return self._powers(most)
        for step in _steps(self.high - self.low):
            first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
            if last - first < most:
                break
        return [number * step for number in range(first, last + 1)]

    def _powers(self, most: int) -> list[float]:
        """Powers of ten, with steps between them if there is room."""
        decades = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
        for mantissas in ((1, 2, 5), (1, 3), (1,)):
            ticks = [mantissa * 10.0**decade for decade in decades for mantissa in mantissas]
            inside = [tick for tick in ticks if self.low <= tick <= self.high]
            if len(inside) <= most:
                break
        return inside


def _steps(width: float) -> list[float]:
    """Round widths of a step, the finest first."""
    first = floor(log10(width)) - 1
    return [mantissa * 10.0**power for power in range(first, first + 3) for mantissa in (1, 2, 5)]


@dataclass(frozen=True, slots=True)
class Frame:
    """The ground of a plot: two scales, their lines and figures, and what they are called.

    ``x_ticks`` are the values to mark on x; empty: round ones.
    """

    x: Scale
    y: Scale
    x_title: str = ""
    y_title: str = ""
    x_ticks: Sequence[float] = ()

    def across(self) -> list[Markup]:
        """The figures of x below the plot, and a line up from each."""
        ticks, bottom, top = (
            self.x_ticks or self.x.ticks(),
            max(self.y.start, self.y.end),
            min(self.y.start, self.y.end),
        )
        parts = []
        for tick in ticks:
            at = self.x(tick)
            parts.append(element("line", class_="grid", x1=at, x2=at, y1=top, y2=bottom))
            parts.append(
                element("text", _tick(tick, ticks), class_="tick mid", x=at, y=bottom + 15)
            )
        middle = (self.x.start + self.x.end) / 2
        parts.append(element("text", self.x_title, class_="axis mid", x=middle, y=bottom + 33))
        return parts

    def up(self) -> list[Markup]:
        """The figures of y left of the plot, and a line across from each."""
        ticks, left = self.y.ticks(), self.x.start
        parts = []
        for tick in ticks:
            at = self.y(tick)
            parts.append(element("line", class_="grid", x1=left, x2=self.x.end, y1=at, y2=at))
            parts.append(
                element("text", _tick(tick, ticks), class_="tick end", x=left - 6, y=at + 4)
            )
        top = min(self.y.start, self.y.end)
        parts.append(element("text", self.y_title, class_="axis", x=2, y=top - 9))
        return parts


def _tick(tick: float, ticks: Sequence[float]) -> str:
    """With as many decimals as tell the ticks apart."""
    for digits in range(5):
        if len({f"{other:.{digits}f}" for other in ticks}) == len(ticks) and all(
            abs(round(other, digits) - other) <= abs(other) * 0.02 + 1e-9 for other in ticks
        ):
            break
    return f"{0.0 if abs(tick) < 1e-12 else tick:,.{digits}f}"
