"""An Alcove corpus as a LlamaIndex retriever: nodes are stored chunks, their metadata says where they stand.

    from llama_index.core.llms import MockLLM  # repeats its prompt; any other of LlamaIndex's will do
    from llama_index.core.query_engine import RetrieverQueryEngine
    from retrieval.llamaindex_retriever import AlcoveRetriever
    from retrieval.search_calls import search_at

    retriever = AlcoveRetriever(search_at("http://127.0.0.1:8700"), k=5)
    engine = RetrieverQueryEngine.from_args(retriever, llm=MockLLM())
    print(engine.query("How long are backups kept?"))

Where the service asks for a key: ``search_at(address, key=KEY)``, or the variable ``ALCOVE_API_KEY``. In a process of
its own, without the service: ``search_in(build(Settings.load()).finder().searcher)``, where ``build``
is of ``agents.build`` and ``Settings`` of ``agents.settings``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.callbacks import CallbackManager
from llama_index.core.schema import (
    NodeRelationship,
    NodeWithScore,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)

from retrieval.search_calls import Search, texts_of

__all__ = ["AlcoveRetriever"]

TOLD = {"source", "page", "headings"}  # what a language model is shown of a node's metadata


class AlcoveRetriever(BaseRetriever):
    """Finds chunks as ``Searcher.search`` does, and raises what it raises. ``aretrieve`` searches in a thread.

    Args:
        search: where it is searched: ``search_in`` or ``search_at``.
        k: nodes returned (count).
        mode: dense, lexical or hybrid.
        collection: only this one; ``None``: all.
        filters: metadata a document must have, value by key.
    """

    def __init__(
        self,
        search: Search,
        k: int = 10,
        mode: str = "hybrid",
        collection: str | None = None,
        filters: Mapping[str, str] | None = None,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        super().__init__(callback_manager)
        self._search = search
        self._options = {"k": k, "mode": mode, "collection": collection, "filters": filters or {}}

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        reply = self._search({"query": query_bundle.query_str, **self._options})
        return [_node(text, about) for text, about in texts_of(reply)]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


def _node(text: str, about: dict[str, Any]) -> NodeWithScore:
    node = TextNode(
        id_=about["chunk"],
        text=text,
        metadata=about,
        start_char_idx=about["start"],
        end_char_idx=about["end"],
        excluded_llm_metadata_keys=sorted(about.keys() - TOLD),
        excluded_embed_metadata_keys=sorted(about),
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=about["document"])},
    )
    return NodeWithScore(node=node, score=about["score"])
