"""Reranking with a cross-encoder: a tiny one with random weights, through the real library."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import OperatorError
from retrieval.inspection import inspect
from retrieval.limits import Limits
from retrieval.rerank import CrossEncoder
from retrieval.search import Searcher
from retrieval.settings import RetrievalSettings
from tests.retrieval.conftest import Shelf

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "red",
    "blue",
    "green",
    "box",
    "car",
    "tree",
    "a",
    "in",
]


def make_cross_encoder(folder: Path, outputs: int = 1) -> Path:
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        num_labels=outputs,
        initializer_range=0.5,  # so that texts get clearly different scores
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    vocabulary = {word: i for i, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    BertTokenizerFast(tokenizer_object=tokenizer, model_max_length=64).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cross_encoder(tmp_path_factory.mktemp("rerankers") / "tiny")


def with_reranker(shelf: Shelf, model: Path, **settings: object) -> Searcher:
    changed = RetrievalSettings(rerank_model=model, **settings)
    return Searcher(shelf.home, shelf.catalog, shelf.encoder, changed)


def by_hand(model: Path, query: str, text: str) -> float:
    """The score from transformers alone."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(model)(query, text, return_tensors="pt")
    with torch.inference_mode():
        logits = AutoModelForSequenceClassification.from_pretrained(model)(**tokens).logits
    return float(torch.sigmoid(logits)[0, 0])


def test_hits_are_ordered_by_the_cross_encoder_s_score(shelf: Shelf, model: Path) -> None:
    texts = ["red box", "blue car", "green tree in a box", "a red car", "red red tree"]
    shelf.add(*texts)
    found = with_reranker(shelf, model).search("red car", 4)
    expected = {text: by_hand(model, "red car", text) for text in texts}
    best = sorted(texts, key=lambda text: -expected[text])[:4]
    assert [hit.document.source for hit in found.hits] == best
    assert [hit.score for hit in found.hits] == pytest.approx([expected[t] for t in best], abs=1e-5)
    assert [hit.rank for hit in found.hits] == [1, 2, 3, 4]
    assert found.timings_ms["rerank"] > 0


def test_only_the_pool_is_reranked(shelf: Shelf, model: Path) -> None:
    shelf.add("red car", "a red car in a box", "green tree", "blue tree")
    fused = shelf.found("red car", 2)
    reranked = with_reranker(shelf, model, pool=2).search("red car", 2).hits
    assert {hit.document.source for hit in reranked} == set(fused)


def test_a_search_can_do_without(shelf: Shelf, model: Path) -> None:
    shelf.add("red box", "blue car", "green tree")
    found = with_reranker(shelf, model).search("red car", rerank=False)
    assert [hit.document.source for hit in found.hits] == shelf.found("red car")
    assert found.timings_ms["rerank"] == 0


@pytest.mark.parametrize("refined", [{}, {"collapse": True, "diversity": 0.7, "neighbours": 1}])
def test_an_inspection_tells_of_the_reranked_hits(
    shelf: Shelf, model: Path, refined: dict[str, Any]
) -> None:
    shelf.add("red box", "blue car", "green tree in a box", "a red car", "red red tree", "red, box")
    searcher = with_reranker(shelf, model)
    told = inspect(searcher, "red car", 4, "hybrid", Limits(), **refined)
    hits = searcher.search("red car", 4, **refined).hits
    assert told.look.result.hits == hits
    assert [inspected.rerank_score for inspected in told.hits] == [hit.score for hit in hits]
    moved = [i for i in told.hits if i.fused_rank != i.hit.rank]
    assert moved
    assert all("The reranker" in inspected.why for inspected in moved)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer_config.json"])
def test_an_incomplete_folder_is_named_with_what_it_lacks(
    model: Path, tmp_path: Path, missing: str
) -> None:
    folder = Path(shutil.copytree(model, tmp_path / "half"))
    (folder / missing).unlink()
    with pytest.raises(OperatorError, match=f"half' has no '{missing}'; set retrieval.rerank"):
        CrossEncoder(folder)


def test_a_missing_folder_or_another_model_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="nowhere' has no"):
        CrossEncoder(tmp_path / "nowhere")
    with pytest.raises(OperatorError, match="has 3 outputs, a reranker has one"):
        CrossEncoder(make_cross_encoder(tmp_path / "classes", outputs=3))
    broken = Path(shutil.copytree(model, tmp_path / "broken"))
    (broken / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(OperatorError, match="broken' cannot be loaded"):
        CrossEncoder(broken)
