"""Both retrievers, over a search in this process and over the service: the same passages, the same errors."""

from __future__ import annotations

import asyncio
import shutil
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnablePassthrough
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import MetadataMode, TextNode

import retrieval.langchain_retriever
import retrieval.llamaindex_retriever
from agents.models.chat_model import make_chat_model, transport
from agents.settings import LLMSettings
from corpus.catalog import Catalog
from corpus.errors import Conflict, NotFound, NotSignedIn, OperatorError, UserError
from corpus.home import Home
from retrieval.search import Searcher
from retrieval.search_calls import Search, search_at, search_in
from retrieval.settings import RetrievalSettings
from tests.fakes import FakeLLMServer, HashEncoder
from tests.service_bench import ASK, ServiceBench

KEPT = "They are kept for thirty days."
LangChain = retrieval.langchain_retriever.AlcoveRetriever
LlamaIndex = retrieval.llamaindex_retriever.AlcoveRetriever


@pytest.fixture(scope="module")
def standing(
    indexed_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServiceBench]:
    """One service for all tests that only search."""
    home = Path(shutil.copytree(indexed_home, tmp_path_factory.mktemp("standing") / "home"))
    made = ServiceBench(home, None)
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="module", params=["process", "service"])
def search(standing: ServiceBench, request: pytest.FixtureRequest) -> Search:
    """The two places to search in."""
    in_process = request.param == "process"
    return search_in(standing.app.finder().searcher) if in_process else search_at(standing.url)


def find_with_langchain(search: Search, query: str, **options: Any) -> list[Document]:
    return LangChain(search=search, **options).invoke(query)


def find_with_llamaindex(search: Search, query: str, **options: Any) -> list[TextNode]:
    return [found.node for found in LlamaIndex(search, **options).retrieve(query)]


FRAMEWORKS = [find_with_langchain, find_with_llamaindex]
each_framework = pytest.mark.parametrize("find", FRAMEWORKS, ids=["langchain", "llamaindex"])
Find = Callable[..., list[Any]]


def test_a_langchain_chain_answers_from_the_corpus(search: Search, llm: FakeLLMServer) -> None:
    llm.say("Thirty days.", headers={"Connection": "close"})  # the client is kept for good
    llm.say("A month.")
    prompt = ChatPromptTemplate.from_template("Passages: {passages} Question: {question}")
    inputs = {"passages": LangChain(search=search, k=2), "question": RunnablePassthrough()}

    def chain(client: Any = None) -> Runnable[str, str]:
        model = make_chat_model(LLMSettings(), llm.url, llm.model, client)
        return inputs | prompt | model | StrOutputParser()

    async def answer() -> str:
        async with transport(LLMSettings(), llm.url) as client:
            return await chain(client).ainvoke(ASK)

    assert chain().invoke(ASK) == "Thirty days."
    assert asyncio.run(answer()) == "A month."
    first, second = (chat["messages"][0]["content"] for chat in llm.chats)
    assert KEPT in first
    assert first == second


def test_a_llamaindex_query_engine_answers_from_the_corpus(search: Search) -> None:
    engine = RetrieverQueryEngine.from_args(LlamaIndex(search, k=2), llm=MockLLM())
    answer = engine.query(ASK)
    assert KEPT in str(answer)  # this model repeats its prompt
    assert ASK in str(answer)
    assert KEPT in answer.source_nodes[0].node.text
    assert str(asyncio.run(engine.aquery(ASK))) == str(answer)


@each_framework
def test_a_passage_says_where_it_stands(standing: ServiceBench, search: Search, find: Find) -> None:
    reply = standing.post("/v1/search", {"query": ASK, "k": 3})
    found = find(search, ASK, k=3)
    assert len(found) == 3
    for passage, hit in zip(found, reply["hits"], strict=True):
        about = passage.metadata
        text = hit.pop("text")
        assert about == {**hit, "snapshot": reply["snapshot"]}
        span = {"start": about["start"], "end": about["end"]}
        stored = standing.get(f"/v1/documents/{about['document']}/text", params=span)["text"]
        assert (passage.id_ if find is find_with_llamaindex else passage.id) == about["chunk"]
        assert (passage.text if find is find_with_llamaindex else passage.page_content) == text
        assert stored == text


def test_a_language_model_is_shown_the_place_but_no_ids_and_scores(search: Search) -> None:
    (node,) = find_with_llamaindex(search, ASK, k=1)
    told = node.get_content(MetadataMode.LLM)
    assert "backups.md" in told
    assert node.metadata["chunk"] not in told
    assert node.get_content(MetadataMode.EMBED) == node.text
    assert node.source_node.node_id == node.metadata["document"]


@each_framework
def test_its_options_are_the_search_s(search: Search, find: Find) -> None:
    def sources(**options: Any) -> list[str]:
        found = find(search, "the vault code, soup and backups", **options)
        return [passage.metadata["source"].rpartition("/")[2] for passage in found]

    assert set(sources()) == {"backups.md", "lunch.txt", "secret.txt"}
    assert len(sources(k=1)) == 1
    assert sources(collection="vault") == ["secret.txt"]
    assert sources(filters={"media_type": "text/markdown"}) == ["backups.md"]
    (passage,) = find(search, "soup", mode="lexical")
    assert passage.metadata["dense_rank"] is None


