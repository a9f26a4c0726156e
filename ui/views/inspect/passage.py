"""One passage of a search: its place in each list, what its score is made of, and its text where it stands."""

from __future__ import annotations

import streamlit as st

from corpus.errors import NotFound
from ui import kept
from ui.api.inspecting import InspectedJson, InspectionJson, ListedJson, SettingsJson
from ui.state import settings
from ui.words.plain_words import label, name_of
from ui.words.prose import marked, plain, show

__all__ = ["chosen", "draw"]

Found = InspectedJson | ListedJson


def chosen(found: InspectionJson, chunk: str | None) -> Found | None:
    """The passage that is chosen, wherever it was found; else the first of the result."""
    hits: list[Found] = [*found["hits"]]
    everywhere = [*hits, *found["dense"], *found["lexical"]]
    return next((p for p in everywhere if p["chunk"] == chunk), hits[0] if hits else None)


def draw(found: InspectionJson, passage: Found) -> None:
    """Draw a passage of a search."""
    chunk = passage["chunk"]
    hit = next((h for h in found["hits"] if h["chunk"] == chunk), None)
    with st.container(key="inspect-passage", border=True):
        page = f", p. {passage['page']}" if passage["page"] else ""
        st.subheader(label(name_of(passage["source"]), 90) + page, anchor=False)
        if passage["headings"]:
            st.caption(label(" › ".join(passage["headings"]), 200))
        _places(found, passage, hit)
        st.markdown(label(hit["why"] if hit else _missed(passage, found), 500))
        if hit and (sum_ := _sum(hit, found["settings"])):
            st.caption(label(sum_, 300))
        _text(passage)


def _places(found: InspectionJson, passage: Found, hit: InspectedJson | None) -> None:
    """Its place in each list, with the score it has there."""
    chunk = passage["chunk"]
    dense, lexical = (
        next((e for e in side if e["chunk"] == chunk), None)
        for side in (found["dense"], found["lexical"])
    )
    places = [
        ("Result", hit["rank"] if hit else None, hit["score"] if hit else None, "score {:.3f}"),
        ("By meaning", dense and dense["rank"], dense and dense["score"], "cosine {:.3f}"),
        ("By words", lexical and lexical["rank"], lexical and lexical["score"], "BM25 {:.1f}"),
    ]
    with st.container(key="inspect-places", horizontal=True):
        for words, rank, score, unit in places:
            st.metric(
                words,
                f"no. {rank}" if rank else "–",
                unit.format(score) if score is not None else "not in the list",
                delta_color="off",
                delta_arrow="off",
                width="content",
            )


def _missed(passage: Found, found: InspectionJson) -> str:
    place, k = passage["fused_rank"], found["settings"]["k"]
    shown = passage.get("hit")
    if shown:
        return f"It says nearly the same as no. {shown} of the result, and is shown there."
    if place and place > k:
        return f"With both lists joined it is no. {place}: the result ends at no. {k}."
    return "What comes after fusion left it out of the result."


def _sum(hit: InspectedJson, how: SettingsJson) -> str:
    """How its fused score came to be."""
    dense, lexical = hit["dense_part"], hit["lexical_part"]
    if how["fusion"] is None or dense is None or lexical is None:
        return ""
    if how["fusion"] == "rrf":
        made = f"{dense:.4f} (meaning) + {lexical:.4f} (words)"
        return f"Fused score {hit['fused_score']:.4f} = {made}"
    weights = how["weights"]
    made = (
        f"{weights['dense']:.2f} × {dense:.3f} (meaning)"
        f" + {weights['lexical']:.2f} × {lexical:.3f} (words)"
    )
    reranked = hit["rerank_score"]
    last = f"; the reranker gives {reranked:.3f}" if reranked is not None else ""
    return f"Fused score {hit['fused_score']:.3f} = {made}{last}"


def _text(passage: Found) -> None:
    """Its text with what stands around it."""
    around, (start, end) = settings().context_characters, (passage["start"], passage["end"])
    key = f"inspect-text-{passage['chunk']}"
    try:
        read = kept.text_around(passage["document"], start - around, end + around)
    except NotFound:
        st.caption("Its document is no longer in the library.")
        show(plain(passage["text"]), key=key, kind="source")
        return
    at = start - read["start"]
    show(marked(read["text"], at, at + end - start), key=key, kind="source")
