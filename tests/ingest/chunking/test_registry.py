"""Strategies by name, ours and those of other packages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from corpus.errors import OperatorError, UserError
from ingest.chunking import STRATEGIES, chunker_for, make_chunker, strategy_names
from ingest.settings import IngestSettings
from tests.fakes import HashEncoder
from tests.ingest.chunking.documents import TEXT, document, words

PACKAGE = '''
from corpus.records import Chunk


class Whole:
    """Every document is one chunk."""

    def __init__(self, tokenizer, size, overlap, window):
        self.name = f"whole-{size}-{overlap}-{window}"

    def chunk(self, document_id, parsed):
        spans = (parsed.elements[0].span,)
        id = Chunk.make_id(document_id, self.name, spans, parsed.text)
        return [Chunk(id, document_id, spans, parsed.text, strategy=self.name)]
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package that is installed and brings a strategy "whole", and one of a name we have."""
    name = "someones_chunker"
    (tmp_path / f"{name}.py").write_text(PACKAGE)
    info = tmp_path / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[alcove.chunkers]\nwhole = {name}:Whole\nfixed = {name}:Whole\nbroken = {name}:Missing\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


def test_another_package_can_bring_a_strategy(package: str) -> None:
    chunker = make_chunker("whole", words, size=20, overlap=2, window=60, sentences=1, embed=list)
    (chunk,) = chunker.chunk("doc", document((TEXT, "Two fans. " * 30)))
    assert chunk.strategy == chunker.name == "whole-20-2-60"
    assert set(strategy_names()) == {*STRATEGIES, "whole", "broken"}


def test_settings_can_name_it(package: str) -> None:
    settings = IngestSettings(strategy="whole", chunk_tokens=99, overlap_tokens=9)
    encoder = HashEncoder()
    assert chunker_for(settings, encoder, encoder.encode_passages).name == "whole-99-9-254"


def test_no_package_takes_a_name_of_ours(package: str) -> None:
    assert make_chunker("fixed", words, size=20, overlap=2, window=60).name == "fixed-20-2"


def test_a_strategy_that_cannot_be_loaded_is_named_with_its_place(package: str) -> None:
    with pytest.raises(OperatorError, match=rf"'broken'.*'{package}:Missing'"):
        make_chunker("broken", words)


def test_an_unknown_name_is_refused_with_all_there_are(package: str) -> None:
    with pytest.raises(UserError, match=r"'clever'; choose one of broken, fixed, .*, whole"):
        make_chunker("clever", words)
