"""Texts to unit vectors with a sentence-transformers model on the CPU.

Adds the model's prefixes, sorts by length, batches by padded tokens, and computes in bf16 where the processor has it.
A text that does not fit the model's window is never cut: it is embedded window by window, each under the prefix, and
its vector is the mean of theirs, weighted by their lengths and normalised. Loads files that are already here
(``retrieval.models`` finds them) and never downloads.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.errors import Damaged, OperatorError
from corpus.home import file_sha256
from retrieval.fingerprint import Fingerprint
from retrieval.models import FoundModel
from retrieval.settings import EmbeddingSettings

if TYPE_CHECKING:
    from retrieval.protocols import Array

__all__ = ["TransformerEncoder", "load_encoder"]

MAX_PASSAGES_PER_BATCH = 128
SMALL_TOKENS = 256  # below this a forward pass runs on one thread


def load_encoder(model: FoundModel, settings: EmbeddingSettings) -> TransformerEncoder:
    """Load a model's files and work out the space its vectors live in.

    Raises:
        Damaged: known weights have another hash. OperatorError: the files are not a model that can be loaded.
    """
    weights = file_sha256(model.folder / "model.safetensors")
    if model.spec.weights_sha256 not in ("", weights):
        raise Damaged(
            f"the weights of {model.name!r} in {str(model.folder)!r} are not the known ones; install them anew"
        )
    transformer = _load(model.folder)
    dtype = settings.precision if settings.precision != "auto" else _best_precision()
    fingerprint = Fingerprint(
        model=model.name,
        revision=model.spec.revision,
        weights_sha256=weights,
        tokenizer_sha256=file_sha256(model.folder / "tokenizer.json"),
        query_prefix=model.spec.query_prefix,
        passage_prefix=model.spec.passage_prefix,
        pooling=str(transformer[1].pooling_mode),
        normalised=True,
        dimension=int(transformer.get_embedding_dimension() or 0),
        max_tokens=int(transformer.max_seq_length or 512),
        dtype=dtype,
    )
    return TransformerEncoder(transformer, fingerprint, settings.batch_tokens)


class TransformerEncoder:
    """An ``Encoder`` over one loaded model; safe to call from several threads, one batch at a time."""

    def __init__(self, model: Any, fingerprint: Fingerprint, batch_tokens: int) -> None:
        self.fingerprint = fingerprint
        self._model = model
        self._tokenizer = model.tokenizer
        self._fast = model.tokenizer.backend_tokenizer
        self._fast.no_truncation()  # some tokenizer files carry a fixed length of 128 for both,
        self._fast.no_padding()  # which would cut long texts and embed the padding of short ones
        self._batch_tokens = batch_tokens
        self._lock = threading.Lock()
        self._threads = _threads()

    def count_tokens(self, text: str) -> int:
        return len(self._fast.encode(text, add_special_tokens=False).ids) if text else 0

    def encode_passages(self, texts: Sequence[str]) -> Array:
        return self._embed(texts, self.fingerprint.passage_prefix)

    def encode_queries(self, texts: Sequence[str]) -> Array:
        return self._embed(texts, self.fingerprint.query_prefix)

    def _embed(self, texts: Sequence[str], prefix: str) -> Array:
        encodings = self._fast.encode_batch([prefix + text for text in texts])
        prefix_tokens = self.count_tokens(prefix.rstrip())
        windows = [list(self._windows(encoding.ids, prefix_tokens)) for encoding in encodings]
        vectors = self._encode([window for row in windows for window in row])
        edges = itertools.pairwise(itertools.accumulate(map(len, windows), initial=0))
        means = [_mean(vectors[a:b], row) for row, (a, b) in zip(windows, edges, strict=True)]
        return np.array(means, dtype=np.float32).reshape(len(texts), self.fingerprint.dimension)

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

    def _encode(self, ids: list[list[int]]) -> Array:
        vectors = np.zeros((len(ids), self.fingerprint.dimension), dtype=np.float32)
        with self._lock:
            for rows in self._batches(ids):
                vectors[rows] = self._forward([ids[row] for row in rows])
        if not np.isfinite(vectors).all():
            raise OperatorError(
                f"model {self.fingerprint.model!r} gave vectors that are not numbers; its weights may be damaged"
            )
        return _unit(vectors)

    def _batches(self, ids: list[list[int]]) -> Iterator[list[int]]:
        """Row numbers, longest texts first, so that padding is small and a batch's cost is bounded."""
        batch: list[int] = []
        for row in sorted(range(len(ids)), key=lambda i: -len(ids[i])):
            width = len(ids[batch[0]]) if batch else len(ids[row])
            if batch and (
                (len(batch) + 1) * width > self._batch_tokens
                or len(batch) == MAX_PASSAGES_PER_BATCH
            ):
                yield batch
                batch = []
            batch.append(row)
        if batch:
            yield batch

    def _forward(self, ids: list[list[int]]) -> Array:
        import torch

        # Threads that wait for each other cost a short text more than they save, most of all on a busy machine.
        torch.set_num_threads(1 if sum(map(len, ids)) < SMALL_TOKENS else self._threads)
        features = self._tokenizer.pad({"input_ids": ids}, padding=True, return_tensors="pt")
        autocast = torch.autocast(
            "cpu", dtype=torch.bfloat16, enabled=self.fingerprint.dtype == "bf16"
        )
        with torch.inference_mode(), autocast:
            out = self._model(dict(features))["sentence_embedding"]
        vectors: Array = out.float().numpy()
        return vectors


def _load(folder: Path) -> Any:
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(
            str(folder),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as exc:
        raise OperatorError(
            f"the model folder {str(folder)!r} cannot be loaded ({type(exc).__name__}: {str(exc)[:120]});"
            " check that it is a complete sentence-transformers model"
        ) from exc


def _best_precision() -> str:
    import torch

    has_bf16: bool = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return "bf16" if has_bf16 else "fp32"


def _threads() -> int:
    import torch

    return int(torch.get_num_threads())


def _mean(vectors: Array, windows: Sequence[Sequence[int]]) -> Array:
    """The vector of a text from those of its windows, each of which counts by its tokens."""
    weights = np.array([len(window) for window in windows], dtype=np.float32)
    mean: Array = vectors[0] if len(windows) == 1 else _unit(weights[None] @ vectors)[0]
    return mean


def _unit(vectors: Array) -> Array:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)
