"""Every chunking strategy through the whole of ingestion."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from corpus.home import Home
from ingest.chunking import STRATEGIES
from tests.ingest.conftest import Desk

SENTENCES = [f"Sentence {n} is about subject{n} and its fan." for n in range(120)]
Make = Callable[..., Desk]


@pytest.fixture
def make(home: Home, tmp_path: Path) -> Iterator[Make]:
    made: list[Desk] = []

    def desk(**settings: object) -> Desk:
        made.append(Desk(home, tmp_path / "papers", **settings))
        return made[-1]

    yield desk
    for one in made:
        one.close()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_makes_a_file_searchable(make: Make, strategy: str) -> None:
    desk = make(strategy=strategy)
    desk.write("a.txt", " ".join(SENTENCES))
    desk.write("b.py", "def turn(fan):\n    return fan\n")
    assert desk.sync().exit_status == 0
    assert set(desk.found("subject77")) == {"a.txt"}
    assert desk.found("turn") == ["b.py"]


def test_what_a_chunk_is_shown_as_is_stored_with_it(make: Make) -> None:
    desk = make(strategy="sentence_window", sentences=1)
    desk.write("a.txt", " ".join(SENTENCES))
    desk.sync()
    (hit,) = desk.searcher.search("subject50", 1, "lexical").hits
    window = hit.chunk.window
    assert hit.chunk.text == SENTENCES[50]
    assert window is not None
    shown = desk.catalog.text(hit.document.id)[window.start : window.end]
    assert shown == " ".join(SENTENCES[47:54])


def test_a_chunk_may_be_larger_than_the_encoders_window(make: Make) -> None:
    desk = make(chunk_tokens=1024, overlap_tokens=0)
    desk.write("a.txt", " ".join(SENTENCES))
    desk.sync()
    (document,) = desk.catalog.documents()
    sizes = [desk.encoder.count_tokens(c.text) for c in desk.catalog.chunks_of(document.id)]
    assert desk.encoder.fingerprint.max_tokens < max(sizes) <= 1024


def test_another_strategy_cuts_every_file_anew(make: Make) -> None:
    first = make()
    first.write("a.txt", " ".join(SENTENCES))
    first.sync()
    report = make(strategy="structure").sync()
    assert report.chunks_removed > 0
    assert report.chunks_added > 0
    assert make(strategy="structure").sync().to_json()["files"] == {"unchanged": 1}


def test_sentences_compared_for_their_meaning_are_embedded_once(make: Make) -> None:
    desk = make(strategy="semantic")
    desk.write("a.txt", " ".join(SENTENCES))
    desk.sync()
    encoded = desk.encoder.encoded
    (desk.folder / "a.txt").rename(desk.folder / "b.txt")
    desk.sync()
    assert (desk.found("subject5"), desk.encoder.encoded) == (["b.txt"], encoded)


def test_source_code_is_cut_by_the_syntax_of_its_language(make: Make) -> None:
    desk = make(chunk_tokens=32, overlap_tokens=0)
    methods = [f"    def turn{n}(self):\n        return self.fan({n}, {n}, {n})" for n in range(4)]
    desk.write("fan.py", "class Fan:\n\n" + "\n\n".join(methods))
    desk.sync()
    (document,) = desk.catalog.documents()
    chunks = desk.catalog.chunks_of(document.id)
    assert len(chunks) > 1
    assert all(chunk.headings == ("class Fan",) for chunk in chunks[1:])
    assert all(chunk.text.startswith("def turn") for chunk in chunks[1:])
