"""Why a hit stands where it does, in a sentence or two made of what the search knows of it.

Knows ranks, parts of scores and stages; nothing of where they come from.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Facts", "ordinal", "why"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one hit.

    Args:
        rank: where it stands, from 1.
        fused_rank: where it stood before reranking, collapsing and diversity.
        mode, fusion: how it was searched for.
        dense_rank, lexical_rank: in each list; ``None``: it is not in it.
        dense_gain, lexical_gain: what each half gave to its fused score; ``None`` where nothing was fused.
        depth: how many hits each list was asked for.
        has_words: whether every chunk that holds a word of the query is in the lexical list.
        reranked, diverse: whether these stages had a say.
        duplicates: hits that are shown as this one.
    """

    rank: int
    fused_rank: int
    mode: str
    fusion: str
    dense_rank: int | None
    lexical_rank: int | None
    dense_gain: float | None
    lexical_gain: float | None
    depth: int
    has_words: bool
    reranked: bool
    diverse: bool
    duplicates: int


def why(facts: Facts) -> str:
    """Why it stands where it does."""
    said = [_found(facts), _moved(facts), _stands_for(facts)]
    return " ".join(sentence for sentence in said if sentence)


def ordinal(n: int) -> str:
    """``1st``, ``2nd``, ``11th``."""
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def _found(facts: Facts) -> str:
    if facts.mode == "dense":
        return f"It is {ordinal(facts.dense_rank or 0)} by meaning, which alone was searched."
    if facts.mode == "lexical":
        return f"It is {ordinal(facts.lexical_rank or 0)} by words, which alone were searched."
    dense, lexical = facts.dense_rank, facts.lexical_rank
    by_meaning = f"{ordinal(dense)} by meaning" if dense else _not_near(facts)
    by_words = f"{ordinal(lexical)} by words" if lexical else _no_words(facts)
    both = dense is not None and lexical is not None
    return f"It is {by_meaning} {'and' if both else 'but'} {by_words}; {_share(facts)}."


def _not_near(facts: Facts) -> str:
    return f"not among the {facts.depth} nearest by meaning"


def _no_words(facts: Facts) -> str:
    return (
        "holds none of the words"
        if facts.has_words
        else f"not among the {facts.depth} best by words"
    )


def _share(facts: Facts) -> str:
    """Which half its score is owed to."""
    if facts.fusion == "rrf":
        return "only these ranks count"
    dense, lexical = facts.dense_gain or 0.0, facts.lexical_gain or 0.0
    if dense <= 0:
        return "its score is owed to the words alone"
    if lexical <= 0:
        return "its score is owed to the meaning alone"
    share = dense / (dense + lexical)
    if round(share, 2) == 0.5:
        return "both give half of its score"
    more, part = ("meaning", share) if share > 0.5 else ("words", 1 - share)
    return f"{more} give{'s' if more == 'meaning' else ''} {part:.0%} of its score"


def _moved(facts: Facts) -> str:
    """What came after fusion, where that changed its place."""
    rank, before = facts.rank, facts.fused_rank
    if rank == before:
        return ""
    moved = f"from {ordinal(before)} to {ordinal(rank)}"
    if facts.reranked:
        more = ", with what came after it" if facts.diverse else ""
        return (
            f"The reranker{more}, moved it {moved}." if more else f"The reranker moved it {moved}."
        )
    if facts.diverse:
        return f"Wanting passages that differ moved it {moved}."
    return f"Near-duplicates above it are shown as one, which moved it {moved}."


def _stands_for(facts: Facts) -> str:
    if not facts.duplicates:
        return ""
    others = "1 other" if facts.duplicates == 1 else f"{facts.duplicates} others"
    return f"It stands for {others} of nearly the same text."
