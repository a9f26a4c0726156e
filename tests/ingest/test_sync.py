"""Exact and frugal: only what changed is read, embedded and written, whatever a single file does."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import OperatorError
from corpus.home import Home
from corpus.records import Chunk, Parsed, State
from ingest import own_chunking
from ingest.parsing.worker import ParserPool
from ingest.protocols import Chunker
from ingest.report import Progress
from tests.ingest.conftest import Desk

PAGES = 100
WORDS = Path(__file__).read_text().replace("_", " ").split()


def pdf(pages: list[list[str]], headings: bool) -> bytes:
    """A PDF with a page per list of paragraphs, a heading on every tenth if asked for."""
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate

    styles = getSampleStyleSheet()
    story: list[object] = []
    for number, paragraphs in enumerate(pages):
        if headings and number % 10 == 0:
            story.append(Paragraph(f"Chapter {number // 10}", styles["Heading1"]))
        story += [Paragraph(text, styles["BodyText"]) for text in paragraphs]
        story.append(PageBreak())
    made = io.BytesIO()
    SimpleDocTemplate(made, invariant=1).build(story)
    return made.getvalue()


def prose(rng: random.Random, sentences: int) -> str:
    words = [word.strip("\"'()[]{}.,:<>&") for word in WORDS]
    words = [word for word in words if word.isalpha()]
    said = (" ".join(rng.choices(words, k=rng.randint(8, 18))) for _ in range(sentences))
    return " ".join(sentence.capitalize() + "." for sentence in said)


@pytest.mark.parametrize("headings", [True, False], ids=["chapters", "no headings"])
def test_one_edited_page_of_a_hundred_embeds_at_most_a_twentieth(
    desk: Desk, headings: bool
) -> None:
    rng = random.Random(11)
    pages = [[prose(rng, rng.randint(2, 5)) for _ in range(4)] for _ in range(PAGES)]
    desk.write("book.pdf", pdf(pages, headings))
    desk.sync()
    (book,) = desk.catalog.documents()
    before, encoded = len(desk.catalog.chunk_ids()), desk.encoder.encoded
    assert book.pages >= PAGES
    pages[40] = [prose(rng, 4), prose(rng, 7)]  # other words, and another length
    desk.write("book.pdf", pdf(pages, headings))
    desk.sync()
    assert 0 < desk.encoder.encoded - encoded <= before / 20


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are parsed from now on."""
    names: list[str] = []
    real = ParserPool.parse

    def parse(self: ParserPool, path: Path, name: str | None = None) -> Parsed:
        names.append(name or path.name)
        return real(self, path, name)

    monkeypatch.setattr(ParserPool, "parse", parse)
    return names


