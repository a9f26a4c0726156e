"""Signing in: the key that the service asks for, who is signed in, and signing out."""

from __future__ import annotations

import streamlit as st

from corpus.errors import AlcoveError, NotSignedIn
from ui.state import me, settings, sign_out
from ui.state import sign_in as sign_in_with
from ui.words.plain_words import label

__all__ = ["draw", "person"]


def draw(reason: str) -> None:
    """Ask for the key; it is kept in this session only, and gone with it."""
    given = bool(settings().key.get_secret_value())
    with st.container(key="sign-in", border=True):
        st.subheader("Sign in", anchor=False)
        st.caption(
            label(reason, 300) if given else "This Alcove has several users; each has a key."
        )
        with st.form("sign-in-form", border=False):
            key = st.text_input("API key", type="password", key="sign-in-key", autocomplete="off")
            asked = st.form_submit_button("Sign in", type="primary")
        if asked and key.strip():
            try:
                sign_in_with(key)
            except NotSignedIn:
                st.error(
                    "The service does not know this key. Ask the owner of the machine for one."
                )
            except AlcoveError as exc:
                st.error(label(str(exc), 300))
            else:
                st.rerun()


def person() -> None:
    """Who is signed in, with the way out; nothing where there are no users."""
    found = me()
    if not found["signed_in"]:
        return
    with st.container(key="person", horizontal=True, vertical_alignment="center"):
        st.caption(f"Signed in as {label(found['name'], 40)}")
        st.button("Sign out", key="sign-out", type="tertiary", on_click=sign_out)
