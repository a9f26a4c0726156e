"""When a machine is outgrown: five rules, each with the figure of the plan that it rests on, and what would be next.

The rules are those of the deployment guide that Alcove follows for a DGX Spark: a model of over 120B
parameters at the precision it is needed in, more than 5 to 10 users at once, full fine-tuning above 30B,
training that takes days, serving and training side by side. Each is computed for the machine at hand, so
it says something of others too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from serving.machines import GIB, MACHINES, Machine
from serving.plan.finetuning import TrainingMemory
from serving.plan.planner import Plan, plan

__all__ = ["DAY_S", "Outgrown", "next_machine", "outgrown", "training_seconds"]

DAY_S = 86_400.0
_READ = 8.0  # tokens a second below which people wait for words
_LARGE = 120e9  # parameters that one Spark holds at four bits with room for its users
_REACHED = (
    0.4  # of peak compute, in training (Chowdhery et al., arXiv:2204.02311, report .46 at best)
)


@dataclass(frozen=True, slots=True)
class Outgrown:
    """A rule that says so: its name, and the figures in a sentence."""

    rule: str
    reason: str


def outgrown(
    found: Plan, training: TrainingMemory | None = None, train_tokens: int = 0, full: bool = False
) -> list[Outgrown]:
    """The rules that hold for a plan.

    Args:
        training: memory of the fine-tuning that is wanted on the same machine.
        train_tokens: tokens it reads, all passes together; 0: not said.
        full: whether it trains all weights.
    """
    rules = [*_serving(found)]
    if training is not None:
        rules += _training(found, training, train_tokens, full)
    return rules


def training_seconds(found: Plan, train_tokens: int) -> float | None:
    """Seconds of training: 6 operations for each parameter that a token passes, and token (Kaplan et al., 2020)."""
    rate = found.machine.compute.get("bf16")
    if not rate:
        return None
    return 6 * found.spec.active().total * train_tokens / (rate * found.load.parallel * _REACHED)


def next_machine(found: Plan) -> Machine | None:
    """The smallest known machine above that holds the same load, all its cards together; ``None`` if none does."""
    larger = [m for m in MACHINES.values() if m.memory > found.available]
    for machine in sorted(larger, key=lambda m: m.memory):
        queries, _ = found.spec.heads
        cards = max(n for n in range(1, machine.cards + 1) if queries % n == 0)
        if plan(found.spec, machine, replace(found.load, parallel=cards)).fits:
            return machine
    return None


def _serving(found: Plan) -> Iterator[Outgrown]:
    spec, load = found.spec, found.load
    weights, there = found.memory.weights / GIB, found.available / GIB
    if spec.parameters > _LARGE and not found.fits:
        yield Outgrown(
            "model",
            f"{spec.parameters / 1e9:,.0f}B parameters are over 120B: {found.form.name} takes"
            f" {weights:.0f} of {there:.0f} GiB, and everything together {found.memory.total / GIB:.0f}",
        )
    each = found.speed.decode_all / load.users if found.speed.decode_all else None
    if load.users > found.max_users:
        yield Outgrown(
            "users", f"{load.users} users at once, {found.max_users} of them fit into memory"
        )
    elif each is not None and load.users > 1 and each < _READ:
        yield Outgrown(
            "users",
            f"{load.users} users at once get at most {each:.1f} tokens a second each, less than people read",
        )


def _training(found: Plan, training: TrainingMemory, tokens: int, full: bool) -> Iterator[Outgrown]:
    there = found.available
    if full and training.total > there:
        yield Outgrown(
            "full fine-tuning",
            f"all {found.spec.parameters / 1e9:,.0f}B parameters take {training.total / 1e9:,.0f} GB,"
            f" {found.machine.name} has {there / 1e9:,.0f}",
        )
    seconds = training_seconds(found, tokens) if tokens else None
    if seconds is not None and seconds > DAY_S:
        yield Outgrown("days of training", f"{tokens:,} tokens take {seconds / DAY_S:.1f} days")
    if found.fits and training.total <= there < found.memory.total + training.total:
        yield Outgrown(
            "serving beside training",
            f"each fits, both together take {(found.memory.total + training.total) / GIB:.0f} of"
            f" {there / GIB:.0f} GiB",
        )
