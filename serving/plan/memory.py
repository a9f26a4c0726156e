"""Bytes that serving a model takes beside the rest of Alcove, and what fits into what is left.

Weights come from the format; the cache from the model's attention, in blocks of 16 tokens as vLLM keeps
them; the engine's own from what one forward pass holds. Encoder and index are those that ``alcove bench``
measures. Knows nothing of speed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from corpus.errors import UserError
from serving.formats import WeightFormat, cache_bytes
from serving.machines import GIB, Machine
from serving.specs.records import ModelSpec

__all__ = ["Load", "Memory", "check_load", "fit_context", "fit_users", "memory_of", "usable"]

BLOCK = 16  # tokens that vLLM's cache is given out in
BATCHED = 8192  # most tokens of one step: vLLM's default for an online service
_RUNTIME = 1.25 * GIB  # of a card: CUDA's context, the libraries' workspaces, compiled graphs
_PROCESS = 2.0 * GIB  # the engine's processes on the host; on unified memory they share the budget
_ENCODER = 1.4 * GIB  # E5-base in bf16, with the service around it
_CHUNK_BYTES = 8 * 1024  # of one chunk: its vector of 768 fp32, its terms, its text
_SYSTEM = 4 * GIB  # operating system, drivers, desktop
_LEAST_FREE = 0.04  # of unified memory, below which the kernel begins to thrash


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of a model at once.

    Args:
        users: answers that are written at the same time.
        context: tokens of prompt and answer together, for each.
        cache: format of the cache.
        chunks: passages in the index.
        parallel: cards that share the model (tensor parallelism).
    """

    users: int = 4
    context: int = 8192
    cache: str = "bf16"
    chunks: int = 100_000
    parallel: int = 1


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes by what they are for. ``host`` says that encoder, index and reserve lie beside the cards."""

    weights: float
    cache: float
    engine: float
    encoder_index: float
    reserve: float
    host: bool = False

    @property
    def total(self) -> float:
        """Bytes of the memory that the model lies in."""
        beside = 0.0 if self.host else self.encoder_index + self.reserve
        return self.weights + self.cache + self.engine + beside


def check_load(spec: ModelSpec, machine: Machine, load: Load) -> None:
    """Refuse what is impossible.

    Raises:
        UserError: a number is out of its range; the message names it and what it may be.
    """
    for name, value in (("--users", load.users), ("--context", load.context)):
        if value < 1:
            raise UserError(f"{name} is {value}; it must be at least 1")
    if load.chunks < 0:
        raise UserError(f"--index-chunks is {load.chunks}; it must be at least 0")
    if load.context > spec.context:
        raise UserError(
            f"--context is {load.context:,}, but {spec.name!r} was made for at most {spec.context:,}"
            " tokens; ask for fewer"
        )
    cards = max(machine.cards, 1)
    queries, _ = spec.heads
    possible = [n for n in range(1, cards + 1) if queries % n == 0]
    if load.parallel not in possible:
        raise UserError(
            f"--tensor-parallel is {load.parallel}; {machine.name!r} has {cards} card(s), and the"
            f" {queries} heads of {spec.name!r} can be split over {', '.join(map(str, possible))}"
        )


def memory_of(spec: ModelSpec, form: WeightFormat, machine: Machine, load: Load) -> Memory:
    """What serving ``spec`` takes on ``load.parallel`` cards of ``machine`` (the sum over them)."""
    cache = load.users * _sequence(spec, load.context, load)
    return replace(_beside(spec, machine, load), weights=form.weight_bytes(spec), cache=cache)


def usable(machine: Machine, load: Load) -> float:
    """Bytes of the memory that the model lies in."""
    share = 1.0 if machine.unified else load.parallel / max(machine.cards, 1)
    return machine.memory * share


def fit_users(spec: ModelSpec, form: WeightFormat, machine: Machine, load: Load) -> int:
    """The most answers at once with ``load.context`` tokens each; 0 if the weights alone do not fit."""
    taken = replace(_beside(spec, machine, load), weights=form.weight_bytes(spec))
    left = usable(machine, load) - taken.total
    return max(0, int(left // _sequence(spec, load.context, load)))


def fit_context(spec: ModelSpec, form: WeightFormat, machine: Machine, load: Load) -> int:
    """The most tokens for each of ``load.users``, in whole blocks, at most the model's own; 0 if none fits."""
    least, most = 0, spec.context // BLOCK
    while least < most:  # what a sequence takes only grows with its length
        middle = (least + most + 1) // 2
        tried = replace(load, context=middle * BLOCK)
        if fit_users(spec, form, machine, tried) >= load.users:
            least = middle
        else:
            most = middle - 1
    return least * BLOCK


def _beside(spec: ModelSpec, machine: Machine, load: Load) -> Memory:
    """What everything but weights and cache takes."""
    return Memory(
        weights=0.0,
        cache=0.0,
        engine=_engine(spec, machine, load),
        encoder_index=_ENCODER + load.chunks * _CHUNK_BYTES,
        reserve=_reserve(machine, load),
        host=not machine.unified,
    )


def _sequence(spec: ModelSpec, tokens: int, load: Load) -> float:
    """Bytes of one sequence's cache. Heads that are fewer than the cards are held by several of them."""
    blocks = math.ceil(tokens / BLOCK) * BLOCK
    _, keys = spec.heads
    copies = max(1.0, load.parallel / keys)
    return spec.cached(blocks) * cache_bytes(load.cache) * copies


def _engine(spec: ModelSpec, machine: Machine, load: Load) -> float:
    """What the engine holds beside weights and cache, on all its cards.

    A pass holds, for each token of a step, a few vectors as wide as the model and its widest network, in 16
    bits; and for each sequence, twice, the logits of all tokens in 32 bits.
    """
    widest = max(layer.network.width for layer in spec.layers)
    step = BATCHED * (6 * spec.hidden + 3 * widest) * 2
    logits = max(load.users, 16) * spec.vocabulary * 4 * 2
    processes = _PROCESS if machine.unified else 0.0
    runtime = _RUNTIME if machine.cards else 0.0
    return load.parallel * (runtime + step) + logits + processes


def _reserve(machine: Machine, load: Load) -> float:
    """For the operating system and its cache of the index's files."""
    whole = machine.memory if machine.unified else machine.host_memory
    return max(_SYSTEM, _LEAST_FREE * whole) + load.chunks * _CHUNK_BYTES / 2
