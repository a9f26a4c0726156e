"""From a plan to a watched engine: over budget it is not started, and its limits are those of the machine.

On unified memory, and on a machine without a card, all that the plan counts comes out of the memory that the
kernel tells of. Beside cards of their own only the engine's processes do.
"""

from __future__ import annotations

from pathlib import Path

from corpus.errors import OperatorError, UserError
from serving.available import available, total
from serving.engines.launch import Launch, Serve
from serving.machines import GIB
from serving.plan.planner import Plan
from serving.watch.engine_watch import Limits, Watched

__all__ = ["limits_of", "needed_bytes", "require_room", "watched_engine"]

_PROCESSES = 4 * GIB  # of an engine whose weights lie on cards of their own
_SHED_SHARE, _STOP_SHARE = 0.05, 0.025
_LEAST_SHED, _LEAST_STOP = 2 * GIB, GIB


def require_room(plan: Plan, left: int | None = None) -> None:
    """Refuse a plan that does not fit the machine, or what is left of it at the moment.

    Args:
        left: bytes of memory that are left; ``None``: as the kernel tells.

    Raises:
        UserError: it does not fit the machine; the message says what would.
        OperatorError: it fits, but other programs have taken the memory.
    """
    if not plan.fits:
        raise UserError(" ".join(plan.advice[:2]))
    needed, there = needed_bytes(plan), available() if left is None else left
    if needed > there:
        raise OperatorError(
            f"{plan.spec.name!r} in {plan.form.name} needs {needed / GIB:.1f} GiB and"
            f" {there / GIB:.1f} are left; end other programs, or take fewer users or less context"
        )


def needed_bytes(plan: Plan) -> int:
    """Bytes of the kernel's memory that the engine will take, without encoder, index and reserve."""
    memory = plan.memory
    return _PROCESSES if memory.host else int(memory.weights + memory.cache + memory.engine)


def limits_of(plan: Plan, whole: int | None = None) -> Limits:
    """When load is shed and when the engine is ended, by the size of the memory.

    Args:
        whole: bytes of memory; ``None``: as the kernel tells.
    """
    size = total() if whole is None else whole
    stop = max(_LEAST_STOP, int(_STOP_SHARE * size))
    shed = max(_LEAST_SHED, int(_SHED_SHARE * size))
    return Limits(shed=shed, stop=stop, needed=needed_bytes(plan) + stop)


def watched_engine(
    plan: Plan, launch: Launch, serve: Serve, folder: Path, program: str = ""
) -> Watched:
    """The engine of ``launch``, its files written to ``folder``, which it is started in.

    Args:
        program: run instead of the command's own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in launch.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    url = f"http://{serve.host}:{serve.port}/v1"
    name = plan.spec.name
    command = (program, *launch.command[1:]) if program else launch.command
    return Watched(launch.engine, command, url, name, launch.environment, folder)
