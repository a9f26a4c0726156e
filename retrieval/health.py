"""Whether an encoder works: a test embedding, before anything is answered with it."""

from __future__ import annotations

import numpy as np

from corpus.errors import OperatorError
from retrieval.protocols import Encoder

__all__ = ["check_encoder"]

TEXT = "a box that is heavy"
UNIT = 1e-3  # how far from 1 a vector's length may be; bf16 keeps three digits


def check_encoder(encoder: Encoder) -> None:
    """Embed the same text twice, as a query.

    Raises:
        OperatorError: the vectors differ, or are not unit vectors of the fingerprint's dimension.
    """
    model, dimension = encoder.fingerprint.model, encoder.fingerprint.dimension
    vectors = np.concatenate([encoder.encode_queries([TEXT]) for _ in range(2)])
    problem = ""
    if vectors.shape != (2, dimension):
        problem = f"has the shape {vectors[:1].shape}, not (1, {dimension})"
    elif not np.isfinite(vectors).all():
        problem = "is not made of numbers"
    elif (np.abs(np.linalg.norm(vectors, axis=1) - 1) > UNIT).any():
        problem = f"has the length {np.linalg.norm(vectors[0]):.3f}, not 1"
    elif (vectors[0] != vectors[1]).any():
        problem = "comes out differently the second time"
    if problem:
        raise OperatorError(f"a test embedding of {model!r} {problem}; install the model anew")
