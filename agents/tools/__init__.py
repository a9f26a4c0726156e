"""The tools there are, by name. None of them runs code, and none reaches beyond this machine."""

from __future__ import annotations

from agents.tools.calculator import CALCULATOR
from agents.tools.dates import DATE
from agents.tools.list_documents import LIST_DOCUMENTS
from agents.tools.notes import READ_NOTES, RECALL, REMEMBER, WRITE_NOTE
from agents.tools.query_table import QUERY_TABLE
from agents.tools.read_document import READ_DOCUMENT
from agents.tools.search_corpus import SEARCH_CORPUS
from agents.tools.tool import Desk, Label, Library, Tool

__all__ = ["TOOLS", "Desk", "Label", "Library", "Tool"]

TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        SEARCH_CORPUS,
        READ_DOCUMENT,
        LIST_DOCUMENTS,
        QUERY_TABLE,
        CALCULATOR,
        DATE,
        READ_NOTES,
        WRITE_NOTE,
        RECALL,
        REMEMBER,
    )
}
"""Those that every agent has; ``agents.acting.toolbox`` adds the web and other servers' tools where they are set up."""
