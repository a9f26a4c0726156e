"""What an evaluation found, in words and rows: the verdict, the table of systems, the stages that lose.

Made from the report as the service gives it. Knows nothing of how it was computed or where it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ui.api.wire import DifferenceJson, EvaluationJson, ReportJson, SystemJson

__all__ = [
    "STAGES",
    "counted",
    "interval_rows",
    "lead_metric",
    "loss_rows",
    "metric_words",
    "named",
    "progress_words",
    "speed_rows",
    "stage_words",
    "state_name",
    "system_rows",
    "verdict",
]

_SURE = 0.05  # from this on, a difference may be luck

STAGES = {
    "not parsed": "Its text was not read from the document.",
    "split apart": "No single chunk holds enough of it: it was cut in two.",
    "filtered": "It was left out before the search, by a filter or by who may read it.",
    "not retrieved": "No index brought it up, or only far below the passages that count.",
    "lost in fusion": "One of the indexes had it, and merging their results put it too far down.",
    "lost in rerank": "The reranker put it too far down.",
    "cut from the prompt": "It was found, and did not fit what the language model is shown.",
    "ignored in the answer": "The language model was shown it and did not use it.",
}
"""What it means that gold was lost there, in the order in which it can be."""

_METRICS = {
    "nDCG": "how near the top the right passages are; 1 is perfect",
    "MRR": "one divided by the rank of the first right passage; 1 is perfect",
    "MAP": "precision at every right passage, averaged; 1 is perfect",
    "recall": "the share of right passages that were found",
    "precision": "the share of found passages that are right",
    "span recall": "the share of right passages that were found",
    "success": "the share of questions with at least one right passage",
    "token recall": "the share of the right text that was found",
    "token precision": "the share of the found text that is right",
    "token IoU": "right text found, against all that is right or was found; longer chunks cost",
    "context tokens": "what the passages cost the language model",
}
_STATES = {
    "queued": "Waiting",
    "running": "Running",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "interrupted": "Interrupted",
}


def counted(number: int, noun: str) -> str:
    """A number of things, in words: ``1 question``, ``2,000 questions``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def state_name(state: str) -> str:
    """A state of an evaluation in a word."""
    return _STATES.get(state, state.capitalize())


def progress_words(item: EvaluationJson) -> str:
    """What an evaluation is doing, and how far it is with all of it."""
    if item["state"] == "queued":
        return "Waiting for the one before it"
    if not item["total"]:
        return f"{item['doing'].capitalize() or 'Starting'}…"
    return f"{item['doing'].capitalize()}: {item['done'] / item['total']:.0%}"


def stage_words(stage: str) -> str:
    """What it means that gold was lost at a stage."""
    return STAGES.get(stage, "")


def metric_words(metric: str) -> str:
    """What a measure says, for whoever has not met it; empty if that is not known here."""
    family, _, cut = metric.partition("@")
    words = _METRICS.get(family, "")
    where = f", among the first {cut}" if cut else ""
    return f"{metric}{where}: {words}." if words else ""


def named(report: ReportJson, system: str) -> SystemJson | None:
    """The system with this name."""
    return next((s for s in report["systems"] if s["name"] == system), None)


def lead_metric(report: ReportJson) -> str:
    """The measure to begin with.

    Where only the ways of searching differ, the share of right passages that was found, which everybody
    understands; where the ways of chunking do, the report's own, which knows that long chunks find more.
    """
    cuts = {
        (s.get("parts", {}).get("chunker"), s.get("parts", {}).get("size"))
        for s in report["systems"]
    }
    plain = next((m for m in report["metrics"] if m.startswith("span recall@")), None)
    own = report["metric"] or next(iter(report["metrics"]), "")
    return plain if plain and len(cuts) == 1 else own


def verdict(report: ReportJson, metric: str) -> str:
    """Which system is best by a measure, and how sure that is, in one or two sentences."""
    scored = [s for s in report["systems"] if metric in s["metrics"]]
    if not scored:
        return "Nothing could be measured: no question has an answer in these documents."
    best = max(scored, key=lambda s: _sign(metric) * s["metrics"][metric])
    low, high = (_shown(end, best["ci95"][metric]) for end in best["ci95"][metric])
    mean = _shown(best["metrics"][metric], best["ci95"][metric])
    highest = "scores highest" if _sign(metric) > 0 else "needs least"
    n = best.get("n_by_metric", {}).get(metric, best["n"])
    first = (
        f"{best['name']} {highest}: {metric} {mean} (95 % interval {low} to {high})"
        f" over {counted(n, 'question')}."
    )
    return " ".join([first, *_compared(report, best["name"], metric)])


