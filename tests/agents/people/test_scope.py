"""What a person may not read is as good as not there, for tools and for answers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.answering.answer import Answerer
from agents.answering.extractive import ExtractiveEngine
from agents.people.scope import answerer_for, finder_for, library_for
from agents.records.protocols import Finder
from agents.settings import AnswerSettings
from agents.tools import Desk
from agents.tools.read_document import READ_DOCUMENT
from agents.tools.search_corpus import SEARCH_CORPUS
from corpus.catalog import Catalog
from corpus.errors import NotFound
from corpus.home import Home
from corpus.identity import OWNER, Person
from retrieval.search import Searcher
from retrieval.settings import RetrievalSettings
from tests.fakes import HashEncoder

ADA = Person("ada")


@pytest.fixture
def catalog(indexed_home: Path, tmp_path: Path) -> Iterator[Catalog]:
    home = Path(shutil.copytree(indexed_home, tmp_path / "home"))
    opened = Catalog(Home(home))
    opened.set_readers("vault", ["bob"])
    yield opened
    opened.close()


@pytest.fixture
def finder(catalog: Catalog, tmp_path: Path) -> Finder:
    return Searcher(Home(tmp_path / "home"), catalog, HashEncoder(), RetrievalSettings())


def secret(catalog: Catalog) -> str:
    (document,) = catalog.documents("vault")
    return document.id


def test_the_owner_sees_everything(catalog: Catalog, finder: Finder) -> None:
    assert library_for(OWNER, catalog) is catalog
    assert finder_for(OWNER, finder) is finder


def test_a_library_holds_what_its_reader_may_read(catalog: Catalog) -> None:
    ada, bob = library_for(ADA, catalog), library_for(Person("bob"), catalog)
    assert {d.collection for d in ada.documents()} == {"work"}
    assert {d.collection for d in bob.documents()} == {"work", "vault"}
    assert ada.documents("vault") == []
    assert bob.text(secret(catalog)).startswith("The vault code")


def test_what_may_not_be_read_answers_like_what_is_not_there(catalog: Catalog) -> None:
    library, id = library_for(ADA, catalog), secret(catalog)
    for read in (library.document, library.text, library.parsed):
        said = []
        for asked in (id, "nix"):
            with pytest.raises(NotFound) as caught:
                read(asked)
            said.append(str(caught.value).replace(asked, "ID"))
        assert said[0] == said[1]


def test_tools_reach_no_further_than_the_desk(catalog: Catalog, finder: Finder) -> None:
    desk = Desk(finder_for(ADA, finder), library_for(ADA, catalog), person=ADA)
    assert "4711" not in SEARCH_CORPUS({"query": "vault code", "k": 20}, desk)
    for name in (secret(catalog), "secret.txt"):
        with pytest.raises(NotFound):
            READ_DOCUMENT({"document": name}, desk)
    assert "4711" in SEARCH_CORPUS({"query": "vault code"}, Desk(finder, catalog))


def test_an_answer_is_made_from_what_may_be_read(catalog: Catalog, finder: Finder) -> None:
    settings = AnswerSettings(threshold=0.0)
    engine = ExtractiveEngine(HashEncoder(), catalog, settings)
    answerer = Answerer(finder, catalog, HashEncoder(), engine, settings)
    assert "4711" in answerer.answer("What is the vault code?").text
    theirs = answerer_for(ADA, answerer, finder, catalog).answer("What is the vault code?")
    assert "4711" not in str(theirs.to_json())
    with pytest.raises(NotFound, match="there is no collection 'vault'"):
        answerer_for(ADA, answerer, finder, catalog).answer("What?", collection="vault")
