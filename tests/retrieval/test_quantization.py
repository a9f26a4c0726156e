"""Rounded weights: made once from the corpus's own text, checked against the exact ones, named by their hash."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from corpus.datasets import Dataset, load_beir
from corpus.errors import Damaged, NotFound, UserError
from corpus.home import Home
from eval.scoring.measures import measure, per_query
from retrieval.encoder import TransformerEncoder, load_encoder, with_quantization
from retrieval.models import resolve
from retrieval.quantization import LEAST_TEXTS, Agreement, Quantized, agreement, quantize
from retrieval.settings import EmbeddingSettings

DATA = Path(os.environ.get("ALCOVE_DATA", Path(__file__).parents[3] / "shared" / "data"))
WORDS = ["the", "box", "fast", "slow"]


@pytest.fixture(scope="module")
def encoder(
    make_e5: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> TransformerEncoder:
    home = Home(tmp_path_factory.mktemp("quantized"))
    return load_encoder(resolve(str(make_e5("e5-tiny")), home), EmbeddingSettings(precision="fp32"))


@pytest.fixture(scope="module")
def texts() -> list[str]:
    draw = np.random.default_rng(0)
    return [" ".join(draw.choice(WORDS, 20)) + f" {n}" for n in range(LEAST_TEXTS)]


@pytest.fixture(scope="module")
def done(encoder: TransformerEncoder, texts: list[str]) -> Quantized:
    return quantize(encoder, texts)


def test_rounded_weights_give_nearly_the_same_vectors_in_a_space_of_their_own(
    encoder: TransformerEncoder, done: Quantized, texts: list[str]
) -> None:
    rounded = with_quantization(encoder, done.sha256)
    assert (rounded.fingerprint.dtype, rounded.fingerprint.quantization) == ("int8", done.sha256)
    cosines = (encoder.encode_passages(texts) * rounded.encode_passages(texts)).sum(axis=1)
    assert 0.98 < cosines.mean() < 1 - 1e-6  # close, and not the unrounded ones
    assert done.agreement.cosine == pytest.approx(float(cosines.mean()), abs=0.01)


def test_the_same_texts_are_calibrated_with_once(
    encoder: TransformerEncoder, done: Quantized, texts: list[str]
) -> None:
    folders = sorted(encoder.model.home.quantized.iterdir())
    assert quantize(encoder, texts) == done
    assert sorted(encoder.model.home.quantized.iterdir()) == folders


def test_the_settings_load_them_by_their_hash(encoder: TransformerEncoder, done: Quantized) -> None:
    settings = EmbeddingSettings(precision="int8")
    loaded = load_encoder(encoder.model, settings, done.sha256)
    assert loaded.fingerprint == with_quantization(encoder, done.sha256).fingerprint
    with pytest.raises(NotFound, match="alcove reindex --precision int8"):
        load_encoder(encoder.model, settings, "0" * 64)


def test_damaged_weights_are_refused(encoder: TransformerEncoder, done: Quantized) -> None:
    for path in encoder.model.home.quantized.glob("*/model.bin"):
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        try:
            if done.sha256 in (path.with_name("recipe.json")).read_text():
                with pytest.raises(Damaged, match="are damaged"):
                    with_quantization(encoder, done.sha256)
        finally:
            path.write_bytes(whole)


def test_too_few_texts_are_refused(encoder: TransformerEncoder) -> None:
    with pytest.raises(UserError, match="too few to calibrate"):
        quantize(encoder, ["the box"] * 100)


def test_agreement_sees_other_vectors_and_other_neighbours(
    encoder: TransformerEncoder, make_e5: Callable[..., Path], texts: list[str]
) -> None:
    other = load_encoder(
        resolve(str(make_e5("e5-other", 1)), encoder.model.home),
        EmbeddingSettings(precision="fp32"),
    )
    passages, queries = texts[:60], texts[60:80]
    assert agreement(encoder, encoder, passages, queries) == Agreement(1.0, 1.0)
    found = agreement(encoder, other, passages, queries)
    assert found.cosine < 0.9
    assert found.overlap < 0.9


def test_what_is_enough() -> None:
    assert Agreement(0.995, 0.95).is_enough
    assert not Agreement(0.9949, 0.99).is_enough
    assert not Agreement(0.999, 0.949).is_enough


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ["scifact", "vendor-docs-100", "codebase-248", "squad-en"])
def test_rounding_costs_no_more_than_half_a_point_of_ndcg(name: str, home: Home) -> None:
    if not (DATA / name).is_dir():
        pytest.skip(
            f"needs the evaluation data: no folder {name!r} in ALCOVE_DATA or ../shared/data"
        )
    dataset = load_beir(DATA / name)
    exact = load_encoder(resolve("all-minilm-l6-v2", home), EmbeddingSettings())
    texts = [f"{entry.title} {entry.text}".strip() for entry in dataset.documents]
    enough = texts if len(texts) >= LEAST_TEXTS else _halved(texts)
    done = quantize(exact, enough)
    assert done.agreement.is_enough
    figures = [
        _ndcg(dataset, encoder, texts) for encoder in (exact, with_quantization(exact, done.sha256))
    ]
    print(name, figures, done)
    assert figures[0] - figures[1] <= 0.005


def _halved(texts: list[str]) -> list[str]:
    """More, shorter texts, for a set that has few long ones."""
    words = [text.split() for text in texts]
    return [" ".join(w[at : at + 60]) for w in words for at in range(0, len(w), 60)]


def _ndcg(dataset: Dataset, encoder: TransformerEncoder, texts: list[str]) -> float:
    vectors = encoder.encode_passages(texts)
    queries = dataset.judged()
    scores = encoder.encode_queries([query.text for query in queries]) @ vectors.T
    ids = [entry.id for entry in dataset.documents]
    run = {
        query.id: [ids[i] for i in np.argsort(-row, kind="stable")[:10]]
        for query, row in zip(queries, scores, strict=True)
    }
    rows = per_query([measure("nDCG@10")], dataset.qrels(), run)["nDCG@10"]
    return float(np.mean([rows[query.id] for query in queries]))
