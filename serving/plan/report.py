"""A plan as JSON, as rows for a table, and as the parts of a stacked bar."""

from __future__ import annotations

from typing import Any

from corpus.errors import UserError
from serving.engines import ENGINES, launch_of
from serving.engines.launch import Serve
from serving.machines import GIB
from serving.plan.finetuning import TrainingMemory
from serving.plan.graduation import Outgrown, next_machine
from serving.plan.planner import Plan

__all__ = ["bar", "plan_json", "rows"]


def plan_json(
    found: Plan,
    serve: Serve,
    outgrown: list[Outgrown],
    training: TrainingMemory | None = None,
) -> dict[str, Any]:
    """The object that ``alcove plan --json`` prints; sizes in GiB, speeds in tokens a second."""
    memory, speed = found.memory, found.speed
    larger = next_machine(found) if outgrown else None
    value: dict[str, Any] = {
        "model": found.spec.name,
        "parameters": found.spec.parameters,
        "active_parameters": found.spec.active().total,
        "machine": found.machine.name,
        "format": found.form.name,
        "kv_format": found.load.cache,
        "context": found.load.context,
        "users": found.load.users,
        "memory_gib": _gib(found.available),
        "weights_gib": _gib(memory.weights),
        "kv_cache_gib": _gib(memory.cache),
        "overhead_gib": _gib(memory.engine),
        "encoder_index_gib": _gib(memory.encoder_index),
        "reserve_gib": _gib(memory.reserve),
        "total_gib": _gib(memory.total),
        "fits": found.fits,
        "max_users": found.max_users,
        "max_context": found.max_context,
        "decode_ceiling_tok_s": _rounded(speed.decode),
        "decode_all_ceiling_tok_s": _rounded(speed.decode_all),
        "prefill_ceiling_tok_s": _rounded(speed.prefill),
        "answer_floor_s": _rounded(speed.answer_s, 2),
        "engines": _engines(found, serve),
        "outgrown": [{"rule": o.rule, "reason": o.reason} for o in outgrown],
        "next_machine": larger.name if larger else None,
        "advice": list(found.advice),
    }
    if training is not None:
        value["training"] = _training(training)
    return value


def rows(found: Plan) -> list[tuple[str, str, str]]:
    """What takes how much, and what it is made of."""
    memory, load = found.memory, found.load
    return [
        ("weights", f"{_gib(memory.weights):,.1f} GiB", f"{found.form.name}"),
        ("KV cache", f"{_gib(memory.cache):,.1f} GiB",
         f"{load.users} users x {load.context:,} tokens, {load.cache}"),
        ("engine", f"{_gib(memory.engine):,.1f} GiB", "one step's activations, runtime, graphs"),
        ("encoder and index", f"{_gib(memory.encoder_index):,.1f} GiB", f"{load.chunks:,} chunks"),
        ("system and page cache", f"{_gib(memory.reserve):,.1f} GiB", "kept free"),
        ("together", f"{_gib(memory.total):,.1f} GiB", f"of {_gib(found.available):,.1f} GiB"),
    ]  # fmt: skip


def bar(found: Plan, width: int = 60) -> list[tuple[str, int]]:
    """Parts of a bar of ``width`` cells that stands for the whole memory, or for what is needed if that is more."""
    memory = found.memory
    parts = [("weights", memory.weights), ("KV cache", memory.cache), ("engine", memory.engine)]
    if not memory.host:
        parts += [("encoder and index", memory.encoder_index), ("system", memory.reserve)]
    whole = max(found.available, memory.total)
    cells, used, done = [], 0.0, 0
    for name, size in [*parts, ("free", whole - memory.total)]:
        used += size
        end = round(width * used / whole)
        cells.append((name, end - done))
        done = end
    return cells


def _engines(found: Plan, serve: Serve) -> dict[str, Any]:
    """How each engine that loads the format is started; why not, for the others."""
    said: dict[str, Any] = {}
    for name in ENGINES:
        try:
            said[name] = launch_of(name, found, serve).json()
        except UserError as exc:
            said[name] = {"error": str(exc)}
    return said


def _training(training: TrainingMemory) -> dict[str, Any]:
    names = ("weights", "gradients", "optimizer", "activations", "total")
    sizes = {f"{name}_gib": _gib(getattr(training, name)) for name in names}
    return {"trained_parameters": training.trained, **sizes}


def _gib(size: float) -> float:
    return round(size / GIB, 2)


def _rounded(value: float | None, places: int = 1) -> float | None:
    return None if value is None else round(value, places)
