"""Runs a sentence-transformers model on PyTorch: every architecture, and the fastest there is on some processors."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieval.batches import Tokens, padded, token_batches
from retrieval.prepared import Prepared, load_transformer

if TYPE_CHECKING:
    from retrieval.protocols import Array

__all__ = ["TorchRuntime", "has_bf16"]

SMALL_TOKENS = 256  # below this a forward pass runs on one thread


def has_bf16() -> bool:
    """Whether PyTorch has fast bf16 matrix products on this processor."""
    import torch

    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


class TorchRuntime:
    """As ``retrieval.encoder.Runtime``; safe to share, one batch at a time.

    Args:
        dtype: ``"fp32"`` or ``"bf16"``.
        batch_tokens: padded tokens of a batch.
    """

    name = "torch"

    def __init__(self, prepared: Prepared, dtype: str, batch_tokens: int) -> None:
        import torch

        self._recipe = prepared.recipe
        self._batch_tokens = batch_tokens
        self._lock = threading.Lock()
        self._threads = len(os.sched_getaffinity(0))
        model = load_transformer(prepared.source)
        self._model = model.to(torch.bfloat16) if dtype == "bf16" else model

    def vectors(self, ids: Tokens) -> Array:
        """Shape (len(ids), dimension), of any length."""
        out = np.zeros((len(ids), self._recipe.dimension), dtype=np.float32)
        with self._lock:
            for rows in token_batches(ids, self._batch_tokens):
                out[rows] = self._forward([ids[row] for row in rows])
        return out

    def _forward(self, ids: Tokens) -> Any:
        import torch

        # Threads that wait for each other cost a short text more than they save, most of all on a busy machine.
        torch.set_num_threads(1 if sum(map(len, ids)) < SMALL_TOKENS else self._threads)
        tokens, mask = map(torch.from_numpy, padded(ids, self._recipe.pad_id))
        with torch.inference_mode():
            out = self._model({"input_ids": tokens, "attention_mask": mask})
            return out["sentence_embedding"].float().numpy()
