"""Who may come in, for the owner: let somebody in, show their new key once, give them another, let them in no more."""

from __future__ import annotations

import streamlit as st

from corpus.errors import AlcoveError
from ui.api.health import HealthService, UserJson
from ui.state import me, service, state, take_key
from ui.views.outage import guarded
from ui.words.plain_words import label

__all__ = ["draw"]

_NEW_KEY, _REMOVE = "New key", "Remove"


def draw() -> None:
    """Draw the users, a key that was just made, and the form."""
    users = HealthService(service()).users()
    with st.container(key="users", border=True, gap="small"):
        st.caption("Users and keys")
        _new_key()
        if not users:
            st.markdown("**Nobody needs a key**")
            st.caption(
                "Whoever uses this machine is its owner. Make a key for yourself first: from then on everybody signs "
                "in with theirs, and sees what they may read. You are signed in with it at once."
            )
        for user in users:
            _row(user)
        _form(is_first=not users)


def _new_key() -> None:
    made = state().status.key
    if made is None:
        return
    with st.container(key="new-key", gap="xsmall"):
        st.markdown(f":material/key: **The key of {label(made['name'])}, which is shown only now**")
        st.code(made["key"], language=None, wrap_lines=True)
        st.caption(
            "Keep it, or hand it over where nobody else reads it. The page asks for it; programs send it as "
            "`Authorization: Bearer KEY`."
        )
        st.button("Put it away", key="put-away", on_click=state().status.put_away)


def _row(user: UserJson) -> None:
    name = user["name"]
    with st.container(
        key=f"user-{name}", horizontal=True, vertical_alignment="center", gap="small", wrap=False
    ):
        with st.container(gap=None):
            is_me = " · you" if name == me()["name"] else ""
            kind = ":material/shield_person: owner" if user["owner"] else ":material/person: user"
            st.markdown(f"**{label(name)}** · {kind}{is_me}")
            st.caption(f"Key {label(user['key'])}… · since {label(user['created'])}")
        wish = st.menu_button(
            "",
            [_NEW_KEY, _REMOVE],
            key=f"menu-user-{name}",
            type="tertiary",
            icon=":material/more_horiz:",
            help=f"New key, or remove {name}",
        )
    if wish == _NEW_KEY:
        _rotate(name)
    elif wish == _REMOVE:
        _remove(name)


def _form(is_first: bool) -> None:
    form = st.form("add-user", border=False, clear_on_submit=True)
    with form.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.text_input(
            "Your name" if is_first else "Name of somebody new",
            max_chars=32,
            placeholder="a-z, 0-9, - and _",
            key="new-user",
            width=260,
        )
        owner = is_first or st.checkbox(
            "Owner", key="new-user-owner", help="Acts as the owner of the machine."
        )
        asked = st.form_submit_button("Make a key", icon=":material/person_add:")
    if asked and name.strip():
        try:
            made = HealthService(service()).add_user(name.strip().lower(), owner)
            take_key(made, is_mine=is_first)
        except AlcoveError as exc:
            st.error(label(str(exc), 300))
        else:
            st.rerun()


@st.dialog("A new key?")
@guarded
def _rotate(name: str) -> None:
    is_mine = name == me()["name"]
    whose = "Your old key is" if is_mine else f"The old key of {label(name)} is"
    st.markdown(f"{whose} refused from that moment on.")
    if _confirmed("Make a new key", "rotate"):
        made = HealthService(service()).new_key(name)
        take_key(made, is_mine=is_mine)
        st.rerun()


@st.dialog("Let in no more?")
@guarded
def _remove(name: str) -> None:
    st.markdown(f"The key of **{label(name)}** is refused from that moment on.")
    if name == me()["name"]:
        st.markdown("It is your own: you will have to sign in with another.")
    st.caption(
        "Their conversations, notes and documents stay, for a user of the same name. To delete them too, run this "
        "on the machine:"
    )
    st.code(f"alcove users remove {name} --forget", language=None)
    if _confirmed("Remove", "remove"):
        HealthService(service()).remove_user(name)
        state().status.put_away()
        st.rerun()


def _confirmed(words: str, key: str) -> bool:
    with st.container(horizontal=True):
        confirmed = st.button(words, key=f"user-{key}", type="primary")
        if st.button("Leave it", key=f"user-leave-{key}"):
            st.rerun()
    return confirmed
