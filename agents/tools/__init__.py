"""The tools there are, by name."""

from __future__ import annotations

from agents.tools.read_document import READ_DOCUMENT
from agents.tools.search_corpus import SEARCH_CORPUS
from agents.tools.tool import Desk, Label, Library, Tool

__all__ = ["TOOLS", "Desk", "Label", "Library", "Tool"]

TOOLS: dict[str, Tool] = {tool.name: tool for tool in (SEARCH_CORPUS, READ_DOCUMENT)}
