"""Which segments an edit rewrites."""

from __future__ import annotations

import random

from retrieval.merging import MAX_SEGMENTS, to_merge

EXACT = 30_000
MILLION = 1_000_000


def merged(sizes: list[int], added: int = 1, removed: int = 0, dead: int = 0) -> set[int]:
    """What an edit merges; ``dead`` rows are in the first segment."""
    live = [sizes[0] - dead, *sizes[1:]]
    return to_merge(sizes, live, added, removed, EXACT)


def test_a_small_edit_leaves_a_large_segment_alone() -> None:
    assert merged([MILLION]) == set()
    assert merged([MILLION], added=0, removed=1, dead=1) == set()


def test_small_segments_are_merged_so_that_each_rewriting_doubles_them() -> None:
    assert merged([MILLION, 1]) == {1}
    assert merged([MILLION, 2, 1]) == {1, 2}
    assert merged([MILLION, 4, 1]) == {2}


def test_one_document_never_pays_for_a_million_vectors() -> None:
    sizes = [MILLION // 2, MILLION // 4, MILLION // 8, 125_000]
    assert merged(sizes, added=1) == set()
    assert merged([MILLION], added=1, removed=1, dead=300_000) == set()


def test_many_documents_do() -> None:
    assert merged([MILLION // 2, MILLION // 4], added=300_000) == {0, 1}
    assert merged([MILLION], added=100_000, dead=300_000) == {0}


def test_a_segment_of_which_most_is_deleted_is_written_anew_at_any_cost() -> None:
    assert merged([MILLION], added=0, removed=1, dead=MILLION // 2 + 1) == {0}
    assert merged([5], added=0, removed=5, dead=5) == {0}


def test_segments_do_not_pile_up_and_each_vector_is_rewritten_a_few_times() -> None:
    rng = random.Random(1)
    sizes: list[int] = []
    written = added = 0
    for _ in range(20_000):
        new = rng.choice([1, 1, 1, 20, 300])
        gone = to_merge(sizes, sizes, new, 0, exact_vectors=2_000)
        size = new + sum(sizes[n] for n in gone)
        sizes = [s for n, s in enumerate(sizes) if n not in gone] + [size]
        assert len(sizes) <= MAX_SEGMENTS
        added, written = added + new, written + size
    assert sum(sizes) == added
    assert written < 20 * added
