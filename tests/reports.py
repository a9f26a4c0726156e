"""What a benchmark of three systems found, small and written by hand: for tests of what shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eval.results.folder import write_results
from eval.results.records import Found, Loss, Row, Stage

Json = dict[str, Any]

METRIC = "nDCG@5"
WAYS = {"dense": 0.62, "lexical": 0.55, "hybrid": 0.7}
GOLD = "They are kept for thirty days."


def system_name(way: str) -> str:
    return f"recursive-200-30 {way}"


def report(dataset: str = "sample") -> Json:
    """``report.json``."""
    return {
        "dataset": dataset,
        "metric": METRIC,
        "metrics": [METRIC, "recall@5"],
        "baseline": system_name("hybrid"),
        "systems": [_system(way, value) for way, value in WAYS.items()],
        "tests": [_test("dense", 0.08, 0.012), _test("lexical", 0.15, 0.4)],
        "context": {"seed": 20240229},
    }


def _system(way: str, value: float) -> Json:
    metrics = {METRIC: value, "recall@5": value + 0.1}
    return {
        "name": system_name(way),
        "parts": {
            "chunker": "recursive", "size": 200, "encoder": "auto", "index": "auto",
            "fusion": way, "rerank": "",
        },
        "facts": {"chunks": 14, "mean tokens": 120.5, "index MiB": 0.1},
        "metrics": metrics,
        "ci95": {name: [v - 0.05, v + 0.04] for name, v in metrics.items()},
        "latency_ms": {"p50": 3.0 * value, "p95": 9.0},
        "n": 3,
        "n_by_metric": dict.fromkeys(metrics, 3),
        "losses": {"not retrieved": 1} if way == "dense" else {},
        "missed": 1 if way == "dense" else 0,
    }  # fmt: skip


def _test(other: str, delta: float, p: float) -> Json:
    return {
        "a": system_name("hybrid"), "b": system_name(other), "metric": METRIC, "delta": delta,
        "ci95": [delta - 0.05, delta + 0.05], "p": p, "p_t": p, "p_holm": p, "n": 3, "wins": 2,
        "ties": 0, "losses": 1, "moved": [{"query": "q2", "delta": 0.6}],
    }  # fmt: skip


def rows() -> list[Row]:
    """``queries.jsonl``: three questions under each system; dense search loses one."""
    return [_row(way, number) for way in WAYS for number in (1, 2, 3)]


def _row(way: str, number: int) -> Row:
    lost = way == "dense" and number == 2
    text = {1: "When do backups run?", 2: "How long are backups kept?", 3: "Who cooks?"}[number]
    passage = Found(1, "backups.md", 23, 73, 0.8, 1, 2, not lost, f"Backups run at two. {GOLD}")
    losses = (Loss("backups.md", 43, 73, Stage.NOT_RETRIEVED, "it was at rank 12"),)
    return Row(
        system_name(way),
        f"q{number}",
        text,
        "fact",
        {METRIC: 0.0 if lost else 1.0, "recall@5": 0.0 if lost else 1.0},
        2.5,
        lost,
        losses if lost else (),
        (passage,),
        ({"document": "backups.md", "start": 43, "end": 73, "quote": GOLD},),
    )


def write_report(folder: Path, dataset: str = "sample") -> None:
    """A whole results folder."""
    write_results(folder, report(dataset), rows(), {"q1": {"backups.md:43-73": 1}}, {}, "<p>ok</p>")


def compare_json(a: str, b: str) -> Json:
    """What ``alcove eval compare --json`` says."""
    sentence = f"{b} is better than {a} by 0.080 in {METRIC} (95 % interval 0.030 to 0.130)."
    return {"sentence": sentence, **_test("dense", 0.08, 0.012), "a": a, "b": b}
