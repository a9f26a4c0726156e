"""Texts to unit vectors with a sentence-transformers model on the CPU.

Adds the model's prefixes, cuts long texts into windows, tokenizes the next portion while the last is computed, and
leaves the computing to a ``Runtime``. A text that does not fit the model's window is never cut off: it is embedded
window by window, each under the prefix, and its vector is the mean of theirs, weighted by their lengths and
normalised. Loads files that are already here (``retrieval.models`` finds them) and never downloads. Which runtime
and which arithmetic is decided by ``retrieval.probe``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.errors import OperatorError
from retrieval.apart import Apart
from retrieval.fingerprint import Fingerprint
from retrieval.models import FoundModel
from retrieval.prepared import Prepared, prepare
from retrieval.probe import choose
from retrieval.settings import BATCH_TOKENS, EmbeddingSettings

if TYPE_CHECKING:
    from retrieval.protocols import Array, Encoder, Runtime

__all__ = ["TransformerEncoder", "load_encoder", "warm_up", "with_quantization"]

PORTION = 256  # texts tokenized while as many are computed


def load_encoder(
    model: FoundModel, settings: EmbeddingSettings, quantization: str = ""
) -> TransformerEncoder:
    """Load a model's files and work out the space its vectors live in.

    Args:
        quantization: with ``precision="int8"``, which of the home's rounded weights, by their SHA-256.

    Raises:
        Damaged: known weights have another hash. OperatorError: the files are not a model that can be loaded.
        NotFound: there are no such rounded weights.
    """
    with Apart() as apart:
        prepared = prepare(model, apart, settings.prepared)
        tokenizer = load_tokenizer(model.folder)
        if settings.precision == "int8":
            return _quantized(model, prepared, tokenizer, quantization, settings.batch_tokens)
        runtime, dtype = choose(prepared, settings, tokenizer, apart)
    return TransformerEncoder(model, prepared, tokenizer, runtime, dtype)


def with_quantization(
    encoder: TransformerEncoder, sha256: str, batch_tokens: int = BATCH_TOKENS
) -> TransformerEncoder:
    """The encoder of the same model with the rounded weights of that hash.

    Raises:
        NotFound: there are none. Damaged: their files do not match the hash.
    """
    return _quantized(encoder.model, encoder.prepared, encoder.tokenizer, sha256, batch_tokens)


def _quantized(
    model: FoundModel, prepared: Prepared, tokenizer: Any, sha256: str, batch_tokens: int
) -> TransformerEncoder:
    from retrieval.quantization import quantized_runtime

    runtime = quantized_runtime(model, prepared.recipe.pad_id, sha256, batch_tokens)
    return TransformerEncoder(model, prepared, tokenizer, runtime, "int8", sha256)


def load_tokenizer(folder: Path) -> Any:
    """The model's tokenizer, which neither cuts nor pads: some files carry a fixed length of 128 for both."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def warm_up(encoder: Encoder) -> None:
    """Encode queries of usual lengths, of which the first takes longer than those after it."""
    for words in (4, 24, 40, 56):
        encoder.encode_queries(["word " * words])


class TransformerEncoder:
    """An ``Encoder`` over one loaded model; safe to call from several threads."""

    def __init__(
        self,
        model: FoundModel,
        prepared: Prepared,
        tokenizer: Any,
        runtime: Runtime,
        dtype: str,
        quantization: str = "",
    ) -> None:
        recipe = prepared.recipe
        self.fingerprint = Fingerprint(
            model=model.name,
            revision=model.spec.revision,
            weights_sha256=recipe.weights_sha256,
            tokenizer_sha256=recipe.tokenizer_sha256,
            config_sha256=recipe.config_sha256,
            query_prefix=model.spec.query_prefix,
            passage_prefix=model.spec.passage_prefix,
            pooling=recipe.pooling,
            normalised=True,
            dimension=recipe.dimension,
            max_tokens=recipe.max_tokens,
            dtype=dtype,
            quantization=quantization,
        )
        self.model, self.prepared, self.runtime = model, prepared, runtime
        self.tokenizer = tokenizer

    def count_tokens(self, text: str) -> int:
        return len(self.tokenizer.encode(text, add_special_tokens=False).ids) if text else 0

    def encode_passages(self, texts: Sequence[str]) -> Array:
        return self._embed(texts, self.fingerprint.passage_prefix)

    def encode_queries(self, texts: Sequence[str]) -> Array:
        return self._embed(texts, self.fingerprint.query_prefix)

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Passages as the model sees them: prefix and special tokens included, none cut."""
        return self._tokenized(texts, self.fingerprint.passage_prefix)

    def _embed(self, texts: Sequence[str], prefix: str) -> Array:
        if len(texts) <= PORTION:
            return self._vectors(self._tokenized(texts, prefix), prefix)
        portions = [texts[start : start + PORTION] for start in range(0, len(texts), PORTION)]
        with ThreadPoolExecutor(1) as ahead:
            tokenized = ahead.map(lambda portion: self._tokenized(portion, prefix), portions)
            return np.concatenate([self._vectors(ids, prefix) for ids in tokenized])

    def _tokenized(self, texts: Sequence[str], prefix: str) -> list[list[int]]:
        if len(texts) == 1:  # a query: no threads are asked for their share of it
            return [self.tokenizer.encode(prefix + texts[0]).ids]
        encodings = self.tokenizer.encode_batch_fast([prefix + text for text in texts])
        return [encoding.ids for encoding in encodings]

    def _vectors(self, ids: list[list[int]], prefix: str) -> Array:
        if max(map(len, ids), default=0) <= self.fingerprint.max_tokens:
            return self._unit_vectors(ids)
        prefix_tokens = self.count_tokens(prefix.rstrip())
        windows = [list(self._windows(text, prefix_tokens)) for text in ids]
        vectors = self._unit_vectors([window for row in windows for window in row])
        edges = itertools.pairwise(itertools.accumulate(map(len, windows), initial=0))
        means = [_mean(vectors[a:b], row) for row, (a, b) in zip(windows, edges, strict=True)]
        return np.array(means, dtype=np.float32)

    def _windows(self, ids: list[int], prefix_tokens: int) -> Iterator[list[int]]:
        """The tokens of a text in windows that the model sees whole.

        The model is BERT-like: one special token stands at either end.
        """
        if len(ids) <= self.fingerprint.max_tokens:
            yield ids
            return
        first, inner, last = ids[: 1 + prefix_tokens], ids[1 + prefix_tokens : -1], ids[-1:]
        size = self.fingerprint.max_tokens - len(first) - len(last)
        for start in range(0, len(inner), size):
            yield first + inner[start : start + size] + last

    def _unit_vectors(self, ids: list[list[int]]) -> Array:
        vectors = self.runtime.vectors(ids)
        if not np.isfinite(vectors).all():
            raise OperatorError(
                f"model {self.fingerprint.model!r} gave vectors that are not numbers; its weights may be damaged"
            )
        return _unit(vectors)


def _mean(vectors: Array, windows: Sequence[Sequence[int]]) -> Array:
    """The vector of a text from those of its windows, each of which counts by its tokens."""
    weights = np.array([len(window) for window in windows], dtype=np.float32)
    mean: Array = vectors[0] if len(windows) == 1 else _unit(weights[None] @ vectors)[0]
    return mean


def _unit(vectors: Array) -> Array:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)
