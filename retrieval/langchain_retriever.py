"""An Alcove corpus as a LangChain retriever.

    searcher = build(Settings.load()).finder().searcher  # of agents.build and agents.settings
    retriever = AlcoveRetriever(search=search_in(searcher), k=5, collection="papers")
    retriever = AlcoveRetriever(search=search_at("http://127.0.0.1:8700"), filters={"author": "Ada"})
    documents = retriever.invoke("What does it cost?")

A document's text is the stored chunk's, its metadata says where that stands in the source.
"""

from __future__ import annotations

from collections.abc import Mapping

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field

from retrieval.search_calls import Search, texts_of

__all__ = ["AlcoveRetriever"]


class AlcoveRetriever(BaseRetriever):
    """Finds chunks as ``Searcher.search`` does, and raises what it raises. ``ainvoke`` searches in a thread."""

    model_config = ConfigDict(extra="forbid")

    search: Search = Field(description="where it is searched: `search_in` or `search_at`")
    k: int = Field(default=10, description="chunks returned (count)")
    mode: str = Field(default="hybrid", description="dense, lexical or hybrid")
    collection: str | None = Field(default=None, description="only this one; None: all")
    filters: Mapping[str, str] = Field(
        default_factory=dict, description="metadata a document must have, value by key"
    )

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        body = {
            "query": query,
            "k": self.k,
            "mode": self.mode,
            "collection": self.collection,
            "filters": self.filters,
        }
        return [
            Document(id=about["chunk"], page_content=text, metadata=about)
            for text, about in texts_of(self.search(body))
        ]
