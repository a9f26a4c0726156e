"""Why a hit stands where it does, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from retrieval.reasons import Facts, ordinal, why

BOTH = Facts(
    rank=1, fused_rank=1, mode="hybrid", fusion="calibrated", dense_rank=2, lexical_rank=1,
    dense_gain=0.2, lexical_gain=0.6, depth=100, has_words=True, reranked=False, diverse=False,
    duplicates=0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "It is 2nd by meaning and 1st by words; words give 75% of its score."),
        (
            {"dense_gain": 0.6},
            "It is 2nd by meaning and 1st by words; both give half of its score.",
        ),
        (
            {"dense_gain": 5.4},
            "It is 2nd by meaning and 1st by words; meaning gives 90% of its score.",
        ),
        (
            {"lexical_rank": None, "lexical_gain": 0.0},
            "It is 2nd by meaning but holds none of the words;"
            " its score is owed to the meaning alone.",
        ),
        (
            {"lexical_rank": None, "lexical_gain": 0.0, "has_words": False},
            "It is 2nd by meaning but not among the 100 best by words;"
            " its score is owed to the meaning alone.",
        ),
        (
            {"dense_rank": None, "dense_gain": -0.1},
            "It is not among the 100 nearest by meaning but 1st by words;"
            " its score is owed to the words alone.",
        ),
        ({"fusion": "rrf"}, "It is 2nd by meaning and 1st by words; only these ranks count."),
        ({"mode": "dense"}, "It is 2nd by meaning, which alone was searched."),
        ({"mode": "lexical"}, "It is 1st by words, which alone were searched."),
    ],
)
def test_what_a_hit_is_owed_to(change: dict[str, object], said: str) -> None:
    assert why(replace(BOTH, **change)) == said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reranked": True}, "The reranker moved it from 3rd to 1st."),
        (
            {"reranked": True, "diverse": True},
            "The reranker, with what came after it, moved it from 3rd to 1st.",
        ),
        ({"diverse": True}, "Wanting passages that differ moved it from 3rd to 1st."),
        ({}, "Near-duplicates above it are shown as one, which moved it from 3rd to 1st."),
    ],
)
def test_what_moved_it_after_fusion(change: dict[str, object], said: str) -> None:
    assert why(replace(BOTH, fused_rank=3, **change)).endswith(said)


def test_what_is_shown_as_it() -> None:
    assert why(replace(BOTH, duplicates=2)).endswith(
        "It stands for 2 others of nearly the same text."
    )


def test_ordinals_are_english() -> None:
    numbers = (1, 2, 3, 4, 11, 12, 13, 21, 102, 111, 113)
    assert " ".join(map(ordinal, numbers)) == (
        "1st 2nd 3rd 4th 11th 12th 13th 21st 102nd 111th 113th"
    )
