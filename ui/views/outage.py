"""What the page shows when something is in the way: what is wrong, what to do, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

from corpus.errors import AlcoveError, NotSignedIn
from ui.api.client import ServiceDown
from ui.state import service, settings
from ui.views import sign_in
from ui.words.plain_words import label

__all__ = ["draw", "guarded"]

P = ParamSpec("P")


def guarded(
    part: Callable[P, None], meanwhile: Callable[[], None] | None = None
) -> Callable[P, None]:
    """A part of the page that says in words what stands in its way, instead of breaking.

    Fragments and dialogs are drawn by themselves, out of reach of the page's own handling.

    Args:
        part: draws.
        meanwhile: draws what has to stay on the page while the service is away.
    """

    @wraps(part)
    def told(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            part(*args, **kwargs)
        except ServiceDown as exc:
            draw(str(exc))
            if meanwhile is not None:
                meanwhile()
        except NotSignedIn as exc:
            sign_in.draw(str(exc))
        except AlcoveError as exc:
            st.error(label(str(exc), 500))

    return told


def draw(reason: str) -> None:
    """Say that the service is away, and draw the page anew as soon as it answers."""
    with st.container(key="outage", border=True):
        st.subheader("Alcove is not answering", anchor=False)
        st.markdown(label(reason, 300))
        st.caption(
            "Nothing is lost: questions, answers and documents are kept by the service. "
            "If it does not come back, start it with `alcove up`."
        )
        st.fragment(_try_again, run_every=settings().outage_s)()


def _try_again() -> None:
    try:
        service().ready()
    except ServiceDown:
        st.caption(":material/sync: Trying again by itself…")
    else:
        st.rerun()
