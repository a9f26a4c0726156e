"""The command ``plan``: does a model fit this machine, how fast can it be, and how is it started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ui.commands.console import show_json, show_table, write
from ui.commands.options import JsonOption

if TYPE_CHECKING:
    from serving.machines import Machine
    from serving.plan.graduation import Outgrown
    from serving.plan.planner import Plan

__all__ = ["plan"]

_CELLS = {"weights": "█", "KV cache": "▓", "engine": "▒", "encoder and index": "░", "system": "·"}


def plan(
    model: Annotated[str, typer.Argument(help="A model's folder, or a well-known name.")],
    machine: Annotated[
        str, typer.Option(help="dgx-spark, dgx-h100, dgx-b200, h100-80gb; default: this one.")
    ] = "",
    memory: Annotated[str, typer.Option(help="Its memory instead: 128GiB, 80GB.")] = "",
    unified: Annotated[
        bool | None,
        typer.Option("--unified/--separate", help="Whether GPU and CPU share it.", show_default=False),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="Of the weights; default: what suits.")] = "",
    kv_format: Annotated[str, typer.Option(help="Of the cache: bf16 or fp8.")] = "bf16",
    context: Annotated[int, typer.Option(help="Tokens of prompt and answer.")] = 0,
    users: Annotated[int, typer.Option(help="Answers at the same time.")] = 4,
    index_chunks: Annotated[int, typer.Option(help="Passages in the index.")] = 100_000,
    tensor_parallel: Annotated[int, typer.Option(help="Cards that share the model.")] = 1,
    train: Annotated[str, typer.Option(help="Fine-tuning beside it: full, lora or qlora.")] = "",
    rank: Annotated[int, typer.Option(help="Of LoRA's adapters.")] = 16,
    train_tokens: Annotated[int, typer.Option(min=0, help="Tokens it is trained on.")] = 0,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the engine.")] = 8000,
    as_json: JsonOption = False,
) -> None:
    """Whether a model fits, with which users and context, how fast at most, and the engine's flags."""
    from serving.engines.launch import Serve
    from serving.formats import weight_format
    from serving.plan.finetuning import Training, training_memory
    from serving.plan.graduation import outgrown
    from serving.plan.memory import Load
    from serving.plan.planner import plan as make_plan
    from serving.plan.report import plan_json
    from serving.specs.reading import read_spec

    spec = read_spec(model)
    tokens = context or min(8192, spec.context)
    load = Load(users, tokens, kv_format.lower(), index_chunks, tensor_parallel)
    found = make_plan(
        spec, _machine(machine, memory, unified), load, weight_format(form).name if form else None
    )
    training = None
    if train:
        base = found.form.name if found.form.name in ("bf16", "fp8") else "bf16"
        training = training_memory(spec, Training(train.lower(), rank=rank, base=base))
    grown = outgrown(found, training, train_tokens, train.lower() == "full")
    if as_json:
        show_json(plan_json(found, Serve(model, port=port), grown, training))
    else:
        _show(found, grown, Serve(model, port=port))
    if not found.fits:
        raise typer.Exit(1)


def _machine(name: str, memory: str, unified: bool | None) -> Machine:
    from dataclasses import replace

    from serving.machines import detect, machine, parse_memory

    found = machine(name) if name else detect()
    if memory:
        found = replace(found, memory=parse_memory(memory))
    return found if unified is None else replace(found, unified=unified)


def _show(found: Plan, grown: list[Outgrown], serve: object) -> None:
    from serving.plan.report import bar, rows

    spec = found.spec
    active = spec.active().total
    mixture = f", {active / 1e9:.1f}B of them for each token" if active < 0.5 * spec.parameters else ""
    write(f"{spec.name}: {spec.parameters / 1e9:.1f}B parameters{mixture}; on {found.machine.name}")
    write()
    show_table(("for", "takes", "which is"), rows(found))
    write("".join(_CELLS.get(name, " ") * cells for name, cells in bar(found)) + "|")
    write(f"It {'fits' if found.fits else 'does not fit'}.")
