"""The chat: questions, answers with their sources, and the viewer beside them."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from corpus.errors import NotFound
from ui.api.live import LiveRun
from ui.api.replies import stored
from ui.api.wire import MessageJson, StatusJson, ThreadJson
from ui.state import forget_documents, service, settings, state, status
from ui.views.chat import answer, feedback, viewer
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
_MODES = {"answer": "Answer", "agent": "Agent"}
_SLASH = "`/search words` and `/read document` use the tools without a model."


def draw() -> None:
    """Draw the open conversation, or the empty page."""
    thread = _open_thread()
    chat, beside = _rooms(state().place is not None)
    with chat:
        if thread and thread.get("messages"):
            _messages(thread)
        else:
            _welcome(status())
    with st.bottom:
        _ask(status())
    with beside:  # last: a page's picture may take a moment, and nothing else should wait for it
        viewer.draw()


def _rooms(split: bool) -> tuple[DeltaGenerator, DeltaGenerator]:
    # Both are always there, so that opening a source moves nothing that is read at the moment.
    left, right = st.container(key="rooms").columns([10, 12], gap="medium")
    return left.container(key="chat"), right.container(key="viewer" if split else "no-viewer")


def _open_thread() -> ThreadJson | None:
    held = state()
    if held.thread is None:
        held.unfollow()
        return None
    try:
        return service().thread(held.thread)
    except NotFound:
        held.open_thread(None)
        st.toast("That conversation no longer exists.")
        return None


def _messages(thread: ThreadJson) -> None:
    running = thread["active_run"]
    live = state().follow(running) if running else None
    asked = [message["id"] for message in thread["messages"] if message["role"] == "user"]
    for message in thread["messages"]:
        if message["role"] == "user":
            _question(message, is_newest=message["id"] == asked[-1])
        elif live is None or message["run"] != live.run:
            answer.draw(stored(message), message["run"] or message["id"])
            feedback.draw(message)
    if live is not None:
        st.fragment(_follow, run_every=settings().stream_s)(live)
    else:
        state().unfollow()
    if len(asked) > 1:  # room below, so that the newest question can stand at the top
        st.html('<div class="room-below"></div>')


def _question(message: MessageJson, *, is_newest: bool) -> None:
    with st.container(key=f"question-{message['id']}"):
        show(
            plain(message["content"]),
            key=f"asked-{message['id']}",
            kind="question",
            newest=is_newest,
        )


def _follow(live: LiveRun) -> None:
    """Draw a growing answer; when it is complete, draw the page anew with what was stored."""
    trouble = f"{live.trouble} Trying again…" if live.trouble and not live.ended else live.trouble
    answer.draw(live.reply, live.run, trouble)
    if live.ended and not live.trouble:
        forget_documents()
        st.rerun()


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
                    if st.button(label(question), key=f"example-{number}"):
                        _submit(question)
                        st.rerun()
        st.caption(_SLASH)


def _submit(question: str) -> None:
    chosen, collection = st.session_state.get("mode"), st.session_state.get("collection")
    state().ask(question, chosen or "answer", collection)


def _ask(now: StatusJson) -> None:
    """The line to ask in, with what it is asked of and how."""
    live = state().live
    running = live is not None and not live.ended
    with st.container(key="ask"):
        question = st.chat_input(
            "Answering…" if running else "Ask about your documents", disabled=running, key="prompt"
        )
        with st.container(key="ask-options", horizontal=True, vertical_alignment="center"):
            _options(now)
            if running and st.button(
                "Stop", key="stop", icon=":material/stop_circle:", shortcut="Escape"
            ):
                state().stop()
    if question and question.strip():
        _submit(question.strip())
        st.rerun()


def _options(now: StatusJson) -> None:
    names = [c["name"] for c in now["collections"]]
    if len(names) > 1:
        st.selectbox(
            "Collection",
            [None, *names],
            format_func=lambda name: name or "All documents",
            key="collection",
            persist_state="session",
            label_visibility="collapsed",
            width=190,
        )
    no_model = now["engine"]["name"] == "extractive"
    st.segmented_control(
        "Mode",
        list(_MODES),
        format_func=_MODES.__getitem__,
        default="answer",
        required=True,
        key="mode",
        persist_state="session",
        disabled=no_model,
        help="The agent needs a language model; start Alcove with one (`--llm URL`)."
        if no_model
        else "Answer searches once; the agent decides which tools to use.",
        label_visibility="collapsed",
    )
