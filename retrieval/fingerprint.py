"""The embedding fingerprint: everything that decides which space a vector lives in.

Two vectors may be compared only if their fingerprints are equal; a manifest carries the one of its index.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from corpus.errors import Damaged, FingerprintMismatch

__all__ = ["Fingerprint"]


@dataclasses.dataclass(frozen=True, slots=True)
class Fingerprint:
    """Name and recipe of an embedding space."""

    model: str
    revision: str
    weights_sha256: str
    tokenizer_sha256: str
    query_prefix: str
    passage_prefix: str
    pooling: str
    normalised: bool
    dimension: int
    max_tokens: int  # the window, special tokens included
    dtype: str  # arithmetic: "fp32", "bf16" or "int8"
    quantization: str = ""  # SHA-256 of the rounded weights, with "int8"
    config_sha256: str = ""  # of what the weights are used in; an older index does not say

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits that name the space in file names and cache keys."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Fingerprint:
        """Raises:
        Damaged: a field is missing or unknown.
        """
        try:
            return cls(**raw)
        except TypeError as exc:
            raise Damaged(
                f"the manifest's embedding fingerprint has the wrong fields: {exc}"
            ) from exc

    def require(self, other: Fingerprint) -> None:
        """Refuse to mix spaces.

        Raises:
            FingerprintMismatch: naming every field in which ``other`` (the query's) differs from this (the index's).
        """
        mine, theirs = self.to_json(), other.to_json()
        differing = [
            f"{name} {mine[name]!r} against {theirs[name]!r}"
            for name in mine
            if mine[name] != theirs[name] and (name, mine[name]) != ("config_sha256", "")
        ]
        if differing:
            raise FingerprintMismatch(
                f"the index was embedded differently ({'; '.join(differing)});"
                " set embedding.model back, or run `alcove reindex` to embed everything anew"
            )
