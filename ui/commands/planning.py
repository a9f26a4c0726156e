"""The command ``plan``: does a model fit this machine, how fast can it be, and how is it started."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ui.commands.console import say, show_json, show_table, write
from ui.commands.options import JsonOption

if TYPE_CHECKING:
    from serving.engines.launch import Serve
    from serving.machines import Machine
    from serving.plan.graduation import Outgrown
    from serving.plan.planner import Plan

__all__ = [
    "ChunksOption",
    "ContextOption",
    "FormOption",
    "KvFormOption",
    "ParallelOption",
    "PortOption",
    "UsersOption",
    "plan",
    "planned",
]

FormOption = Annotated[str, typer.Option("--format", help="Of the weights; default: what suits.")]
KvFormOption = Annotated[str, typer.Option(help="Of the cache: bf16 or fp8.")]
ContextOption = Annotated[int, typer.Option(help="Tokens of prompt and answer.")]
UsersOption = Annotated[int, typer.Option(help="Answers at the same time.")]
ChunksOption = Annotated[int, typer.Option(help="Passages in the index.")]
ParallelOption = Annotated[int, typer.Option(help="Cards that share the model.")]
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="Of the engine.")]

_CONTEXT = 8192  # tokens: of a question with its passages and history, and an answer

_CELLS = {"weights": "█", "KV cache": "▓", "engine": "▒", "encoder and index": "░", "system": "·"}


def plan(
    model: Annotated[str, typer.Argument(help="A model's folder, or a well-known name.")],
    machine: Annotated[
        str, typer.Option(help="dgx-spark, dgx-h100, dgx-b200, h100-80gb; default: this one.")
    ] = "",
    memory: Annotated[str, typer.Option(help="Its memory instead: 128GiB, 80GB.")] = "",
    unified: Annotated[
        bool | None,
        typer.Option(
            "--unified/--separate", help="Whether GPU and CPU share it.", show_default=False
        ),
    ] = None,
    form: FormOption = "",
    kv_format: KvFormOption = "bf16",
    context: ContextOption = 0,
    users: UsersOption = 4,
    index_chunks: ChunksOption = 100_000,
    tensor_parallel: ParallelOption = 1,
    train: Annotated[str, typer.Option(help="Fine-tuning beside it: full, lora or qlora.")] = "",
    rank: Annotated[int, typer.Option(help="Of LoRA's adapters.")] = 16,
    train_tokens: Annotated[int, typer.Option(min=0, help="Tokens it is trained on.")] = 0,
    port: PortOption = 8000,
    compose: Annotated[
        Path | None, typer.Option(help="Write an override for the Compose file to this folder.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Whether a model fits, with which users and context, how fast at most, and the engine's flags."""
    from serving.engines.launch import Serve as Served
    from serving.plan.finetuning import Training, training_memory
    from serving.plan.graduation import outgrown
    from serving.plan.report import plan_json

    there = _machine(machine, memory, unified)
    found = planned(model, there, form, users, context, kv_format, index_chunks, tensor_parallel)
    training = None
    if train:
        base = found.form.name if found.form.name in ("bf16", "fp8") else "bf16"
        training = training_memory(found.spec, Training(train.lower(), rank=rank, base=base))
    grown = outgrown(found, training, train_tokens, train.lower() == "full")
    if compose is not None and found.fits:
        from serving.engines.compose import write_override

        say(f"wrote {write_override(found, Path(model).name, compose)}")
    if as_json:
        show_json(plan_json(found, Served(model, port=port), grown, training))
    else:
        _show(found, grown, Served(model, port=port))
    if not found.fits:
        raise typer.Exit(1)


def planned(
    model: str,
    machine: Machine,
    form: str,
    users: int,
    context: int,
    kv_format: str,
    chunks: int,
    parallel: int,
) -> Plan:
    """The plan that the options of a command ask for; ``context`` 0: 8,192 tokens, or what the model has."""
    from serving.formats import weight_format
    from serving.plan.memory import Load
    from serving.plan.planner import plan as make_plan
    from serving.specs.reading import read_spec

    spec = read_spec(model)
    tokens = context or min(_CONTEXT, spec.context)
    load = Load(users, tokens, kv_format.lower(), chunks, parallel)
    return make_plan(spec, machine, load, weight_format(form).name if form else None)


def _machine(name: str, memory: str, unified: bool | None) -> Machine:
    from dataclasses import replace

    from serving.machines import any_machine, detect, machine, parse_memory

    if not name and memory:
        return any_machine(parse_memory(memory), unified is not False)
    found = machine(name) if name else detect()
    if memory:
        found = replace(found, memory=parse_memory(memory))
    return found if unified is None else replace(found, unified=unified)


def _show(found: Plan, grown: list[Outgrown], serve: Serve) -> None:
    from serving.plan.graduation import next_machine
    from serving.plan.report import bar, rows

    spec = found.spec
    active = spec.active().total
    some = f", {active / 1e9:.1f}B of them for each token" if active < spec.parameters / 2 else ""
    write(f"{spec.name}: {spec.parameters / 1e9:.1f}B parameters{some}; on {found.machine.name}\n")
    show_table(("for", "takes", "which is"), rows(found))
    write("\n" + "".join(_CELLS.get(name, " ") * cells for name, cells in bar(found)) + "|")
    write("  ".join(f"{cell} {name}" for name, cell in _CELLS.items()) + "\n")
    write(_verdict(found))
    for line in (*_speeds(found), *found.advice):
        write(line)
    if grown:
        write("\nThis machine is outgrown:")
        for one in grown:
            write(f"  {one.rule}: {one.reason}")
        larger = next_machine(found)
        write(f"  Next: {larger.name}." if larger else "  No machine that is known holds it.")
    if found.fits:
        _show_engines(found, serve)


def _verdict(found: Plan) -> str:
    load = found.load
    if not found.fits:
        return "It does not fit."
    return (
        f"It fits, for up to {found.max_users:,} users with {load.context:,} tokens, or"
        f" {found.max_context:,} tokens with {load.users} users."
    )


def _speeds(found: Plan) -> list[str]:
    """The ceilings, in sentences."""
    from serving.plan.speed import ANSWER_TOKENS, PROMPT_TOKENS

    speed = found.speed
    if speed.decode is None:
        return ["How fast it could be is not known for this machine: give --machine."]
    said = [f"At most {speed.decode:.1f} tokens a second for one user"]
    if speed.decode_all and found.load.users > 1:
        said[0] += f", {speed.decode_all:.0f} for {found.load.users} together"
    said[0] += "."
    if speed.prefill and speed.answer_s:
        said.append(
            f"At most {speed.prefill:,.0f} tokens of prompt a second: {PROMPT_TOKENS:,} in and"
            f" {ANSWER_TOKENS} out take at least {speed.answer_s:.1f} s."
        )
    return said


def _show_engines(found: Plan, serve: Serve) -> None:
    from serving.engines import launch_of

    for name in found.form.engines:
        launch = launch_of(name, found, serve)
        write(f"\n{name}:")
        write(f"  {launch.shell()}")
        for file, text in launch.files.items():
            write(f"  {file}:")
            for line in text.splitlines():
                write(f"    {line}")
        for note in launch.notes:
            write(f"  {note}")
