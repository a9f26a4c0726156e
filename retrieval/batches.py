"""Token lists into rectangular batches of bounded cost and little padding. Knows nothing of any library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

__all__ = ["STEP", "Tokens", "padded", "token_batches"]

Tokens = Sequence[Sequence[int]]

STEP = (
    16  # widths are multiples of this, so that few shapes occur and their kernels are found ready
)
MAX_ROWS = 128


def token_batches(ids: Tokens, budget: int) -> Iterator[list[int]]:
    """Row numbers, longest texts first: at most ``budget`` padded tokens, or one text, in a batch."""
    batch: list[int] = []
    for row in sorted(range(len(ids)), key=lambda i: -len(ids[i])):
        width = _width(len(ids[batch[0] if batch else row]))
        if batch and ((len(batch) + 1) * width > budget or len(batch) == MAX_ROWS):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def padded(ids: Tokens, pad_id: int, rows: int = 0) -> tuple[Any, Any]:
    """Tokens and attention mask, two int64 arrays of shape (max(len(ids), rows), width).

    Args:
        rows: least number of rows; those without a text attend to one padding token.
    """
    shape = (max(len(ids), rows), _width(max(map(len, ids))))
    tokens, mask = np.full(shape, pad_id, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for row, text in enumerate(ids):
        tokens[row, : len(text)] = text
        mask[row, : len(text)] = 1
    mask[len(ids) :, 0] = 1
    return tokens, mask


def _width(length: int) -> int:
    return -(-max(length, 1) // STEP) * STEP
