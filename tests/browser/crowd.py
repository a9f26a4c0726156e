"""A home that was used for years: 5,000 documents and 500 conversations of ten messages, and the page over it.

Everything is written by the product's own code, with an encoder that hashes words. By hand:
``python -m tests.browser.crowd FOLDER`` fills a home, if it is not there yet, and says where its page is.
"""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.records.record_json import Json
from agents.store.memory import Chats
from agents.store.outcome import Outcome
from corpus.catalog import Catalog, Stored
from corpus.home import Home
from corpus.records import Chunk, Document, Parsed, Span, State
from corpus.settings import CorpusSettings
from ingest.writer import Batch, Writer
from tests.browser.stacks import page_of
from tests.fakes import HashEncoder
from tests.ports import free_port
from tests.slow_service import SlowService
from ui.supervisor import page_command

__all__ = ["DOCUMENTS", "THREADS", "crowded", "crowded_stack", "question"]

DOCUMENTS, THREADS, TURNS = 5_000, 500, 5
_PLACES = ("cellar", "attic", "harbour", "archive", "station", "orchard", "foundry", "library")
_STATES = {State.CORRUPT: "the file is cut off", State.ENCRYPTED: "it asks for a password"}


def text_of(number: int) -> str:
    """The text of document ``number``; its number is in no other's."""
    place = _PLACES[number % len(_PLACES)]
    paragraphs = (
        f"The {place} keeps box {number} on shelf {number % 90}.",
        f"Box {number} weighs {number % 70 + 3} kilograms and was counted in {1990 + number % 36}.",
        f"Whoever opens box {number} signs the list of the {place} and closes the door.",
    )
    return "\n\n".join(paragraphs)


def question(number: int) -> str:
    """A question that document ``number`` answers."""
    return f"How many kilograms does box {number} weigh?"


def crowded(home: Home) -> None:
    """Fill ``home``; takes some seconds."""
    catalog = Catalog(home)
    writer = Writer(home, catalog, HashEncoder(), CorpusSettings(home=home.root))
    batch = Batch()
    for number in range(DOCUMENTS):
        _add(batch, number)
        original = home.original(batch.documents[-1].document.sha256)
        original.parent.mkdir(exist_ok=True)
        original.write_text(text_of(number), "utf-8")
    writer.commit(batch)
    writer.close()
    catalog.close()
    _talk(home, batch)


def _add(batch: Batch, number: int) -> None:
    text, source = text_of(number), f"boxes/{number // 100:02}/box-{number:04}.txt"
    collection = ("default", "boxes", "archive")[number % 3]
    sha = hashlib.sha256(text.encode()).hexdigest()
    id = Document.make_id(collection, source, sha)
    state = list(_STATES)[number // 50 % 2] if number % 50 == 0 else State.INDEXED
    about = (0, state, _STATES.get(state, ""), len(text), {"author": _PLACES[number % 8]})
    document = Document(id, source, sha, "text/plain", f"Box {number}", collection, *about)
    bad = state in _STATES
    batch.documents.append(Stored(document, None if bad else sha, "whole"))
    if bad:
        return
    batch.contents[sha] = Parsed(text, ())
    spans = (Span(0, len(text)),)
    batch.chunks.append(
        Chunk(Chunk.make_id(id, "whole", spans, text), id, spans, text, strategy="whole")
    )


def _talk(home: Home, batch: Batch) -> None:
    """Conversations as runs leave them: each answer cites a document."""
    chats, chunks = Chats(home), batch.chunks
    for number in range(THREADS):
        thread = chats.create_thread()["id"]
        for turn in range(TURNS):
            chunk = chunks[(number * TURNS + turn) % len(chunks)]
            run = chats.log.begin(thread, _asked(chunk), "answer", None)["run"]
            chats.log.finish(run, "done", (), _outcome(chunk))
    chats.close()


def _asked(chunk: Chunk) -> str:
    return f"What is written about {chunk.text.split('keeps ')[1].split(' on ')[0]}?"


def _outcome(chunk: Chunk) -> Outcome:
    quote = chunk.text.split("\n\n")[1]
    start = chunk.text.index(quote)
    citation: Json = {
        "n": 1, "document": chunk.document, "source": "boxes/box.txt", "page": None,
        "start": start, "end": start + len(quote), "quote": quote, "support": 0.9,
    }  # fmt: skip
    return Outcome(f"{quote} [1]", (citation,), engine="extractive")


@contextmanager
def crowded_stack(folder: Path) -> Iterator[str]:
    """The page over a crowded home, which is filled if it is not there yet; its address."""
    new = not (folder / "home").exists()
    home = Home(folder / "home")
    if new:
        crowded(home)
    with SlowService(home.root, 0.0) as service:
        port = free_port()
        with page_of(
            page_command(service.url, "127.0.0.1", port), f"http://127.0.0.1:{port}"
        ) as url:
            yield url


if __name__ == "__main__":
    with crowded_stack(Path(sys.argv[1])) as address:
        print(address, flush=True)
        threading.Event().wait()
