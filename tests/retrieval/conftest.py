"""A snapshot of a few texts, and a small model with E5's file layout and random weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from corpus.catalog import Catalog, Stored
from corpus.home import Home
from corpus.records import Chunk, Document, Parsed, Span, State
from corpus.settings import CorpusSettings
from ingest.writer import Batch, Writer
from retrieval.search import Searcher
from retrieval.settings import RetrievalSettings
from tests.fakes import HashEncoder

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "query",
    "passage",
    ":",
    "the",
    "box",
    "fast",
    "slow",
]


def add_texts(writer: Writer, texts: Sequence[str], collection: str = "default") -> list[Document]:
    """Commit one document of one chunk per text; a document's source is its text."""
    batch = Batch()
    for text in texts:
        id = Document.make_id(collection, text, text)
        document = Document(id, text, text, "text/plain", "", collection, 0, State.INDEXED)
        spans = (Span(0, len(text)),)
        chunk = Chunk(Chunk.make_id(id, "whole", spans, text), id, spans, text, strategy="whole")
        batch.documents.append(Stored(document, text, "whole"))
        batch.contents[text] = Parsed(text, ())
        batch.chunks.append(chunk)
    writer.commit(batch)
    return [stored.document for stored in batch.documents]


class Shelf:
    """A home with a writer and a searcher over it."""

    def __init__(self, home: Home, settings: RetrievalSettings | None = None) -> None:
        self.home = home
        self.catalog = Catalog(home)
        self.encoder = HashEncoder()
        self.writer = Writer(home, self.catalog, self.encoder, CorpusSettings(home=home.root))
        self.searcher = Searcher(home, self.catalog, self.encoder, settings or RetrievalSettings())

    def add(self, *texts: str, collection: str = "default") -> list[Document]:
        return add_texts(self.writer, texts, collection)

    def remove(self, *documents: Document) -> None:
        self.writer.commit(Batch(removed=[d.id for d in documents]))

    def found(self, query: str, k: int = 10, **options: object) -> list[str]:
        hits = self.searcher.search(query, k, **options).hits
        return [hit.document.source for hit in hits]

    def close(self) -> None:
        self.writer.close()
        self.catalog.close()


@pytest.fixture
def shelf(home: Home) -> Shelf:
    made = Shelf(home)
    yield made
    made.close()


@pytest.fixture(scope="session")
def make_e5(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes a folder with the files of an E5 model: BERT, mean pooling, normalisation; tiny and random."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, BertTokenizerFast

    def make(name: str, seed: int = 0) -> Path:
        folder = tmp_path_factory.mktemp("models") / name
        torch.manual_seed(seed)
        config = BertConfig(
            vocab_size=len(WORDS),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=64,
        )
        BertModel(config).save_pretrained(folder)
        tokenizer = Tokenizer(
            models.WordPiece({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]")
        )
        tokenizer.normalizer = normalizers.BertNormalizer()
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
        BertTokenizerFast(tokenizer_object=tokenizer, model_max_length=64).save_pretrained(folder)
        modules = ["Transformer", "Pooling", "Normalize"]
        rows = [
            {
                "idx": i,
                "name": str(i),
                "path": "" if i == 0 else f"{i}_{module}",
                "type": f"sentence_transformers.models.{module}",
            }
            for i, module in enumerate(modules)
        ]
        (folder / "modules.json").write_text(json.dumps(rows))
        (folder / "sentence_bert_config.json").write_text(
            json.dumps({"max_seq_length": 64, "do_lower_case": False})
        )
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(
            json.dumps({"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True})
        )
        return folder

    return make
