"""What a decoder is made of, as far as memory and time depend on it.

Counts are of parameters, not bytes: a format (``serving.formats``) turns them into bytes. Every layer is
described once with the number of times it stands in the model. Knows nothing of files.
"""

from __future__ import annotations

from dataclasses import dataclass

from serving.specs.attention import Attention, Latent, Linear

__all__ = ["Experts", "Layer", "Mlp", "ModelSpec", "Parts"]


@dataclass(frozen=True, slots=True)
class Mlp:
    """A feed-forward network of ``inner`` neurons; a gated one has three matrices, else two."""

    inner: int
    gated: bool = True
    bias: bool = False

    @property
    def width(self) -> int:
        """Neurons that one token's pass holds."""
        return self.inner

    def matrices(self, hidden: int) -> int:
        """Parameters of its matrices."""
        return (3 if self.gated else 2) * hidden * self.inner

    def vectors(self, hidden: int) -> int:
        """Parameters of its biases."""
        return ((2 if self.gated else 1) * self.inner + hidden) * self.bias


@dataclass(frozen=True, slots=True)
class Experts:
    """A mixture of experts: ``active`` of ``count`` are used for a token, and ``shared`` always.

    Args:
        each: one expert.
        shared: the network beside them, if there is one.
        router_bias: whether each expert has a bias in the choice.
        shared_gate: whether the shared network is weighed by a learnt gate.
    """

    count: int
    active: int
    each: Mlp
    shared: Mlp | None = None
    router_bias: bool = False
    shared_gate: bool = False

    @property
    def width(self) -> int:
        """Neurons that one token's pass holds, in all experts that are used for it."""
        return self.active * self.each.inner + (self.shared.inner if self.shared else 0)

    def router(self, hidden: int) -> int:
        """Parameters of what chooses the experts."""
        return hidden * self.count + self.count * self.router_bias + hidden * self.shared_gate


@dataclass(frozen=True, slots=True)
class Layer:
    """``count`` equal layers; ``norms`` is the number of vectors, as wide as the model, in each one's norms."""

    count: int
    attention: Attention | Latent | Linear
    network: Mlp | Experts
    norms: int = 2


@dataclass(frozen=True, slots=True)
class Parts:
    """Parameters by what a format does to them.

    ``attention``, ``network`` (dense) and ``experts`` are matrices, ``embedding`` and ``head`` tables of
    the vocabulary (``head`` 0 when tied), ``router`` chooses experts, ``rest`` is norms, biases and sinks.
    """

    attention: int = 0
    network: int = 0
    experts: int = 0
    router: int = 0
    embedding: int = 0
    head: int = 0
    rest: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        parts = (self.attention, self.network, self.experts, self.router)
        return sum(parts) + self.embedding + self.head + self.rest

    def __add__(self, other: Parts) -> Parts:
        names = self.__dataclass_fields__
        return Parts(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A decoder-only language model.

    Args:
        name: what a person calls it.
        family: ``model_type`` of its configuration.
        hidden: width.
        vocabulary: tokens.
        layers: in runs of equal ones.
        tied: whether the output table is the input's.
        context: tokens that it was made for.
        extra: the layers that predict further tokens, kept but not needed (DeepSeek's, arXiv:2412.19437).
        stored: the format that its files are quantized in; empty: 16 bits.
        stored_bytes: size of the weight files, where they are at hand.
        final_norms: vectors of the norm after the last layer.
    """

    name: str
    family: str
    hidden: int
    vocabulary: int
    layers: tuple[Layer, ...]
    tied: bool
    context: int
    extra: tuple[Layer, ...] = ()
    stored: str = ""
    stored_bytes: int | None = None
    final_norms: int = 1

    @property
    def depth(self) -> int:
        """Number of layers."""
        return sum(layer.count for layer in self.layers)

    def parts(self) -> Parts:
        """Parameters of what answers, by kind; without ``extra``."""
        table = self.vocabulary * self.hidden
        head = 0 if self.tied else table
        found = Parts(embedding=table, head=head, rest=self.hidden * self.final_norms)
        for layer in self.layers:
            found += _times(layer, self.hidden, all_experts=True)
        return found

    def active(self) -> Parts:
        """Parameters that are read for one token: of the experts the chosen, the output table, of the input one row."""
        found = Parts(head=self.vocabulary * self.hidden, rest=self.hidden * self.final_norms)
        for layer in self.layers:
            found += _times(layer, self.hidden, all_experts=False)
        return found

    @property
    def parameters(self) -> int:
        """All parameters of what answers."""
        return self.parts().total

    @property
    def extra_parameters(self) -> int:
        """Parameters of the layers that predict further tokens, with the matrix that joins their two inputs."""
        found = Parts()
        for layer in self.extra:
            joined = Parts(attention=2 * self.hidden**2 * layer.count, rest=3 * self.hidden)
            found += joined + _times(layer, self.hidden, all_experts=True)
        return found.total

    def cached(self, tokens: int) -> int:
        """Numbers that a sequence of ``tokens`` keeps; a window keeps no more than it sees."""
        kept = 0
        for layer in self.layers:
            seen = min(tokens, layer.attention.window or tokens)
            kept += layer.count * (layer.attention.cached() * seen + layer.attention.state())
        return kept

    def cached_per_token(self) -> int:
        """Numbers that each token adds as long as no window is full."""
        return sum(layer.count * layer.attention.cached() for layer in self.layers)

    @property
    def heads(self) -> tuple[int, int]:
        """The least heads of queries and of keys and values of any layer, which tensor parallelism splits."""
        attentions = [layer.attention for layer in self.layers]
        queries = [a.value_heads if isinstance(a, Linear) else a.heads for a in attentions]
        keys = [
            a.kv_heads if isinstance(a, Attention) else queries[at]
            for at, a in enumerate(attentions)
        ]
        return min(queries), min(keys)


def _times(layer: Layer, hidden: int, *, all_experts: bool) -> Parts:
    """The parameters of all ``layer.count`` layers."""
    attention, network = layer.attention, layer.network
    rest = attention.vectors(hidden) + layer.norms * hidden
    if isinstance(network, Mlp):
        dense, experts, router = network.matrices(hidden), 0, 0
        rest += network.vectors(hidden)
    else:
        used = network.count if all_experts else network.active
        experts = used * network.each.matrices(hidden)
        rest += used * network.each.vectors(hidden)
        dense = network.shared.matrices(hidden) if network.shared else 0
        router = network.router(hidden)
    n = layer.count
    return Parts(
        attention=n * attention.matrices(hidden),
        network=n * dense,
        experts=n * experts,
        router=n * router,
        rest=n * rest,
    )
