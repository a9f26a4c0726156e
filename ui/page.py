"""The page's process: Streamlit running ``ui/app.py``, with what the first view needs imported before anybody looks.

``alcove up`` and ``alcove ui`` start it as ``python -m ui.page``, with Streamlit's options; running the script by
``python -m streamlit run ui/app.py`` is the same page, whose first visitor waits for the imports.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

__all__ = ["main", "prepare"]

_APP = Path(__file__).with_name("app.py")
# What is drawn with, and what Streamlit imports when it first hands data to the browser. Not ``ui.kept`` and what needs
# it: what is kept there needs Streamlit to be running.
_NEEDED = (
    "streamlit.web.bootstrap",
    "pandas",
    "pyarrow.compute",
    "pyarrow.pandas_compat",
    "ui.api.client",
    "ui.api.documents",
    "ui.api.evaluations",
    "ui.api.health",
    "ui.api.inspecting",
    "ui.api.live",
    "ui.api.shelf",
    "ui.settings",
    "ui.words.charts",
    "ui.words.health_words",
    "ui.words.inspection_words",
    "ui.words.prose",
    "ui.words.ranked",
    "ui.words.tables",
)


def prepare() -> None:
    """Import what the first view would have to wait for."""
    for name in _NEEDED:
        import_module(name)


def main() -> None:
    """Serve the page until the process is asked to stop; the options are those of ``streamlit run``."""
    from streamlit.web.cli import main as streamlit

    prepare()
    streamlit(["run", str(_APP), *sys.argv[1:]], prog_name="streamlit")


if __name__ == "__main__":
    main()
