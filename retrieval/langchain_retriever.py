"""An Alcove corpus as a LangChain retriever: documents are stored chunks, their metadata says where they stand.

    from langchain_core.prompts import ChatPromptTemplate
    from langchain_core.runnables import RunnablePassthrough
    from langchain_openai import ChatOpenAI
    from retrieval.langchain_retriever import AlcoveRetriever
    from retrieval.search_calls import search_at

    retriever = AlcoveRetriever(search=search_at("http://127.0.0.1:8700"), k=5)
    prompt = ChatPromptTemplate.from_template("Answer from these passages: {passages} Question: {question}")
    model = ChatOpenAI(base_url="http://127.0.0.1:8000/v1", api_key="none", model="MODEL")
    chain = {"passages": retriever, "question": RunnablePassthrough()} | prompt | model
    print(chain.invoke("How long are backups kept?").content)

Where the service asks for a key: ``search_at(address, key=KEY)``, or the variable ``ALCOVE_API_KEY``. In a process of
its own, without the service: ``search_in(build(Settings.load()).finder().searcher)``, where ``build``
is of ``agents.build`` and ``Settings`` of ``agents.settings``.
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
