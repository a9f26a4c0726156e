"""The chat: questions, answers with their sources, and the viewer beside them."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from corpus.errors import NotFound
from ui import kept
from ui.api.live import LiveRun
from ui.api.threads import MessageJson
from ui.api.wire import StatusJson
from ui.conversing import Conversation
from ui.state import forget_threads, settings, state, status
from ui.views.chat import answer, asking, footer, viewer
from ui.views.outage import guarded
from ui.views.threads_list import export_buttons
from ui.words.plain_words import label
from ui.words.prose import plain, show

__all__ = ["EXAMPLES", "draw"]

EXAMPLES = (
    "Why can't I just load a 70B model in half precision?",
    "At what point would we buy a datacenter system instead of renting it?",
    "How much memory should I expect a QLoRA run of a 70B model to take?",
    "At what time does the backup begin every night?",
)
"""Questions that the sample documents answer."""
_SLASH = "`/search words` and `/read document` use the tools without a model."


def draw() -> None:
    """Draw the open conversation, or the empty page."""
    shown = _conversation()
    chat, beside = _rooms(state().viewing.place is not None)
    with chat:
        if shown and shown.messages:
            _head(shown)
            _messages(shown)
            next_questions = st.container(key="next-questions")
            if len(shown.messages) > 2:  # room, so that the newest question can stand at the top
                st.html('<div class="room-below"></div>')
        else:
            next_questions = None
            _welcome(status())
    with st.bottom:
        asking.draw(status())
    with beside:  # last: a page's picture may take a moment, and nothing else should wait for it
        viewer.draw()
    if shown and next_questions and not state().running:
        with next_questions:
            _suggestions(shown)


def _rooms(split: bool) -> tuple[DeltaGenerator, DeltaGenerator]:
    # Both are always there, so that opening a source moves nothing that is read at the moment.
    left, right = st.container(key="rooms").columns([10, 12], gap="medium")
    return left.container(key="chat"), right.container(key="viewer" if split else "no-viewer")


def _conversation() -> Conversation | None:
    held = state()
    if held.thread is None:
        held.unfollow()
        return None
    try:
        return held.conversation()
    except NotFound:
        held.open_thread(None)
        forget_threads()
        st.toast("That conversation no longer exists; it was deleted.", icon=":material/info:")
        return None


def _head(shown: Conversation) -> None:
    """The title, and what can be done with the whole conversation."""
    with st.container(
        key="chat-head", horizontal=True, wrap=False, vertical_alignment="center", gap="xsmall"
    ):
        st.markdown(label(shown.title, 90))
        words, icon = (
            ("Unpin", "keep_off") if shown.pinned else ("Pin to the top of the list", "keep")
        )
        st.button(
            "", key="pin-thread", icon=f":material/{icon}:", type="tertiary", help=words,
            on_click=state().pin_thread, args=(shown.id, not shown.pinned),
        )  # fmt: skip
        with st.popover("", icon=":material/ios_share:", type="tertiary", help="Export"):
            st.caption("The conversation as one file, with the quotes that its answers stand on.")
            export_buttons(shown.id, "head")


def _messages(shown: Conversation) -> None:
    live = state().follow(shown.running) if shown.running else None
    if shown.earlier:
        st.button(
            f"Show earlier messages · {shown.earlier}", key="earlier", type="tertiary",
            icon=":material/expand_less:", on_click=_earlier,
        )  # fmt: skip
    asked = [one.message for one in shown.messages if one.reply is None]
    question = ""
    for message, reply in ((one.message, one.reply) for one in shown.messages):
        if reply is None:
            question = message["content"]
            _question(message, is_newest=message is asked[-1])
        elif live is None or message["run"] != live.run:
            run = message["run"] or message["id"]
            answer.draw(reply, run, question)
            footer.draw(message, reply, run, question)
    if live is not None:
        st.fragment(guarded(_follow), run_every=settings().stream_s)(live, question)
    else:
        state().unfollow()


def _earlier() -> None:
    state().message_pages += 1


def _question(message: MessageJson, *, is_newest: bool) -> None:
    with st.container(key=f"question-{message['id']}"):
        show(
            plain(message["content"]),
            key=f"asked-{message['id']}",
            kind="question",
            newest=is_newest,
        )


def _follow(live: LiveRun, question: str) -> None:
    """Draw a growing answer; draw the whole page when it is complete."""
    trouble = f"{live.trouble} Trying again…" if live.trouble and not live.ended else live.trouble
    answer.draw(live.reply, live.run, question, trouble)
    if live.ended and not live.trouble:
        forget_threads()
        st.rerun()


def _suggestions(shown: Conversation) -> None:
    """Questions to go on with, under the newest answer; pressing one asks it."""
    last = shown.messages[-1]
    if last.reply is None or last.reply.error or not last.message["run"]:
        return
    questions = kept.suggestions(last.message["run"])
    if not questions:
        return
    st.caption("Ask next")
    for number, question in enumerate(questions):
        st.button(
            label(question, 160), key=f"suggestion-{number}", type="tertiary",
            icon=":material/subdirectory_arrow_right:", on_click=asking.ask, args=(question,),
        )  # fmt: skip


def _welcome(now: StatusJson) -> None:
    documents = sum(c["documents"] for c in now["collections"])
    with st.container(key="welcome"):
        st.title("What do you want to know?", anchor=False)
        if not documents:
            st.markdown("There are no documents yet. Add some in the **Library**, then ask here.")
            return
        st.markdown(
            f"Alcove answers from your {documents:,} documents and shows where each answer stands. "
            "When they don't say, it tells you so."
        )
        if any(c["name"] == "sample" for c in now["collections"]):
            st.caption("Try one of these on the sample documents")
            with st.container(key="examples", gap="xsmall"):
                for number, question in enumerate(EXAMPLES):
                    st.button(
                        label(question), key=f"example-{number}", on_click=asking.ask,
                        args=(question,),
                    )  # fmt: skip
        st.caption(_SLASH)
