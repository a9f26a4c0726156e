"""Runs a prepared graph on OpenVINO: batches on all cores at once, one short text with no batch machinery.

The two ways are compiled apart, each when it is first needed, since a process that answers queries rarely embeds and
one that embeds rarely answers. A shape seen for the first time costs a few milliseconds of kernel building, so
widths come in steps and rows in powers of two; ``warm_up`` builds those of ordinary queries.
"""

from __future__ import annotations

import os
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.errors import Damaged
from retrieval.batches import STEP, Tokens, padded, token_batches

if TYPE_CHECKING:
    from retrieval.protocols import Array

__all__ = ["OpenVINORuntime", "has_bf16"]

SMALL_TOKENS = 512  # texts of at most so many tokens together go the short way
WARM_WIDTHS = range(STEP, 4 * STEP + 1, STEP)
PRECISIONS = {"fp32": "f32", "bf16": "bf16"}


def has_bf16() -> bool:
    """Whether OpenVINO has bf16 kernels for this processor."""
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class OpenVINORuntime:
    """As ``retrieval.encoder.Runtime``; safe to share between threads.

    Args:
        graph: from ``retrieval.prepared`` or ``retrieval.quantization``, its hash checked.
        dtype: arithmetic of what the graph does not quantize, ``"fp32"`` or ``"bf16"``.
        pad_id: the padding token.
        batch_tokens: padded tokens of a batch.
    """

    name = "openvino"

    def __init__(self, graph: Path, dtype: str, pad_id: int, batch_tokens: int) -> None:
        self._graph, self._dtype = graph, dtype
        self._pad_id, self._batch_tokens = pad_id, batch_tokens
        self._busy, self._querying = threading.Lock(), threading.Lock()

    def vectors(self, ids: Tokens) -> Array:
        """Shape (len(ids), dimension), of any length."""
        longest = max(map(len, ids), default=0)
        if longest * len(ids) <= SMALL_TOKENS:
            return self._few(ids)
        return self._many(ids)

    def warm_up(self) -> None:
        """Build the kernels of ordinary queries."""
        for width in WARM_WIDTHS:
            self._few([[self._pad_id] * width])

    def _few(self, ids: Tokens) -> Array:
        if not ids:
            return np.zeros((0, self._dimension(self._request.model_outputs[0])), dtype=np.float32)
        arrays = padded(ids, self._pad_id, rows=1 << (len(ids) - 1).bit_length())
        with self._querying:
            out = self._request.infer(arrays, share_inputs=True)
            vectors: Array = out[0][: len(ids)].copy()
            return vectors

    def _many(self, ids: Tokens) -> Array:
        with self._busy:
            queue = self._queue
            out = np.zeros((len(ids), self._dimension(queue[0].model_outputs[0])), dtype=np.float32)

            def take(request: Any, rows: list[int]) -> None:
                out[rows] = request.get_output_tensor(0).data

            queue.set_callback(take)
            for rows in token_batches(ids, self._batch_tokens):
                arrays = padded([ids[row] for row in rows], self._pad_id)
                queue.start_async(dict(enumerate(arrays)), rows)
            queue.wait_all()
            return out

    @cached_property
    def _request(self) -> Any:
        return self._compiled("LATENCY").create_infer_request()

    @cached_property
    def _queue(self) -> Any:
        from openvino import AsyncInferQueue

        return AsyncInferQueue(self._compiled("THROUGHPUT"))

    def _compiled(self, hint: str) -> Any:
        options = {
            "PERFORMANCE_HINT": hint,
            "INFERENCE_PRECISION_HINT": PRECISIONS[self._dtype],
            "INFERENCE_NUM_THREADS": len(os.sched_getaffinity(0)),
        }
        try:
            return _core().compile_model(str(self._graph), "CPU", options)
        except RuntimeError as exc:
            raise Damaged(
                f"the graph {str(self._graph)!r} cannot be run ({str(exc)[-120:]}); delete its folder, it is made anew"
            ) from exc

    @staticmethod
    def _dimension(output: Any) -> int:
        return int(output.partial_shape[1].get_length())


_CORES: list[Any] = []


def _core() -> Any:
    """OpenVINO's device manager, one for the process."""
    if not _CORES:
        from openvino import Core

        _CORES.append(Core())
    return _CORES[0]
