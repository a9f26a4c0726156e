"""Reranking with a cross-encoder, which reads a query and a text together: slower and finer than comparing vectors.

Any sentence-transformers folder of a cross-encoder with one output will do; its weights must be in safetensors.
Nogueira & Cho 2019, https://arxiv.org/abs/1901.04085.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.errors import OperatorError
from corpus.records import Hit

if TYPE_CHECKING:
    from retrieval.protocols import Array

__all__ = ["CrossEncoder"]

NEEDED = ("config.json", "model.safetensors", "tokenizer_config.json")
BATCH = 16  # pairs that are read together


class CrossEncoder:
    """Scores how well texts answer a query. Safe to call from several threads.

    Args:
        folder: the model's files; nothing is fetched.

    Raises:
        OperatorError: the folder or one of its files is missing, or it is not a cross-encoder with one output.
    """

    def __init__(self, folder: Path) -> None:
        missing = [name for name in NEEDED if not (folder / name).is_file()]
        if missing:
            raise OperatorError(
                f"the reranker {str(folder)!r} has no {missing[0]!r}; "
                "set retrieval.rerank_model to the folder of a cross-encoder"
            )
        self._model = _load(folder)

    def scores(self, query: str, texts: Sequence[str]) -> Array:
        """How well each text answers the query, shape (len(texts),), each 0..1."""
        import torch

        pairs = [(query, text) for text in texts]
        scores: Array = self._model.predict(
            pairs, batch_size=BATCH, show_progress_bar=False, activation_fn=torch.nn.Sigmoid()
        )
        return scores

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[Hit]:
        """The hits, best first by the model, each with the model's score; equal ones stay in their order."""
        if not hits:
            return []
        scores = self.scores(query, ["\n".join((*h.chunk.headings, h.chunk.text)) for h in hits])
        scored = [replace(h, score=float(s)) for h, s in zip(hits, scores, strict=True)]
        return sorted(scored, key=lambda hit: -hit.score)


def _load(folder: Path) -> Any:
    from safetensors import SafetensorError
    from sentence_transformers import CrossEncoder as Model

    try:
        model = Model(
            str(folder),
            device="cpu",
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as exc:
        raise OperatorError(
            f"the reranker {str(folder)!r} cannot be loaded ({exc}); get its folder anew"
        ) from exc
    if model.num_labels != 1:
        raise OperatorError(
            f"the model {str(folder)!r} has {model.num_labels} outputs, a reranker has one; choose another"
        )
    return model
