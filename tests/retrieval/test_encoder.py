"""The encoder on a model with E5's layout and random weights, and on the built-in one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from corpus.errors import Damaged, FingerprintMismatch, NotFound, OperatorError, UserError
from corpus.home import Home
from retrieval.encoder import TransformerEncoder, load_encoder
from retrieval.models import MODELS, add, available, resolve
from retrieval.settings import EmbeddingSettings

FP32 = EmbeddingSettings(precision="fp32")


@pytest.fixture(scope="session")
def e5_folder(make_e5: Callable[..., Path]) -> Path:
    return make_e5("e5-base-v2")


@pytest.fixture
def e5(e5_folder: Path, home: Home) -> TransformerEncoder:
    return load_encoder(resolve(str(e5_folder), home), FP32)


def by_hand(folder: Path, texts: list[str]) -> np.ndarray:
    """Mean pooling and normalisation written out, as https://arxiv.org/abs/2212.03533 describes."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder)
    rows = []
    for text in texts:
        features = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            states = model(**features).last_hidden_state[0]
        mean = states.mean(dim=0).numpy()
        rows.append(mean / np.linalg.norm(mean))
    return np.array(rows)


def test_e5_gets_its_prefixes_mean_pooling_and_unit_length(
    e5: TransformerEncoder, e5_folder: Path
) -> None:
    texts = ["the box fast", "slow", "the the the slow box"]
    expected = by_hand(e5_folder, ["passage: " + text for text in texts])
    np.testing.assert_allclose(e5.encode_passages(texts), expected, atol=1e-5)
    expected = by_hand(e5_folder, ["query: " + text for text in texts])
    np.testing.assert_allclose(e5.encode_queries(texts), expected, atol=1e-5)