def _compared(report: ReportJson, best: str, metric: str) -> Iterable[str]:
    """How the baseline stands against the others; of few systems, each by name."""
    tests = [t for t in report["tests"] if t["metric"] == metric]
    if not tests:
        return
    baseline = tests[0]["a"]
    sure = [t for t in tests if _p(t) < _SURE]
    better, worse = (
        [t["b"] for t in sure if (_sign(metric) * t["delta"] > 0) is won] for won in (True, False)
    )
    luck = [t["b"] for t in tests if _p(t) >= _SURE]
    said = [
        f"{word} {_names(names)}"
        for word, names in (("better than", better), ("worse than", worse))
        if names
    ]
    subject = "It" if baseline == best else f"The baseline, {baseline},"
    if said:
        yield f"{subject} is {' and '.join(said)}."
    if luck:
        whose = "" if baseline == best else " of the baseline"
        yield f"The difference{whose} to {_names(luck)} may be luck."


def _p(test: DifferenceJson) -> float:
    corrected = test.get("p_holm")
    return test["p"] if corrected is None else corrected


def _chance(p: float) -> str:
    return f"p {p:.3f}" if p >= 0.001 else "p < 0.001"


def _names(names: Sequence[str]) -> str:
    if len(names) > 3:
        return f"{len(names)} others"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def system_rows(report: ReportJson, metric: str) -> list[dict[str, Any]]:
    """One row a system: its measures with their intervals, what it costs, and the test against the baseline.

    Args:
        metric: comes first, and is what the test is about.
    """
    tests = {t["b"]: t for t in report["tests"] if t["metric"] == metric}
    report = {**report, "metrics": [metric, *(m for m in report["metrics"] if m != metric)]}
    return [_system_row(report, system, tests) for system in report["systems"]]


def _system_row(
    report: ReportJson, system: SystemJson, tests: dict[str, DifferenceJson]
) -> dict[str, Any]:
    row: dict[str, Any] = {"System": system["name"]}
    means = {
        metric: _with_interval(system["metrics"][metric], system["ci95"][metric])
        for metric in report["metrics"]
        if metric in system["metrics"]
    }
    row |= dict(list(means.items())[:1])
    test = tests.get(system["name"])
    if test is not None:
        row["Against the baseline"] = f"{-test['delta']:+.3f} ({_chance(_p(test))})"
    elif system["name"] == report["baseline"]:
        row["Against the baseline"] = "is the baseline"
    row |= means
    row["Missed"] = system.get("missed")
    row["p50 ms"] = _rounded(system["latency_ms"].get("p50"))
    row |= {name: _rounded(value) for name, value in system.get("facts", {}).items()}
    return row


def _with_interval(mean: float, interval: Sequence[float]) -> str:
    low, high = (_shown(end, interval) for end in interval)
    return f"{_shown(mean, interval)} ({low}–{high})"


def _shown(value: float, interval: Sequence[float]) -> str:
    return f"{value:.3f}" if abs(interval[1]) <= 1 else f"{value:,.0f}"  # shares, or counts


def _sign(metric: str) -> int:
    """1 where more is better, -1 where less is."""
    return -1 if metric.startswith("context tokens") else 1


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def interval_rows(report: ReportJson, metric: str) -> list[dict[str, Any]]:
    """Mean and interval of each system in one measure, for a plot."""
    return [
        {
            "System": s["name"],
            "mean": s["metrics"][metric],
            "low": s["ci95"][metric][0],
            "high": s["ci95"][metric][1],
        }
        for s in report["systems"]
        if metric in s["metrics"]
    ]


def speed_rows(report: ReportJson, metric: str) -> list[dict[str, Any]]:
    """Quality against time per question, and whether no system is both better and faster."""
    points: list[dict[str, Any]] = [
        {"System": s["name"], "ms": s["latency_ms"].get("p50"), "mean": s["metrics"][metric]}
        for s in report["systems"]
        if metric in s["metrics"] and s["latency_ms"].get("p50")
    ]
    for point in points:
        point["front"] = not any(
            other["ms"] <= point["ms"]
            and _sign(metric) * other["mean"] >= _sign(metric) * point["mean"]
            for other in points
            if (other["ms"], other["mean"]) != (point["ms"], point["mean"])
        )
    return points


def loss_rows(report: ReportJson) -> list[dict[str, Any]]:
    """How many questions each system lost something of, by the first stage that did."""
    order = list(STAGES)
    return [
        {"System": s["name"], "Stage": stage, "Questions": count, "order": order.index(stage)}
        for s in report["systems"]
        for stage, count in s.get("losses", {}).items()
        if stage in STAGES and count
    ]
