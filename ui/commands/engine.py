"""The commands ``engine start``, ``status`` and ``stop``: an engine under a watchdog, in the foreground."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from ui.commands.console import say, show_json, write
from ui.commands.options import HomeOption, JsonOption, load_settings
from ui.commands.planning import (
    ChunksOption,
    ContextOption,
    FormOption,
    KvFormOption,
    ParallelOption,
    PortOption,
    UsersOption,
    planned,
)

if TYPE_CHECKING:
    from serving.watch.engine_watch import Watchdog

__all__ = ["engine_app"]

engine_app = typer.Typer(
    help="A language model's server, kept within this machine's memory.", no_args_is_help=True
)
_STATUS_GONE = 1


@engine_app.command("start")
def start(
    engine: Annotated[str, typer.Argument(help="vllm, tensorrt-llm or llama.cpp.")],
    model: Annotated[str, typer.Argument(help="A model's folder or file, or a well-known name.")],
    config: Annotated[
        str, typer.Option(help="Folder with the model's config.json, where MODEL has none (GGUF).")
    ] = "",
    form: FormOption = "",
    kv_format: KvFormOption = "bf16",
    context: ContextOption = 0,
    users: UsersOption = 4,
    index_chunks: ChunksOption = 100_000,
    tensor_parallel: ParallelOption = 1,
    port: PortOption = 8000,
    program: Annotated[str, typer.Option(help="The engine's program; default: by its name.")] = "",
    home: HomeOption = None,
) -> None:
    """Start an engine for what fits, and keep it answering until Ctrl-C.

    It is not started over budget. While memory is short the service begins no new answers; before it is gone the
    engine is ended, and started again when there is enough.
    """
    from serving.engines import launch_of
    from serving.engines.launch import Serve
    from serving.machines import detect
    from serving.watch.engine_watch import Watchdog
    from serving.watch.guard import limits_of, require_room, watched_engine

    root = load_settings(home).corpus.home
    load = (users, context, kv_format, index_chunks, tensor_parallel)
    plan = planned(config or model, detect(), form, *load)
    serve = Serve(model, port=port)
    launch = launch_of(engine, plan, serve)
    require_room(plan)
    folder = root / "engine"
    watched = watched_engine(plan, launch, serve, folder, program)
    log = folder / "engine.log"
    say(f"{plan.spec.name} in {plan.form.name} on {watched.url}; its output goes to {log}")
    dog = Watchdog(watched, limits_of(plan), root, log, tell=say)
    _until_a_signal(dog)


@engine_app.command("status")
def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """How the engine is; exit status 1 where none is watched over."""
    from dataclasses import asdict

    from serving.watch.state import read_state

    found = read_state(load_settings(home).corpus.home)
    if as_json:
        show_json(asdict(found) if found else {"state": "stopped"})
    elif found is None:
        write("No engine is watched over; start one with `alcove engine start`.")
    else:
        write(f"{found.engine}: {found.state}, {found.model} at {found.url}")
        write(
            f"{found.available / 2**30:.1f} GiB of memory left; started again {found.restarts} times"
        )
        if found.reason:
            write(found.reason)
    if found is None:
        raise typer.Exit(_STATUS_GONE)


@engine_app.command("stop")
def stop(home: HomeOption = None) -> None:
    """End the engine that is watched over, and its watchdog."""
    from corpus.errors import Conflict
    from serving.watch.state import read_state

    found = read_state(load_settings(home).corpus.home)
    if found is None or not _is_watchdog(found.pid):
        raise Conflict("no engine is watched over in this home; there is nothing to stop")
    os.kill(found.pid, signal.SIGTERM)
    write(f"{found.engine} is being stopped.")


def _until_a_signal(dog: Watchdog) -> None:
    def asked(_: int, __: FrameType | None) -> None:
        dog.stop()

    before = {sig: signal.signal(sig, asked) for sig in (signal.SIGINT, signal.SIGTERM)}
    try:
        dog.run()
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)


def _is_watchdog(pid: int) -> bool:
    """Whether that process is an ``alcove engine start``: an id is given out again."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"engine" in command and b"start" in command