@each_framework
@pytest.mark.parametrize(
    ("query", "options", "error", "words"),
    [
        (" ", {}, UserError, "the question is empty"),
        ("x", {"k": 0}, UserError, "k is 0"),
        ("x", {"mode": "magic"}, UserError, "no search mode 'magic'"),
        ("x", {"collection": "none"}, NotFound, "no collection 'none'"),
        ("caf\udce9", {}, UserError, "which is no"),
        ("x", {"filters": {"colour": "red"}}, UserError, "no document has the metadata 'colour'"),
    ],
)
def test_the_search_s_errors_come_through_as_they_are(
    search: Search,
    find: Find,
    query: str,
    options: Mapping[str, Any],
    error: type[Exception],
    words: str,
) -> None:
    with pytest.raises(error, match=words) as caught:
        find(search, query, **options)
    assert type(caught.value) is error


def test_asynchronous_searches_leave_the_event_loop_free(search: Search) -> None:
    threads = []

    def noting(body: Mapping[str, Any]) -> dict[str, Any]:
        threads.append(threading.current_thread())
        return search(body)

    documents = asyncio.run(LangChain(search=noting).ainvoke(ASK))
    nodes = asyncio.run(LlamaIndex(noting).aretrieve(ASK))
    assert [d.id for d in documents] == [found.node.node_id for found in nodes]
    assert threading.current_thread() not in threads
    assert len(threads) == 2


def test_who_asks_finds_only_what_they_may_read(bench: ServiceBench) -> None:
    bench.app.catalog.set_readers("vault", ["ada"])
    searcher = bench.app.finder().searcher
    for reader, count in (("ada", 1), ("bob", 0), (None, 1)):
        found = find_with_langchain(search_in(searcher, reader), "vault code", mode="lexical")
        assert len(found) == count
    with pytest.raises(NotFound):
        find_with_llamaindex(search_in(searcher, "bob"), "vault code", collection="vault")


@each_framework
def test_a_service_that_asks_for_a_key_gets_it(
    bench: ServiceBench, find: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.app.catalog.set_readers("vault", ["ada"])
    ada, bob = (bench.app.users.add(name) for name in ("ada", "bob"))
    monkeypatch.delenv("ALCOVE_API_KEY", raising=False)
    for wrong in (None, "", "alcove_wrong"):
        with pytest.raises(
            NotSignedIn, match=f"the service at '{bench.url}' asks .* ALCOVE_API_KEY"
        ):
            find(search_at(bench.url, key=wrong), "vault code")
    with pytest.raises(UserError, match="characters that no key has"):
        search_at(bench.url, key="k\u00e9y\n")
    assert len(find(search_at(bench.url, key=ada), "vault code", mode="lexical")) == 1
    monkeypatch.setenv("ALCOVE_API_KEY", bob)
    assert find(search_at(bench.url), "vault code", mode="lexical") == []
    assert len(find(search_at(bench.url, key=f" {ada} "), "vault code", mode="lexical")) == 1


@each_framework
def test_an_empty_corpus_is_named(home: Home, find: Find) -> None:
    with closing(Catalog(home)) as catalog:
        searcher = Searcher(home, catalog, HashEncoder(), RetrievalSettings())
        with pytest.raises(Conflict, match="no documents to search yet; `alcove ingest FOLDER`"):
            find(search_in(searcher), "soup")


def test_a_misspelt_option_is_refused(search: Search) -> None:
    with pytest.raises(ValueError, match="colection"):
        LangChain(search=search, colection="vault")
    with pytest.raises(TypeError, match="colection"):
        LlamaIndex(search, colection="vault")


def test_a_service_that_is_down_or_none_of_ours_is_named(
    bench: ServiceBench, llm: FakeLLMServer
) -> None:
    with pytest.raises(OperatorError, match=f"at '{llm.url}' with status 404 is no Alcove"):
        search_at(llm.url)({"query": "x"})
    for address in ("no address", "http://127.0.0.1:port", ""):
        with pytest.raises(OperatorError, match="does not answer"):
            search_at(address)({"query": "x"})
    bench.stop()
    with pytest.raises(OperatorError, match=f"'{bench.url}' does not answer .* `alcove serve`"):
        search_at(bench.url)({"query": "x"})


@pytest.mark.parametrize("module", [retrieval.langchain_retriever, retrieval.llamaindex_retriever])
def test_the_example_runs(
    standing: ServiceBench,
    llm: FakeLLMServer,
    module: ModuleType,
    capsys: pytest.CaptureFixture[str],
) -> None:
    llm.say(KEPT, headers={"Connection": "close"})  # the client is kept for good
    example = example_of(module)
    for default, here in (
        ("http://127.0.0.1:8700", standing.url),
        ("http://127.0.0.1:8000/v1", llm.url),
        ("MODEL", llm.model),
    ):
        example = example.replace(f'"{default}"', f'"{here}"')
    exec(example, {})
    assert KEPT in capsys.readouterr().out


def example_of(module: ModuleType) -> str:
    """The indented lines of a module's docstring."""
    lines = (module.__doc__ or "").splitlines()
    return textwrap.dedent("\n".join(line for line in lines if line.startswith("    ")))
