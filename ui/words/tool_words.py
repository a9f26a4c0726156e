"""What the agent's tools are called on the page: what was done, is being done, and is asked for.

A tool of another server is called by the server's name and its own; nothing is known of what it does.
"""

from __future__ import annotations

from dataclasses import dataclass

from ui.words.plain_words import label

__all__ = ["TOOL_WORDS", "ToolWords", "tool_words"]


@dataclass(frozen=True, slots=True)
class ToolWords:
    """A tool in Markdown: ``done`` when it is over, ``doing`` while it works, ``may`` before."""

    done: str
    doing: str
    may: str


TOOL_WORDS = {
    "search_corpus": ToolWords(
        "Searched the documents", "Searching the documents", "search the documents"
    ),
    "read_document": ToolWords("Read a document", "Reading a document", "read a document"),
    "list_documents": ToolWords(
        "Looked up which documents there are",
        "Looking up which documents there are",
        "look up which documents there are",
    ),
    "query_table": ToolWords("Asked a table", "Asking a table", "ask a table"),
    "calculator": ToolWords("Calculated", "Calculating", "calculate"),
    "date": ToolWords("Looked at the calendar", "Looking at the calendar", "look at the calendar"),
    "read_notes": ToolWords("Read your notes", "Reading your notes", "read your notes"),
    "write_note": ToolWords("Wrote a note", "Writing a note", "write a note"),
    "recall": ToolWords(
        "Looked up what is remembered",
        "Looking up what is remembered",
        "look up what is remembered",
    ),
    "remember": ToolWords(
        "Remembered something", "Remembering something", "remember something for later"
    ),
    "fetch_url": ToolWords("Read a web page", "Reading a web page", "read a web page"),
    "plan": ToolWords("Made a plan", "Making a plan", "make a plan"),
}


def tool_words(name: str) -> ToolWords:
    """The words for a tool; for one that the page does not know, its name: ``SERVER: TOOL`` or ``TOOL``."""
    if name in TOOL_WORDS:
        return TOOL_WORDS[name]
    server, _, tool = name.partition("__")
    shown = f"{label(server)}: {label(tool)}" if server and tool else label(name)
    return ToolWords(f"Used {shown}", f"Using {shown}", f"use {shown}")
