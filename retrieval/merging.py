"""Which segments of the dense index an edit writes anew.

The order of the day is that of a log-structured merge tree: a segment is merged when the rest that is written is not
smaller, so each rewriting at least doubles the segment a vector is in. On top of that, an edit pays for what it brings:
one document never makes its author wait for a million vectors, however the sizes fall. Knows numbers only.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["to_merge"]

MAX_DEAD_FRACTION = 0.2  # dead rows of a segment above which its rewriting pays
WORN_FRACTION = 0.5  # dead rows above which it is rewritten at any cost
MAX_SEGMENTS = 12  # each costs a search some tenths of a millisecond at most
PAYS = 16  # vectors an edit may rewrite for each one it adds or removes
TIER = 2  # times the size of another: still about as large
CHEAP = 2  # times the largest exact segment: what any edit may rewrite


def to_merge(
    sizes: Sequence[int], live: Sequence[int], added: int, removed: int, exact_vectors: int
) -> set[int]:
    """Positions of the segments to write anew, together with ``added`` new vectors.

    Args:
        sizes: rows of each segment. live: those of them that are not dead.
        added, removed: vectors that the edit brings and takes away.
        exact_vectors: rows of the largest segment that is searched exactly, and so is cheap to make.
    """
    allowed = max(CHEAP * exact_vectors, PAYS * (added + removed))
    by_size = sorted(range(len(sizes)), key=lambda n: sizes[n])
    merged = {n for n in by_size if live[n] < (1 - WORN_FRACTION) * sizes[n] or not live[n]}
    written = added + sum(live[n] for n in merged)
    for n in by_size:
        is_worn = live[n] < (1 - MAX_DEAD_FRACTION) * sizes[n]
        fits = written + live[n] <= allowed
        if n not in merged and fits and (is_worn or sizes[n] <= written):
            merged.add(n)
            written += live[n]
    if len(sizes) - len(merged) >= MAX_SEGMENTS:
        # All up to about the median: the pile of equals that the allowance has left unmerged, but not the base.
        tier = TIER * sizes[by_size[len(sizes) // 2 - 1]]
        merged.update(n for n in by_size if sizes[n] <= tier)
    return merged
