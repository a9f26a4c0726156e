"""Kinds of attention: the parameters of each, and the numbers that it keeps of a sequence.

``matrices`` and ``vectors`` count parameters of one layer of a model that is ``hidden`` wide; ``cached`` is
numbers kept for each token, ``state`` those for a sequence whatever its length. Knows nothing of bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Attention", "Latent", "Linear"]


@dataclass(frozen=True, slots=True)
class Attention:
    """Multi-head or grouped-query attention.

    Args:
        heads, kv_heads: of queries, and of keys and values.
        head_dim: of one head.
        window: tokens that a sliding window keeps; ``None``: all of them.
        qkv_bias, out_bias: whether these projections have biases.
        norms: parameters of norms on queries and keys.
        sinks: whether each head has a learnt sink.
        gated: whether the queries' projection makes a gate of the same size.
    """

    heads: int
    kv_heads: int
    head_dim: int
    window: int | None = None
    qkv_bias: bool = False
    out_bias: bool = False
    norms: int = 0
    sinks: bool = False
    gated: bool = False

    def matrices(self, hidden: int) -> int:
        """Parameters of its projections."""
        queries = self.heads * self.head_dim
        keys = self.kv_heads * self.head_dim
        return hidden * (queries * (3 if self.gated else 2) + 2 * keys)

    def vectors(self, hidden: int) -> int:
        """Parameters of its biases, norms and sinks."""
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        biases = (queries + 2 * keys) * self.qkv_bias + hidden * self.out_bias
        return biases + self.norms + self.heads * self.sinks

    def cached(self) -> int:
        """Numbers kept for one token: a key and a value for each of ``kv_heads``."""
        return 2 * self.kv_heads * self.head_dim

    def state(self) -> int:
        """Numbers kept for a sequence whatever its length."""
        return 0


@dataclass(frozen=True, slots=True)
class Latent:
    """Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1).

    Args:
        heads: of queries.
        kv_rank, q_rank: of the compressed keys and values, and queries (``None``: not compressed).
        nope_dim, rope_dim: of a query's parts without and with position.
        value_dim: of a value.
    """

    heads: int
    kv_rank: int
    q_rank: int | None
    nope_dim: int
    rope_dim: int
    value_dim: int
    window: int | None = None

    def matrices(self, hidden: int) -> int:
        """Parameters of its projections."""
        queries = self.heads * (self.nope_dim + self.rope_dim)
        q = hidden * queries if self.q_rank is None else self.q_rank * (hidden + queries)
        down = hidden * (self.kv_rank + self.rope_dim)
        up = self.kv_rank * self.heads * (self.nope_dim + self.value_dim)
        return q + down + up + self.heads * self.value_dim * hidden

    def vectors(self, hidden: int) -> int:
        """Parameters of the norms of what is compressed."""
        return self.kv_rank + (self.q_rank or 0)

    def cached(self) -> int:
        """Numbers kept for one token: the compressed vector, and the key's part with position."""
        return self.kv_rank + self.rope_dim

    def state(self) -> int:
        """Numbers kept for a sequence whatever its length."""
        return 0


@dataclass(frozen=True, slots=True)
class Linear:
    """Gated delta rule, a linear attention whose state does not grow (arXiv:2412.06464).

    Args:
        key_heads, value_heads: their numbers; ``key_dim``, ``value_dim``: of one head.
        kernel: tokens that its convolution sees.
    """

    key_heads: int
    value_heads: int
    key_dim: int
    value_dim: int
    kernel: int
    window: int | None = None

    def matrices(self, hidden: int) -> int:
        """Parameters of its projections: queries, keys, values, gate, two scalars a head, output."""
        keys, values = self.key_heads * self.key_dim, self.value_heads * self.value_dim
        return hidden * (2 * keys + 2 * values + 2 * self.value_heads) + values * hidden

    def vectors(self, hidden: int) -> int:
        """Parameters of the convolution, the decay and the norm."""
        keys, values = self.key_heads * self.key_dim, self.value_heads * self.value_dim
        return (2 * keys + values) * self.kernel + 2 * self.value_heads + self.value_dim

    def cached(self) -> int:
        """Numbers kept for one token: none."""
        return 0

    def state(self) -> int:
        """Numbers kept for a sequence: a matrix a head, and the convolution's last inputs."""
        keys, values = self.key_heads * self.key_dim, self.value_heads * self.value_dim
        matrix = self.value_heads * self.key_dim * self.value_dim
        return matrix + (2 * keys + values) * (self.kernel - 1)
