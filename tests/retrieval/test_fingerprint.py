"""An index is asked only in the space it was embedded in: every other one is refused by name, before an answer."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpus.errors import Damaged, FingerprintMismatch, OperatorError
from corpus.home import Home
from ingest.writer import Batch
from retrieval.encoder import load_encoder
from retrieval.fingerprint import Fingerprint
from retrieval.models import resolve
from retrieval.protocols import Encoder
from retrieval.search import MODES, Searcher
from retrieval.settings import EmbeddingSettings, RetrievalSettings
from tests.fakes import HashEncoder
from tests.retrieval.conftest import Shelf, rewrite_manifest

FIELDS = [field.name for field in dataclasses.fields(Fingerprint)]
OTHER: dict[type, Callable[[Any], Any]] = {  # a field of another type has no mutation, and fails
    str: lambda value: value + "x",
    bool: lambda value: not value,
    int: lambda value: value + 1,
}
FP32 = EmbeddingSettings(precision="fp32")


class CountingEncoder(HashEncoder):
    """Counts the texts it is given."""

    texts = 0

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += len(texts)
        return super().encode_queries(texts)


def differing(field: str) -> tuple[CountingEncoder, str]:
    """An encoder whose space differs in one field, and how an error names the difference."""
    encoder = CountingEncoder()
    mine = getattr(encoder.fingerprint, field)
    other = OTHER[type(mine)](mine)
    encoder.fingerprint = dataclasses.replace(encoder.fingerprint, **{field: other})
    return encoder, f"{field} {mine!r} against {other!r}"


def refusal(shelf: Shelf, encoder: Encoder, mode: str) -> str:
    """What a search says that is refused for the space of its encoder."""
    searcher = Searcher(shelf.home, shelf.catalog, encoder, RetrievalSettings())
    with pytest.raises(FingerprintMismatch) as caught:
        searcher.search("red box", mode=mode)
    return str(caught.value)


@pytest.mark.parametrize("field", FIELDS)
def test_an_encoder_of_another_space_is_refused_before_it_embeds(shelf: Shelf, field: str) -> None:
    shelf.add("red box")
    encoder, difference = differing(field)
    for mode in MODES:  # a lexical search too: the index is refused as a whole
        said = refusal(shelf, encoder, mode)
        assert difference in said
        assert said.count(" against ") == 1
    assert encoder.texts == 0


@pytest.mark.parametrize("field", FIELDS)
def test_an_encoder_of_another_space_cannot_write_either(shelf: Shelf, field: str) -> None:
    (document,) = shelf.add("red box")
    encoder, difference = differing(field)
    other = type(shelf.writer)(shelf.home, shelf.catalog, encoder, shelf.settings)
    with pytest.raises(FingerprintMismatch) as caught:
        other.commit(Batch(removed=[document.id]))
    other.close()
    assert difference in str(caught.value)
    assert (shelf.found("red box"), encoder.texts) == (["red box"], 0)


def test_all_differences_are_named_at_once(shelf: Shelf) -> None:
    shelf.add("red box")
    encoder = HashEncoder(dimension=8, name="other")
    said = refusal(shelf, encoder, "hybrid")
    assert "model 'hash' against 'other'; dimension 256 against 8" in said
    assert "alcove reindex" in said


# An index whose manifest, correctly checksummed, speaks of another space


@pytest.mark.parametrize("field", FIELDS)
def test_an_index_of_another_space_is_refused_before_anything_is_embedded(
    shelf: Shelf, field: str
) -> None:
    shelf.add("red box")
    encoder, _ = differing(field)
    other = {field: getattr(encoder.fingerprint, field)}
    rewrite_manifest(shelf.home, lambda raw: raw["body"]["fingerprint"].update(other))
    mine = CountingEncoder()
    searcher = Searcher(shelf.home, shelf.catalog, mine, RetrievalSettings())
    # Vectors of another dimension than their manifest says are damaged, whatever the encoder's is.
    error = Damaged if field == "dimension" else FingerprintMismatch
    for mode in MODES:
        with pytest.raises(error) as caught:
            searcher.search("red box", mode=mode)
        assert f"{field} {other[field]!r}" in str(caught.value)
    assert mine.texts == 0


@pytest.mark.parametrize("change", ["missing", "unknown", "none", "not text"])
def test_a_fingerprint_that_is_not_one_of_ours_is_refused(shelf: Shelf, change: str) -> None:
    shelf.add("red box")
    changes: dict[str, Callable[[dict[str, Any]], object]] = {
        "missing": lambda raw: raw.pop("pooling"),
        "unknown": lambda raw: raw.update(colour="red"),
        "none": lambda raw: raw.clear(),
        "not text": lambda raw: raw.update(pooling=["mean"]),
    }
    rewrite_manifest(shelf.home, lambda raw: changes[change](raw["body"]["fingerprint"]))
    encoder = CountingEncoder()
    searcher = Searcher(shelf.home, shelf.catalog, encoder, RetrievalSettings())
    named = {"unknown": "colour", "none": "model"}.get(change, "pooling")
    for mode in MODES:
        with pytest.raises(OperatorError, match=named):
            searcher.search("red box", mode=mode)
    assert encoder.texts == 0


# Real weights


@pytest.fixture(scope="module")
def folder(make_e5: Callable[..., Path]) -> Path:
    return make_e5("tiny-e5")


def space(folder: Path, home: Home, settings: EmbeddingSettings = FP32) -> Fingerprint:
    return load_encoder(resolve(str(folder), home), settings).fingerprint


def edit(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def other_pooling(folder: Path) -> None:
    modes = {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}
    edit(folder / "1_Pooling" / "config.json", **modes)


def other_tokenizer(folder: Path) -> None:
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace('"fast"', '"quick"'))


def shorter_window(folder: Path) -> None:
    edit(folder / "sentence_bert_config.json", max_seq_length=32)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (other_pooling, "pooling"),
        (other_tokenizer, "tokenizer_sha256"),
        (shorter_window, "max_tokens"),
    ],
)
def test_a_changed_model_folder_is_another_space(
    folder: Path, home: Home, tmp_path: Path, change: Callable[[Path], None], field: str
) -> None:
    changed = tmp_path / folder.name
    shutil.copytree(folder, changed)
    change(changed)
    with pytest.raises(FingerprintMismatch, match=rf"\({field} [^;]+ against [^;]+\)"):
        space(folder, home).require(space(changed, home))


def test_another_activation_is_another_space(folder: Path, home: Home, tmp_path: Path) -> None:
    changed = tmp_path / folder.name
    shutil.copytree(folder, changed)
    edit(changed / "config.json", hidden_act="relu")
    with pytest.raises(FingerprintMismatch, match="config_sha256"):
        space(folder, home).require(space(changed, home))


def test_other_weights_are_another_space(
    folder: Path, make_e5: Callable[..., Path], home: Home
) -> None:
    with pytest.raises(FingerprintMismatch, match=r"\(weights_sha256 '\w{64}' against '\w{64}'\)"):
        space(folder, home).require(space(make_e5("tiny-e5", seed=1), home))


def test_a_name_that_means_other_prefixes_is_another_space(
    folder: Path, home: Home, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(folder, plain)
    with pytest.raises(FingerprintMismatch, match="query_prefix 'query: ' against ''"):
        space(folder, home).require(space(plain, home))


def test_other_arithmetic_is_another_space(folder: Path, home: Home) -> None:
    half = space(folder, home, EmbeddingSettings(precision="bf16"))
    with pytest.raises(FingerprintMismatch, match="dtype 'fp32' against 'bf16'"):
        space(folder, home).require(half)


def test_a_folder_without_a_normalising_module_is_the_same_space_as_vectors_are_normalised_anyway(
    folder: Path, home: Home, tmp_path: Path
) -> None:
    bare = tmp_path / folder.name
    shutil.copytree(folder, bare)
    modules = json.loads((bare / "modules.json").read_text())
    (bare / "modules.json").write_text(json.dumps(modules[:2]))
    one, two = (load_encoder(resolve(str(place), home), FP32) for place in (folder, bare))
    one.fingerprint.require(two.fingerprint)
    texts = ["the fast box", "slow"]
    np.testing.assert_allclose(one.encode_passages(texts), two.encode_passages(texts), atol=1e-6)
