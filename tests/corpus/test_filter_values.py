"""What documents can be filtered by is listed with the values that are most frequent, and each finds something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from corpus.catalog import Catalog, Change, Stored
from corpus.filters import filter_values, matching
from corpus.home import Home
from corpus.records import Document, State


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    made = Catalog(Home(tmp_path))
    yield made
    made.close()


def add(
    catalog: Catalog, *metadata: Mapping[str, str], collection: str = "c", read: bool = True
) -> None:
    snapshot = catalog.snapshot + 1
    documents = [
        Document(
            id=f"{snapshot}-{n}",
            source=f"/{snapshot}/{n}.txt",
            sha256=f"{snapshot}{n}",
            media_type="text/plain",
            title=f"Paper {snapshot}-{n}",
            collection=collection,
            pages=1,
            state=State.INDEXED if read else State.CORRUPT,
            reason="",
            size=1,
            metadata=dict(values),
        )
        for n, values in enumerate(metadata)
    ]
    stored = tuple(Stored(document, "x" if read else None, "r") for document in documents)
    catalog.commit(Change(documents=stored), snapshot)


def values(catalog: Catalog, *collections: str, most: int = 50) -> dict[str, list[str]]:
    return filter_values(catalog.database, catalog.snapshot, collections or None, most)


def test_the_most_frequent_values_come_first(catalog: Catalog) -> None:
    add(catalog, {"author": "Bob"}, {"author": "Ada"}, {"author": "Ada", "year": "2026"}, {})
    found = values(catalog)
    assert found["author"] == ["Ada", "Bob"]
    assert found["year"] == ["2026"]
    assert found["media_type"] == ["text/plain"]
    assert found["title"] == [f"Paper 1-{n}" for n in range(4)]
    assert values(catalog, most=1)["author"] == ["Ada"]
    assert sorted(found) == list(found)


def test_only_what_may_be_searched_counts(catalog: Catalog) -> None:
    add(catalog, {"author": "Ada"})
    add(catalog, {"author": "Secret"}, collection="vault")
    add(catalog, {"author": "Broken"}, read=False)
    assert values(catalog, "c")["author"] == ["Ada"]
    assert values(catalog)["author"] == ["Ada", "Secret"]
    assert values(catalog, "nix") == {}


def test_a_list_is_given_by_its_items_where_others_share_them(catalog: Catalog) -> None:
    add(
        catalog,
        {"tags": "red, blue", "author": "Lovelace, Ada"},
        {"tags": "red, blue, green", "author": "Lovelace, Ada", "sent": "Tue, 19 May"},
        {"tags": "red", "sent": "Tue, 20 May"},
    )
    found = values(catalog)
    assert found["tags"] == ["red", "blue", "green"]
    assert found["sent"] == ["Tue, 19 May", "Tue, 20 May"]
    assert found["author"] == ["Lovelace, Ada"]
    for key, listed in found.items():
        for value in listed:
            assert matching(catalog.database, 1, {key: value}), (key, value)


def test_what_is_no_choice_is_left_out(catalog: Catalog) -> None:
    add(catalog, {"abstract": "x" * 201, "note": "", "blank": "  "}, {"title": "not this one"})
    found = values(catalog)
    assert set(found) == {"media_type", "title"}
    assert "not this one" not in found["title"]
