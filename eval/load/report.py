"""A load test as JSON, Markdown and one drawing, and two of them side by side.

A share of a ceiling is what was measured over what the plan of the same model and machine says is possible at most
(``serving.plan.speed``); without a plan there is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from corpus.errors import UserError
from eval.results.svg import WIDTH, Frame, Scale, drawing, element, points

if TYPE_CHECKING:
    from serving.plan.speed import Speed

__all__ = ["compared", "load_report", "markdown", "plot", "read_report", "shares"]

_COLUMNS = (
    *("users or rate", "n", "first token, ms", "between tokens, ms", "whole answer, ms"),
    *("tokens/s", "of the ceiling"),
)
_STYLE = (
    "svg{font:12px sans-serif;max-width:880px;display:block}.grid{stroke:#8884}.line{fill:none;stroke-width:2}"
    ".c0{stroke:#1f6f68;fill:#1f6f68}.c1{stroke:#c2703d;fill:#c2703d}.line{fill:none!important}"
    "text{fill:CanvasText;stroke:none}.mid{text-anchor:middle}.end{text-anchor:end}"
    "body{color-scheme:light dark;font-family:sans-serif}"
)


def load_report(
    about: Mapping[str, Any], levels: Sequence[Mapping[str, Any]], random_weights: bool
) -> dict[str, Any]:
    """The object that ``alcove bench llm --json`` prints."""
    notes = []
    if random_weights:
        notes.append(
            "The model has random weights: times are those of its size and format, and say nothing"
            " about answers."
        )
    return {**about, "random_weights": random_weights, "levels": list(levels), "notes": notes}


def shares(level: Mapping[str, Any], speed: Speed) -> dict[str, float]:
    """The ceilings, and what part of them a level reached: in writing, and together with reading prompts.

    Writing and reading share one machine, so ``ceiling_share`` adds the parts of its time that both would take at
    their ceilings. Prompts count whole, also where a server had read their beginning before.
    """
    found = {}
    if level.get("users") and speed.decode_all and level.get("tokens_per_s"):
        found["decode_ceiling_tok_s"] = round(speed.decode_all, 1)
        found["decode_share"] = round(level["tokens_per_s"] / speed.decode_all, 4)
        if speed.prefill:
            read = level["prompt_tokens_per_s"] / speed.prefill
            found["prefill_ceiling_tok_s"] = round(speed.prefill, 1)
            found["ceiling_share"] = round(level["tokens_per_s"] / speed.decode_all + read, 4)
    return found


def markdown(report: Mapping[str, Any]) -> str:
    """The tables, with what is to be known about them."""
    head = f"# {report['model']} at {report['url']}\n\n" + "".join(
        f"{n}\n\n" for n in report["notes"]
    )
    rows = [_row(level) for level in report["levels"]]
    lines = ["| " + " | ".join(_COLUMNS) + " |"]
    lines.append("|" + "---|" * len(_COLUMNS))
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    foot = "\n\nTimes are p50 / p95, with the 95 % interval of the median; at a rate they count from when"
    return head + "\n".join(lines) + foot + " each request was due.\n"


def read_report(file: Path) -> dict[str, Any]:
    """A report as ``--json`` or ``--out`` wrote it.

    Raises:
        UserError: the file is not there, or is none.
    """
    try:
        found = json.loads(file.read_bytes())
    except OSError as exc:
        raise UserError(f"{str(file)!r} cannot be read ({exc.strerror})") from exc
    except ValueError as exc:
        raise UserError(f"{str(file)!r} is not JSON; give what `bench llm --json` wrote") from exc
    if not isinstance(found, dict) or "levels" not in found:
        raise UserError(f"{str(file)!r} holds no load test; give what `bench llm --json` wrote")
    return found


def compared(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For each level that both have: ``b`` over ``a``, and whether the medians' intervals are apart."""
    others = {_name(level): level for level in b["levels"]}
    rows = []
    for level in a["levels"]:
        other = others.get(_name(level))
        if other is None or not (level["n"] and other["n"]):
            continue
        row: dict[str, Any] = {"level": _name(level)}
        for key in ("ttft_ms", "inter_token_ms", "end_to_end_ms"):
            one, two = level.get(key) or {}, other.get(key) or {}
            if one and two:
                row[f"{key}_ratio"] = round(two["p50"] / one["p50"], 3) if one["p50"] else None
                apart = (
                    one["p50_ci95"][1] < two["p50_ci95"][0]
                    or two["p50_ci95"][1] < one["p50_ci95"][0]
                )
                row[f"{key}_apart"] = apart
        row["tokens_per_s_ratio"] = round(other["tokens_per_s"] / level["tokens_per_s"], 3)
        rows.append(row)
    return rows


def plot(report: Mapping[str, Any]) -> str:
    """One HTML page with the time to the first token, and tokens a second, by users; nothing is loaded."""
    levels = [r for r in report["levels"] if r.get("users") and r["n"]]
    if len(levels) < 2:
        return ""
    users = [float(r["users"]) for r in levels]
    drawings = [
        _curves("first token, ms (p50, p95)", users,
                [[r["ttft_ms"][p] for r in levels] for p in ("p50", "p95")]),
        _curves("tokens a second, all users", users, [[r["tokens_per_s"] for r in levels]]),
    ]  # fmt: skip
    title = element("title", f"{report['model']} under load")
    notes = [element("p", note) for note in report["notes"]]
    body = Markup("").join([element("h1", str(report["model"])), *notes, *drawings])
    meta = '<meta charset="utf-8">'
    return f"<!doctype html><html lang=en><head>{meta}{title}<style>{_STYLE}</style></head><body>{body}</body></html>\n"


def _curves(title: str, users: list[float], lines: Sequence[Sequence[float]]) -> Markup:
    values = [value for line in lines for value in line]
    frame = Frame(
        Scale.around(users, 60, WIDTH - 10, log=True),
        Scale.around([*values, 0.0], 200, 24),
        "users at once (logarithmic)",
        title,
        users,
    )
    parts = [*frame.across(), *frame.up()]
    for number, line in enumerate(lines):
        places = [(frame.x(u), frame.y(v)) for u, v in zip(users, line, strict=True)]
        parts.append(element("polyline", class_=f"line c{number}", points=points(places)))
        for (x, y), value in zip(places, line, strict=True):
            said = element("title", f"{value:,.1f}")
            parts.append(element("circle", said, class_=f"c{number}", cx=x, cy=y, r=3.5))
    return drawing(title, 245, parts)


def _row(level: Mapping[str, Any]) -> list[str]:
    failed = f" ({level['failed']} failed)" if level["failed"] else ""
    times = [_times(level.get(key)) for key in ("ttft_ms", "inter_token_ms", "end_to_end_ms")]
    figures = [_figure(level.get(key)) for key in ("tokens_per_s", "ceiling_share")]
    return [_name(level), f"{level['n']}{failed}", *times, *figures]


def _name(level: Mapping[str, Any]) -> str:
    rate = level.get("requests_due_per_s")
    return f"{rate:g}/s" if rate is not None else f"{level['users']}"


def _times(found: Mapping[str, Any] | None) -> str:
    if not found:
        return ""
    low, high = found["p50_ci95"]
    places = 0 if found["p50"] >= 100 else 1 if found["p50"] >= 10 else 2
    said = (f"{value:,.{places}f}" for value in (found["p50"], low, high, found["p95"]))
    return "{} ({}-{}) / {}".format(*said)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"
