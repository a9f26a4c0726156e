"""Texts to unit vectors with a sentence-transformers model on the CPU.

Adds the model's prefixes, sorts by length, batches by padded tokens, and computes in bf16 where the processor has it.
A passage that does not fit the window is refused rather than cut; a query that does not fit is embedded window by
window and averaged. Loads files that are already here (``retrieval.models`` finds them) and never downloads.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.errors import Damaged, OperatorError, UserError
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
        prefixed = [self.fingerprint.passage_prefix + text for text in texts]
        ids = self._token_ids(prefixed)
        for number, (text, row) in enumerate(zip(texts, ids, strict=True)):
            if len(row) > self.fingerprint.max_tokens:
                raise UserError(
                    f"text {number} ({text[:40]!r}…) has {len(row)} tokens, the window of {self.fingerprint.model!r}"
                    f" is {self.fingerprint.max_tokens}; split it first"
                )
        return self._encode(ids)

    def encode_queries(self, texts: Sequence[str]) -> Array:
        ids = self._token_ids([self.fingerprint.query_prefix + text for text in texts])
        windows = [list(self._windows(row)) for row in ids]
        vectors = self._encode([window for row in windows for window in row])
        edges = list(itertools.accumulate((len(row) for row in windows), initial=0))
        means = [vectors[a:b].mean(axis=0) for a, b in itertools.pairwise(edges)]
        return _unit(
            np.array(means, dtype=np.float32).reshape(len(texts), self.fingerprint.dimension)
        )

    def _token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        return [
            encoding.ids
            for encoding in self._fast.encode_batch(list(texts), add_special_tokens=True)
        ]

    def _windows(self, ids: list[int]) -> Iterator[list[int]]:
        size = self.fingerprint.max_tokens
        if len(ids) <= size:
            yield ids
            return
        first, last, inner = (
            ids[:1],
            ids[-1:],
            ids[1:-1],
        )  # BERT-like: one special token at either end
        for start in range(0, len(inner), size - 2):
            yield first + inner[start : start + size - 2] + last

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


def _unit(vectors: Array) -> Array:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)