def test_a_renamed_file_is_neither_parsed_nor_embedded(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("a.txt", "red box")
    desk.sync()
    parsed, encoded = counted(monkeypatch), desk.encoder.encoded
    (desk.folder / "a.txt").rename(desk.folder / "b.txt")
    report = desk.sync()
    assert (parsed, desk.encoder.encoded - encoded, report.removed) == ([], 0, 1)
    assert desk.found("red") == ["b.txt"]


def test_a_file_that_is_bad_in_itself_is_not_parsed_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = counted(monkeypatch)
    desk.write("wrong.pdf", b"\x89PNG\r\n\x1a\n0000")
    desk.write("empty.txt", "")
    first = [str(f.state) for f in desk.sync().files]
    assert first == [str(f.state) for f in desk.sync().files] == ["empty_text", "type_mismatch"]
    assert parsed == ["empty.txt", "wrong.pdf"]
    desk.write("empty.txt", "now there is something")
    assert desk.sync().to_json()["files"] == {"indexed": 1, "type_mismatch": 1}
    # With other limits it might be read.
    more = Desk(desk.home, desk.folder, max_mib=300)
    more.sync()
    assert parsed == ["empty.txt", "wrong.pdf", "empty.txt", "wrong.pdf"]
    more.close()


def test_a_file_that_took_too_long_is_tried_again_when_asked_and_not_when_watched(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = counted(monkeypatch)
    folder = tmp_path / "papers"
    folder.mkdir()
    desk = Desk(home, folder, timeout_s=0.001)  # no parser starts so fast
    path = desk.write("a.txt", "red box")
    assert desk.sync().files[0].state is State.TIMEOUT
    assert desk.pipeline.follow([folder], [path]).files[0].state is State.TIMEOUT
    assert desk.sync(retry=False).files[0].state is State.TIMEOUT
    assert len(parsed) == 1
    desk.sync()
    assert len(parsed) == 2
    desk.close()


def with_chunker(
    monkeypatch: pytest.MonkeyPatch, chunk: Callable[[str, Parsed, list[Chunk]], list[Chunk]]
) -> None:
    """From now on pipelines cut documents as always, and ``chunk`` has the last word."""
    real = own_chunking.chunker_for

    def chunker_for(*about: Any) -> Chunker:
        chunker = real(*about)

        class Meddling:
            name = chunker.name

            def chunk(self, id: str, parsed: Parsed) -> list[Chunk]:
                return chunk(id, parsed, chunker.chunk(id, parsed))

        return Meddling()

    monkeypatch.setattr(own_chunking, "chunker_for", chunker_for)


def test_a_bug_that_one_document_brings_to_light_costs_that_document_alone(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def chunk(id: str, parsed: Parsed, chunks: list[Chunk]) -> list[Chunk]:
        if "poison" in parsed.text:
            raise ZeroDivisionError
        return chunks

    with_chunker(monkeypatch, chunk)
    folder = tmp_path / "papers"
    folder.mkdir()
    desk = Desk(home, folder)
    for name, text in (("a.txt", "red box"), ("b.txt", "red poison"), ("c.txt", "red car")):
        desk.write(name, text)
    states = {Path(f.source).name: f for f in desk.sync().files}
    assert [str(f.state) for f in states.values()] == ["indexed", "internal_error", "indexed"]
    assert "ZeroDivisionError at test_sync.py:" in states["b.txt"].reason
    assert set(desk.found("red")) == {"a.txt", "c.txt"}
    desk.write("b.txt", "red flower")
    assert desk.sync().exit_status == 0
    desk.close()


def test_following_looks_at_nothing_but_what_changed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.txt", "b.txt", "f/c.txt", "f/d.txt"):
        desk.write(name, f"red {name[-5]}")
    desk.sync()
    parsed = counted(monkeypatch)
    desk.write("a.txt", "blue a")
    desk.write("b.txt", "blue b")  # nobody told of this
    (desk.folder / "f" / "c.txt").unlink()
    changed = [desk.folder / "a.txt", desk.folder / "f" / "c.txt"]
    report = desk.pipeline.follow([desk.folder], changed)
    assert (parsed, report.removed, len(report.files)) == (["a.txt"], 1, 1)
    assert (desk.found("blue"), set(desk.found("red"))) == (["a.txt"], {"b.txt", "d.txt"})
    (desk.folder / "f").rename(desk.folder / "g")
    desk.pipeline.follow([desk.folder], [desk.folder / "f", desk.folder / "g"])
    assert {d.source.removeprefix(f"{desk.folder}/") for d in desk.catalog.documents()} == {
        *("a.txt", "b.txt", "g/d.txt"),
    }
    assert parsed == ["a.txt"]  # the moved one was known


def test_a_folder_that_goes_away_while_it_is_read_costs_no_document(
    desk: Desk, tmp_path: Path
) -> None:
    for n in range(30):
        desk.write(f"{n}.txt", f"red box {n}")
    desk.sync()
    before = desk.catalog.stored()

    def unplug(_: Progress) -> None:
        if desk.folder.exists():
            desk.folder.rename(tmp_path / "away")

    with pytest.raises(OperatorError, match="went away while it was read"):
        desk.sync(listen=unplug)
    assert desk.catalog.stored() == before
    (tmp_path / "away").rename(desk.folder)
    assert desk.sync().to_json()["files"] == {"unchanged": 30}
