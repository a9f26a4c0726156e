"""The status: is all well, and if not, what to do; what answers, what is at work, what is stored, and who may come in.

What changes by itself is drawn again every few seconds, alone (``ui.views.status.live``).
"""

from __future__ import annotations

import streamlit as st

from ui.api.wire import CollectionJson, StatusJson
from ui.state import me, settings, status
from ui.views.status import live, users
from ui.words.plain_words import label, state_words

__all__ = ["draw"]

_MOST = 12  # collections in the table; the others are counted


def draw() -> None:
    """Draw what the service says of itself."""
    is_owner = me()["owner"]
    with st.container(key="status"):
        st.title("Status", anchor=False)
        st.fragment(live.draw, run_every=settings().status_s)(is_owner)
        now = status()
        _holdings(now)
        if is_owner:
            users.draw()
        else:
            st.caption(
                "Where Alcove keeps its files, how the machine is and who else has a key is the "
                "owner's to see; ask them if something is wrong."
            )
        home = f" · {label(now['home'], 200)}" if now["home"] else ""
        st.caption(f"Alcove {label(now['version'])}{home}")


def _holdings(now: StatusJson) -> None:
    with st.container(key="holdings", border=True):
        st.caption("The library holds" if now["home"] else "You can read")
        if now["collections"]:
            _table(now["collections"])
        else:
            st.markdown("**Nothing yet**")
            st.caption("Add documents in the Library, or run `alcove ingest FOLDER`.")
        words = [f"{n:,} {state_words(s).name.lower()}" for s, n in now["states"].items() if n]
        if now["snapshot"] is not None:
            words.append(f"snapshot {now['snapshot']}")
        if words:
            st.caption(" · ".join(words))


def _table(collections: list[CollectionJson]) -> None:
    largest = sorted(collections, key=lambda c: -c["documents"])
    rows = [
        {
            "Collection": label(c["name"], 60),
            "Documents": f"{c['documents']:,}",
            "Passages": f"{c['chunks']:,}",
        }
        for c in largest[:_MOST]
    ]
    st.table(rows, border="horizontal", hide_index=True)
    if len(largest) > _MOST:
        rest = largest[_MOST:]
        count = sum(c["documents"] for c in rest)
        st.caption(f"and {len(rest)} more with {count:,} documents")
