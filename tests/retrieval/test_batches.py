"""Batches hold every text once, cost no more than they may, and pad little."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retrieval.batches import STEP, padded, token_batches

lengths = st.lists(st.integers(1, 300), max_size=80)


@given(lengths, st.integers(STEP, 2000))
def test_every_text_is_in_one_batch_within_the_budget(sizes: list[int], budget: int) -> None:
    batches = list(token_batches([[1] * size for size in sizes], budget))
    assert sorted(row for rows in batches for row in rows) == list(range(len(sizes)))
    for rows in batches:
        width = -(-max(sizes[row] for row in rows) // STEP) * STEP
        assert len(rows) == 1 or len(rows) * width <= budget


@given(lengths)
def test_batches_go_from_long_to_short(sizes: list[int]) -> None:
    ordered = [sizes[row] for rows in token_batches([[1] * s for s in sizes], 512) for row in rows]
    assert ordered == sorted(sizes, reverse=True)


def test_padding_is_masked_and_rows_without_a_text_see_one_token() -> None:
    tokens, mask = padded([[5, 6, 7], [8]], pad_id=9, rows=4)
    assert tokens.shape == mask.shape == (4, STEP)
    assert tokens[0, :4].tolist() == [5, 6, 7, 9]
    assert mask.sum(axis=1).tolist() == [3, 1, 1, 1]
    assert (tokens[mask == 0] == 9).all()


def test_a_width_is_the_next_step() -> None:
    widths = [padded([[1] * n], 0)[0].shape[1] for n in (1, STEP, STEP + 1)]
    assert widths == [STEP, STEP, 2 * STEP]
    assert np.issubdtype(padded([[1]], 0)[0].dtype, np.int64)
