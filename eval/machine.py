"""What this machine can do at best, to hold figures against; and figures as a table."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["Peak", "print_figures"]

ROWS, INNER, COLUMNS = 2048, 768, 3072  # a batch through the widest layer of a BERT-base
LAYERS = 4  # products in a row, so that the work outweighs what surrounds it
SECONDS = 1.0
LEVELS = 256


class Peak:
    """The rate of matrix products on all cores, in one precision.

    Args:
        precision: ``fp32``, ``bf16`` or ``int8``.
    """

    def __init__(self, precision: str) -> None:
        from openvino import AsyncInferQueue, Core

        options = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "INFERENCE_PRECISION_HINT": "f32" if precision == "fp32" else "bf16",
            "INFERENCE_NUM_THREADS": len(os.sched_getaffinity(0)),
        }
        graph = _products(rounded=precision == "int8")
        self._queue: Any = AsyncInferQueue(Core().compile_model(graph, "CPU", options))
        self._input = np.random.default_rng(0).standard_normal((ROWS, INNER)).astype(np.float32)

    def measure(self) -> float:
        """Multiplications and additions a second, the best of some rounds in a second."""
        best, until = 0.0, time.perf_counter() + SECONDS
        while time.perf_counter() < until:
            started, runs = time.perf_counter(), 2 * len(self._queue)
            for _ in range(runs):
                self._queue.start_async({0: self._input})
            self._queue.wait_all()
            operations = runs * LAYERS * 2 * 2 * ROWS * INNER * COLUMNS
            best = max(best, operations / (time.perf_counter() - started))
        return best


def _products(rounded: bool) -> Any:
    """A graph of matrix products there and back between the inner and the wide side."""
    from openvino import Model, opset13

    draw = np.random.default_rng(0)
    node = start = opset13.parameter([ROWS, INNER], np.float32)
    for _ in range(LAYERS):
        for shape in ((INNER, COLUMNS), (COLUMNS, INNER)):
            weights = opset13.constant((draw.standard_normal(shape) / 40).astype(np.float32))
            factors = [_rounded(node, 8.0), _rounded(weights, 0.1)] if rounded else [node, weights]
            node = opset13.matmul(*factors, False, False)
    return Model([opset13.reduce_mean(node, np.array([0]), False)], [start])


def _rounded(node: Any, limit: float) -> Any:
    from openvino import opset13

    ends = [np.float32(-limit), np.float32(limit)] * 2
    return opset13.fake_quantize(node, *ends, LEVELS)


def print_figures(figures: Mapping[str, Any]) -> None:
    """One figure a line, for people; those that were not measured are left out."""
    for name, value in figures.items():
        if value is not None:
            print(f"{name.replace('_', ' '):24} {value}")
