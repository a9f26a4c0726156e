"""The page in the browser: a sidebar and one view at a time.

All data comes over HTTP from the service (``ui.api.client``). When the service does not answer the page
says so and comes back by itself. ``alcove up`` and ``alcove ui`` run it (``ui.page``); by hand, from the repository's
root::

    python -m streamlit run ui/app.py --browser.gatherUsageStats false -- --service URL
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from ui.state import state
from ui.views import outage, sidebar, undo
from ui.views.chat import asking
from ui.views.chat import view as chat
from ui.views.evaluate import view as evaluate
from ui.views.inspect import view as inspect
from ui.views.library import view as library
from ui.views.status import view as status

__all__ = ["main"]

_ASSETS = Path(__file__).with_name("assets")
_VIEWS = {
    "chat": chat.draw,
    "library": library.draw,
    "inspect": inspect.draw,
    "evaluate": evaluate.draw,
    "status": status.draw,
}


def main() -> None:
    """Draw the page once; Streamlit calls this at every change."""
    mark, held = str(_ASSETS / "alcove.svg"), state()
    held.follow_address()
    name = "Alcove" if held.view == "chat" else f"{held.view.capitalize()} · Alcove"
    st.set_page_config(name, page_icon=mark, layout="wide")
    st.html(_ASSETS / "page.css")
    st.html(_ASSETS / "chat.css")
    st.logo(str(_ASSETS / "wordmark.svg"), icon_image=mark, size="large")
    outage.guarded(_draw, _meanwhile)()


def _draw() -> None:
    with st.sidebar:
        sidebar.draw()
        with st.container(key="manners"):
            asked = state().asking
            # What the line is told may be dropped on its way when runs follow closely; this is told in each.
            told = {"unsent": asked.unsent, "refusals": asked.refusals}
            _manners()(key="page-manners", data=told)
    _VIEWS[state().view]()
    undo.draw()


def _meanwhile() -> None:
    """Keep what was typed: a line that is not drawn forgets it."""
    if state().view == "chat":
        with st.bottom:
            asking.line()


@functools.cache
def _manners() -> Callable[..., Any]:
    """What the page does in the browser without asking; see ``assets/manners.js``."""
    script = (_ASSETS / "manners.js").read_text("utf-8")
    return st.components.v2.component("alcove_manners", js=script)


if __name__ == "__main__":
    main()
