"""One document: how it was read, its text and its chunks, what is known of it, cutting it anew, deleting it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from corpus.errors import NotFound
from ui.api.wire import DocumentJson
from ui.state import document, library, state
from ui.views.library import cutting, drawn
from ui.words.plain_words import day, label, name_of, size, state_words
from ui.words.prose import plain, show
from ui.words.shelf_words import strip_of

__all__ = ["draw"]

_CHARACTERS = 6_000  # of the text at once
_CHUNKS = 20
_PARTS = {"text": "Text as read", "chunks": "Chunks", "about": "About"}


def draw(id: str) -> None:
    """Draw the document ``id``."""
    st.button(
        "All documents", icon=":material/arrow_back:", key="back-to-list", type="tertiary",
        on_click=state().shelf.open, args=(None,),
    )  # fmt: skip
    try:
        found = document(id)
    except NotFound:
        st.info("This document is no longer in the library.")
        return
    if found.get("gone"):
        st.info("This document was deleted or replaced; look for it in the list.")
        return
    with st.container(key="document"):
        _head(found)
        _pages(found)
        cutting.draw(found)
        _parts(found)


def _head(d: DocumentJson) -> None:
    told = state_words(d["state"])
    name = d["title"] or name_of(d["source"])
    with st.container(gap="xsmall"):
        st.subheader(label(name, 160), anchor=False)
        known = [label(d["source"].removeprefix("upload:"), 200), label(d["collection"])]
        known += [size(d["size"]), *filter(None, [day(d.get("added"))])]
        st.caption(" · ".join(known))
    mark = {
        "good": ":green[:material/check_circle:]",
        "part": ":orange[:material/error:]",
    }.get(drawn.tone(d["state"]), ":red[:material/error:]")
    st.markdown(f"{mark} **{told.name}.** {label(d['reason'], 400)} {told.advice}")
    with st.container(horizontal=True, key="document-buttons"):
        st.download_button(
            "Download", partial(library().original, d["id"]), file_name=name_of(d["source"]),
            mime="application/octet-stream", on_click="ignore", icon=":material/download:",
            key="original",
        )  # fmt: skip
        if told.searchable and d["chunks"]:
            cutting.opener()
        st.button(
            "Delete", icon=":material/delete:", key="delete-document",
            on_click=_delete, args=(d["id"], name),
        )  # fmt: skip


def _delete(id: str, name: str) -> None:
    held = state().shelf
    held.leaving = ((id, name),)
    held.open(None)


def _pages(d: DocumentJson) -> None:
    pages = d.get("page_details", [])
    if pages:
        drawn.pages(strip_of(pages), f"pages-{d['id']}")
    missing = d.get("missing", [])
    for words in missing[:5]:
        st.caption(f":material/info: {label(words, 300)}")


def _parts(d: DocumentJson) -> None:
    held = state().shelf
    if not state_words(d["state"]).searchable:
        held.inside = "about"
    else:
        st.session_state["document-part"] = held.inside
        st.segmented_control(
            "Part of the document", list(_PARTS), format_func=_PARTS.__getitem__, required=True,
            key="document-part", label_visibility="collapsed",
            on_change=lambda: held.look_at(st.session_state["document-part"]),
        )  # fmt: skip
    {"text": _text, "chunks": _chunks, "about": _about}[held.inside](d)


def _text(d: DocumentJson) -> None:
    at = state().shelf.at
    read = library().text(d["id"], at, at + _CHARACTERS)
    if not read["length"]:
        st.caption("There is no text of its own in it.")
        return
    show(plain(read["text"]), key=f"text-{d['id']}", kind="source")
    _turn("characters", at, _CHARACTERS, read["length"])


def _chunks(d: DocumentJson) -> None:
    at = state().shelf.at
    before = 0
    found = library().chunks(d["id"], max(at - 1, 0), _CHUNKS + bool(at))
    items = found["chunks"]
    if at and items:
        before = items.pop(0)["end"]
    way = d.get("strategy")
    said = f"{found['total']:,} chunks" if found["total"] != 1 else "1 chunk"
    st.caption(
        f"{said}, cut by {label(way)}. Each is searched by itself; what repeats the end of the one "
        "before is underlined."
        if way
        else f"{said}. What repeats the end of the one before is underlined."
    )
    drawn.chunks(items, before, f"chunks-{d['id']}")
    _turn("chunks", at, _CHUNKS, found["total"])


def _turn(what: str, at: int, step: int, total: int) -> None:
    """The way through a long part."""
    held = state().shelf
    if total <= step:
        return
    with st.container(key="document-turn", horizontal=True, vertical_alignment="center"):
        last = min(at + step, total)
        st.caption(f"{what.capitalize()} {at + 1:,} to {last:,} of {total:,}", width="stretch")
        for to, icon, words in ((at - step, "left", "Before"), (at + step, "right", "Next")):
            st.button(
                words, icon=f":material/chevron_{icon}:",
                key=f"document-turn-{icon}", type="tertiary",
                disabled=not 0 <= to < total, on_click=held.look_at, args=(held.inside, to),
            )  # fmt: skip


def _about(d: DocumentJson) -> None:
    known = [
        ("Source", d["source"]), ("Collection", d["collection"]), ("Kind", d["media_type"]),
        ("Size", f"{d['size']:,} bytes"), ("Added", day(d.get("added"))),
        ("Pages", f"{d['pages']:,}" if d["pages"] else ""), ("Chunks", f"{d['chunks']:,}"),
        ("Cut by", d.get("strategy") or ""), *d.get("metadata", {}).items(),
    ]  # fmt: skip
    drawn.facts([(name, value) for name, value in known if value], f"facts-{d['id']}")
    alike = d.get("duplicates", [])
    if isinstance(alike, list) and alike:
        st.markdown("**The same content is also in**")
        for other in alike[:20]:
            st.button(
                label(f"{name_of(other['source'])} · {other['collection']}", 120),
                key=f"alike-{other['id']}", type="tertiary", icon=":material/content_copy:",
                on_click=state().shelf.open, args=(other["id"],),
            )  # fmt: skip