def test_the_order_of_a_batch_does_not_change_its_vectors(e5: TransformerEncoder) -> None:
    texts = [("the box " * n).strip() for n in (1, 9, 3, 20, 2)]
    together = e5.encode_passages(texts)
    alone = np.concatenate([e5.encode_passages([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("kind", ["passage", "query"])
def test_a_text_beyond_the_window_is_the_weighted_mean_of_its_windows(
    e5: TransformerEncoder, e5_folder: Path, kind: str
) -> None:
    text = (
        "the box " * 40 + "fast slow " * 10
    )  # 100 tokens; a window holds 64 with 4 around the text
    words = text.split()
    windows = [f"{kind}: " + " ".join(words[:60]), f"{kind}: " + " ".join(words[60:])]
    mean = np.array([64, 44]) @ by_hand(e5_folder, windows)
    encode = e5.encode_passages if kind == "passage" else e5.encode_queries
    vectors = encode(["slow", text, "fast"])
    np.testing.assert_allclose(vectors[1], mean / np.linalg.norm(mean), atol=1e-5)
    np.testing.assert_allclose(vectors[[0, 2]], encode(["slow", "fast"]), atol=1e-5)


def test_the_end_of_a_long_passage_counts(e5: TransformerEncoder) -> None:
    long, longer = e5.encode_passages(["box " * 100, "box " * 100 + "fast " * 60])
    assert long @ longer < 0.999


def test_no_texts_give_no_vectors(e5: TransformerEncoder) -> None:
    assert e5.encode_passages([]).shape == (0, 32)
    assert e5.encode_queries([]).shape == (0, 32)


def test_bf16_stays_close_to_fp32(e5: TransformerEncoder, e5_folder: Path, home: Home) -> None:
    half = load_encoder(resolve(str(e5_folder), home), EmbeddingSettings(precision="bf16"))
    texts = ["the box fast", "slow box"]
    cosines = (half.encode_passages(texts) * e5.encode_passages(texts)).sum(axis=1)
    assert cosines.min() > 0.99


@pytest.mark.parametrize(
    "change",
    [
        {"model": "other"},
        {"revision": "2"},
        {"weights_sha256": "0"},
        {"tokenizer_sha256": "0"},
        {"query_prefix": ""},
        {"passage_prefix": "doc: "},
        {"pooling": "cls"},
        {"normalised": False},
        {"dimension": 16},
        {"max_tokens": 32},
        {"dtype": "bf16"},
    ],
)
def test_every_difference_between_spaces_is_refused_by_name(
    e5: TransformerEncoder, change: dict[str, object]
) -> None:
    (name,) = change
    with pytest.raises(FingerprintMismatch, match=name):
        e5.fingerprint.require(replace(e5.fingerprint, **change))


def test_other_weights_are_another_space(
    e5: TransformerEncoder, make_e5: Callable[..., Path], home: Home
) -> None:
    other = load_encoder(resolve(str(make_e5("e5-base-v2", seed=1)), home), FP32)
    with pytest.raises(FingerprintMismatch, match="weights_sha256"):
        e5.fingerprint.require(other.fingerprint)


def test_auto_takes_e5_when_it_is_here_and_the_built_in_model_otherwise(
    e5_folder: Path, home: Home, tmp_path: Path
) -> None:
    before = resolve("auto", home, cache=tmp_path)
    assert before.name == "all-minilm-l6-v2"
    assert "alcove models pull e5-base-v2" in before.note
    add(e5_folder, home)
    assert resolve("auto", home, cache=tmp_path).name == "e5-base-v2"
    assert dict(available(home, tmp_path))["e5-base-v2"] is not None


def test_auto_finds_e5_in_the_hub_cache(e5_folder: Path, home: Home, tmp_path: Path) -> None:
    revision = MODELS["e5-base-v2"].revision
    place = tmp_path / "models--intfloat--e5-base-v2" / "snapshots" / revision
    place.parent.mkdir(parents=True)
    place.symlink_to(e5_folder)
    assert resolve("auto", home, cache=tmp_path).folder == place


def test_a_model_that_is_not_here_says_how_to_get_it(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="alcove models pull e5-large-v2"):
        resolve("intfloat/e5-large-v2", home, cache=tmp_path)
    with pytest.raises(NotFound, match="known are"):
        resolve("no-such-model", home, cache=tmp_path)


def test_an_incomplete_folder_is_refused_by_what_it_lacks(e5_folder: Path, home: Home) -> None:
    with pytest.raises(UserError, match=r"tokenizer\.json"):
        add(e5_folder / "1_Pooling", home)


def test_a_folder_that_is_not_a_model_is_the_operators_matter(
    e5_folder: Path, home: Home, tmp_path: Path
) -> None:
    broken = shutil.copytree(e5_folder, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(OperatorError, match="is not a safetensors file"):
        load_encoder(resolve(str(broken), home), FP32)


def test_altered_built_in_weights_are_refused(home: Home, tmp_path: Path) -> None:
    found = resolve("all-minilm-l6-v2", home, cache=tmp_path)
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in found.folder.glob("*.json"):
        (copy / path.name).write_bytes(path.read_bytes())
    (copy / "model.safetensors").write_bytes(b"other")
    with pytest.raises(Damaged, match="not the known ones"):
        load_encoder(replace(found, folder=copy), FP32)


def test_the_built_in_model_ranks_by_meaning(home: Home, tmp_path: Path) -> None:
    encoder = load_encoder(resolve("all-minilm-l6-v2", home, cache=tmp_path), EmbeddingSettings())
    passages = encoder.encode_passages(
        ["The invoice is due in thirty days.", "A cat sleeps on the sofa."]
    )
    query = encoder.encode_queries(["When do we have to pay the bill?"])[0]
    assert np.argmax(passages @ query) == 0


def test_a_length_stored_in_the_tokenizer_file_neither_cuts_nor_pads(
    e5: TransformerEncoder, e5_folder: Path, home: Home, tmp_path: Path
) -> None:
    copy = tmp_path / "e5-base-v2"
    shutil.copytree(e5_folder, copy)
    raw = json.loads((copy / "tokenizer.json").read_text())
    raw["truncation"] = {
        "direction": "Right",
        "max_length": 8,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    raw["padding"] = {
        "strategy": {"Fixed": 8},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    (copy / "tokenizer.json").write_text(json.dumps(raw))
    limited = load_encoder(resolve(str(copy), home), FP32)
    texts = ["box " * 30 + "fast", "slow"]
    np.testing.assert_allclose(limited.encode_passages(texts), e5.encode_passages(texts), atol=1e-5)
    assert limited.count_tokens(texts[0]) == 31
