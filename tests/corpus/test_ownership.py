"""Collections of a person are in their own name space, theirs to change, and private at first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.catalog import Catalog, Change, Stored
from corpus.errors import Conflict, NotAllowed
from corpus.home import Home
from corpus.identity import OWNER, Person
from corpus.ownership import claim, own_collection, owns
from corpus.records import Document, State

ADA, BOB = Person("ada"), Person("bob")


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog(Home(tmp_path))
    yield opened
    opened.close()


def test_a_person_names_their_collections_with_or_without_their_name() -> None:
    assert own_collection(ADA, "papers") == own_collection(ADA, "ada/papers") == "ada/papers"
    assert own_collection(OWNER, "papers") == "papers"
    assert own_collection(OWNER, "ada/papers") == "ada/papers"
    with pytest.raises(NotAllowed, match="'ada/papers'"):
        own_collection(ADA, "bob/papers")


def test_a_new_collection_is_read_by_its_owner_alone(catalog: Catalog) -> None:
    claim(catalog.database, ADA, "ada/papers")
    claim(catalog.database, ADA, "ada/papers")
    assert catalog.readers() == {"ada/papers": ("ada",)}
    assert [c.name for c in catalog.collections("ada")] == ["ada/papers"]
    assert catalog.collections("bob") == []
    assert owns(catalog.database, ADA, "ada/papers")
    assert owns(catalog.database, OWNER, "ada/papers")
    assert not owns(catalog.database, BOB, "ada/papers")
    assert not owns(catalog.database, ADA, "nix")


def test_whoever_owns_a_collection_reads_it_whoever_else_is_named(catalog: Catalog) -> None:
    claim(catalog.database, ADA, "ada/papers")
    catalog.set_readers("ada/papers", ["bob"])
    assert catalog.readers() == {"ada/papers": ("ada", "bob")}
    catalog.set_readers("ada/papers", [])
    assert catalog.readers() == {"ada/papers": ()}
    assert owns(catalog.database, ADA, "ada/papers")


def test_what_the_owner_of_the_machine_made_is_not_taken_over(catalog: Catalog) -> None:
    catalog.set_readers("ada/reports", ["bob"])
    document = Document("d", "/x", "", "text/plain", "X", "ada/open", 0, State.INDEXED)
    catalog.commit(Change([Stored(document, None, "")]), 1)
    for name in ("ada/reports", "ada/open"):
        with pytest.raises(Conflict, match=name):
            claim(catalog.database, ADA, name)
        assert not owns(catalog.database, ADA, name)
