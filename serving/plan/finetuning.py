"""Memory of fine-tuning: all weights, LoRA adapters, or adapters over a base of four bits (QLoRA).

Full training in mixed precision keeps 16 bytes a parameter: weights and gradients in 16 bits, and Adam's
master weights and two moments in 32 (Rajbhandari et al., arXiv:1910.02054, section 3.1). LoRA trains two
matrices of rank r beside each frozen one (Hu et al., arXiv:2106.09685). QLoRA keeps the base in NF4 with
doubly quantized scales, 4.127 bits a parameter (Dettmers et al., arXiv:2305.14314, section 3).
Activations are those of attention that keeps no matrix of scores; checkpointing keeps each layer's input
and computes the rest again (Chen et al., arXiv:1604.06174).
"""

from __future__ import annotations

from dataclasses import dataclass

from corpus.errors import UserError
from serving.formats import FORMATS
from serving.specs.attention import Attention, Latent, Linear
from serving.specs.records import Experts, Layer, ModelSpec

__all__ = ["METHODS", "Training", "TrainingMemory", "training_memory"]

METHODS = ("full", "lora", "qlora")
_NF4_BITS = 4 + 0.127
_TRAINED = 16  # bytes of a trained parameter: weight, gradient, master weight and two moments


@dataclass(frozen=True, slots=True)
class Training:
    """How it is trained.

    Args:
        method: one of ``METHODS``.
        rank: of the adapters.
        sequence: tokens of one example.
        batch: examples in one pass; more are reached by ``accumulate`` passes before each update.
        accumulate: passes whose gradients are added up; changes time, not memory.
        checkpointing: whether activations are computed again instead of kept.
        base: format of the frozen weights of LoRA.
    """

    method: str = "qlora"
    rank: int = 16
    sequence: int = 2048
    batch: int = 1
    accumulate: int = 16
    checkpointing: bool = True
    base: str = "bf16"


@dataclass(frozen=True, slots=True)
class TrainingMemory:
    """Bytes by what they are for; ``trained`` is a number of parameters."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    trained: int

    @property
    def total(self) -> float:
        """All of it."""
        return self.weights + self.gradients + self.optimizer + self.activations


def training_memory(spec: ModelSpec, how: Training) -> TrainingMemory:
    """What training ``spec`` takes.

    Raises:
        UserError: a number is out of range, or the method or the base's format is not known.
    """
    _check(how)
    activations = _activations(spec, how)
    if how.method == "full":
        n = spec.parameters
        return TrainingMemory(2.0 * n, 2.0 * n, (_TRAINED - 4.0) * n, activations, n)
    trained = adapter_parameters(spec, how.rank)
    if how.method == "lora":
        frozen = FORMATS[how.base].weight_bytes(spec)
    else:
        parts = spec.parts()
        matrices = parts.attention + parts.network + parts.experts
        frozen = matrices * _NF4_BITS / 8 + (parts.total - matrices) * 2.0
    adapters = 2.0 * trained
    optimizer = (_TRAINED - 4.0) * trained
    return TrainingMemory(frozen + adapters, adapters, optimizer, activations, trained)


def adapter_parameters(spec: ModelSpec, rank: int) -> int:
    """Parameters of adapters of that rank beside every matrix of attention and dense networks.

    Experts get none, as is usual: each would see too few examples.
    """
    return sum(layer.count * _adapted(layer, spec.hidden, rank) for layer in spec.layers)


def _adapted(layer: Layer, hidden: int, rank: int) -> int:
    sides = _sides(layer.attention, hidden)
    network = layer.network.shared if isinstance(layer.network, Experts) else layer.network
    if network is not None:
        sides += [(hidden, network.inner)] * (3 if network.gated else 2)
    return rank * sum(one + other for one, other in sides)


def _sides(attention: Attention | Latent | Linear, hidden: int) -> list[tuple[int, int]]:
    """Widths of the two sides of each matrix."""
    if isinstance(attention, Attention):
        queries, keys = (
            attention.heads * attention.head_dim,
            attention.kv_heads * attention.head_dim,
        )
        return [(hidden, queries), (hidden, keys), (hidden, keys), (queries, hidden)]
    if isinstance(attention, Latent):
        a = attention
        queries = a.heads * (a.nope_dim + a.rope_dim)
        q = [(hidden, a.q_rank), (a.q_rank, queries)] if a.q_rank else [(hidden, queries)]
        up = (a.kv_rank, a.heads * (a.nope_dim + a.value_dim))
        return [*q, (hidden, a.kv_rank + a.rope_dim), up, (a.heads * a.value_dim, hidden)]
    keys = attention.key_heads * attention.key_dim
    values = attention.value_heads * attention.value_dim
    return [(hidden, 2 * keys + 2 * values), (values, hidden)]


def _activations(spec: ModelSpec, how: Training) -> float:
    """Bytes kept for the way back: of every layer, or of one and every layer's input; and the logits."""
    tokens = how.sequence * how.batch
    each = [_kept(layer, spec.hidden) for layer in spec.layers for _ in range(layer.count)]
    kept = max(each) + 2.0 * spec.hidden * len(each) if how.checkpointing else float(sum(each))
    logits = 2 * 4.0 * spec.vocabulary  # in 32 bits, with their gradients
    return tokens * (kept + logits)


def _kept(layer: Layer, hidden: int) -> float:
    """Bytes of one layer for one token, in 16 bits: what each matrix and each product was given."""
    sides = _sides(layer.attention, hidden)
    attention = 2 * hidden + sum(out for _, out in sides)
    return 2.0 * (attention + 2 * hidden + 4 * layer.network.width)


def _check(how: Training) -> None:
    if how.method not in METHODS:
        raise UserError(f"there is no method {how.method!r}; choose one of {', '.join(METHODS)}")
    if how.base not in FORMATS:
        raise UserError(f"there is no format {how.base!r}; choose one of {', '.join(FORMATS)}")
    for name in ("rank", "sequence", "batch", "accumulate"):
        if getattr(how, name) < 1:
            raise UserError(f"{name!r} is {getattr(how, name)}; it must be at least 1")
