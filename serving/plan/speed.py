"""How fast a model could be at most: the roofline of one machine (Williams et al., 2009).

Writing reads every active weight and the cache once for each step, so memory bandwidth bounds it; reading a
prompt multiplies, so compute bounds it. Nothing measured enters; engines stay below. Where a machine's
bandwidth or compute is not known there is no ceiling.
"""

from __future__ import annotations

from dataclasses import dataclass

from serving.formats import WeightFormat, cache_bytes
from serving.machines import Machine
from serving.plan.memory import Load
from serving.specs.records import Experts, ModelSpec, Parts

__all__ = ["ANSWER_TOKENS", "PROMPT_TOKENS", "Speed", "speed_of"]

PROMPT_TOKENS, ANSWER_TOKENS = 1500, 200  # of a question with its passages, and of its answer
_SLOWER = {"fp4": "fp8", "fp8": "bf16", "int8": "bf16", "bf16": "fp32"}


@dataclass(frozen=True, slots=True)
class Speed:
    """Ceilings; ``None`` where the machine's figures are not known.

    Args:
        decode: tokens a second of one answer, nobody else asking.
        decode_all: tokens a second of all users' answers together.
        prefill: tokens of prompts a second.
        answer_s: seconds of one answer to a prompt of passages, alone.
    """

    decode: float | None
    decode_all: float | None
    prefill: float | None
    answer_s: float | None


def speed_of(spec: ModelSpec, form: WeightFormat, machine: Machine, load: Load) -> Speed:
    """The ceilings of ``load.parallel`` cards, at ``PROMPT_TOKENS`` of context."""
    per_user = spec.cached(PROMPT_TOKENS) * cache_bytes(load.cache)
    decode = decode_all = prefill = answer = None
    if machine.bandwidth:
        bandwidth = machine.bandwidth * load.parallel
        decode = bandwidth / (form.weight_bytes(spec, spec.active()) + per_user)
        step = form.weight_bytes(spec, _read_for(spec, load.users)) + load.users * per_user
        decode_all = load.users * bandwidth / step
    used = _multiplied(form, machine)
    if used:
        rate = machine.compute[used] * load.parallel
        prefill = rate / (2 * spec.active().total)
        decode_all = min(decode_all, prefill) if decode_all else None
    if decode and prefill:
        answer = PROMPT_TOKENS / prefill + ANSWER_TOKENS / decode
    return Speed(decode, decode_all, prefill, answer)


def _multiplied(form: WeightFormat, machine: Machine) -> str:
    """The format of its products on that machine: the weights' own, or the next one that its cards have."""
    wanted = form.multiplies
    while wanted not in machine.compute:
        if wanted not in _SLOWER:
            return ""
        wanted = _SLOWER[wanted]
    return wanted


def _read_for(spec: ModelSpec, users: int) -> Parts:
    """Parameters read in one step of ``users`` sequences: of the experts as many as they choose together.

    With ``E`` experts of which each token takes ``a`` evenly, ``E (1 - (1 - a/E)^users)`` are expected.
    """
    one, whole = spec.active(), spec.parts()
    experts = [layer.network for layer in spec.layers if isinstance(layer.network, Experts)]
    if not experts:
        return one
    count, active = experts[0].count, experts[0].active
    share = 1 - (1 - active / count) ** users
    return Parts(
        attention=one.attention, network=one.network, experts=int(whole.experts * share),
        router=one.router, head=one.head, rest=one.rest,
    )  # fmt: skip
