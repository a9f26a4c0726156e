"""Machines that models run on: memory, how fast it is read, and how much a second they compute.

A few by name, with their makers' published figures (dense products, without sparsity), or this one as it is
found. Figures nobody publishes or that cannot be found are ``None``, and what would need them is not
computed. Starts nothing but ``nvidia-smi``.
"""

from __future__ import annotations

import math
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from corpus.errors import UserError
from serving.available import total

__all__ = ["GIB", "MACHINES", "Machine", "any_machine", "detect", "machine", "parse_memory"]

GIB = 2**30
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(GiB|GB|MiB|MB|TiB|TB|G|M|T)?\s*", re.IGNORECASE)
_UNITS = {"gib": 2**30, "gb": 10**9, "mib": 2**20, "mb": 10**6, "tib": 2**40, "tb": 10**12,
          "g": 2**30, "m": 2**20, "t": 2**40}  # fmt: skip
_SMI = ("nvidia-smi", "--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader,nounits")


@dataclass(frozen=True, slots=True)
class Machine:
    """One box.

    Args:
        memory: bytes that models, documents and the system share, or bytes of all cards together.
        unified: whether processor and card share ``memory``.
        cards: GPUs, each with an equal part of ``memory`` where it is not unified; 0: none.
        bandwidth: bytes a second at which one card (or, without one, the processor) reads memory.
        compute: operations a second of one card, by the format that is multiplied.
        multiplies: formats that its cards multiply in hardware; empty: unknown.
        host_memory: bytes beside the cards, for everything else; 0 where it is unified.
    """

    name: str
    memory: int
    unified: bool
    cards: int = 1
    bandwidth: float | None = None
    compute: Mapping[str, float] = field(default_factory=dict)
    multiplies: tuple[str, ...] = ()
    host_memory: int = 0


_BLACKWELL = ("fp32", "bf16", "fp8", "int8", "fp4")
_HOPPER = ("fp32", "bf16", "fp8", "int8")

_H100 = 81_559 * 2**20  # as nvidia-smi says

MACHINES: dict[str, Machine] = {
    m.name: m
    for m in (
        # NVIDIA's data sheet: 128 GB LPDDR5x, 273 GB/s, one petaFLOP of FP4 with sparsity; each doubling of
        # width halves it.
        Machine(
            "dgx-spark", 128 * 10**9, True, 1, 273e9,
            {"fp4": 500e12, "fp8": 250e12, "int8": 250e12, "bf16": 125e12, "fp32": 31e12}, _BLACKWELL,
        ),
        # NVIDIA H100 SXM data sheet: 80 GB HBM3, 3.35 TB/s, BF16 989 and FP8 1,979 teraFLOPS dense.
        Machine(
            "dgx-h100", 8 * _H100, False, 8, 3.35e12,
            {"fp8": 1979e12, "int8": 1979e12, "bf16": 989e12, "fp32": 67e12}, _HOPPER, 2 * 10**12,
        ),
        # NVIDIA DGX B200 data sheet: 1,440 GB HBM3e, 64 TB/s, 72 petaFLOPS of FP8 and 144 of FP4 with sparsity.
        Machine(
            "dgx-b200", 1440 * 10**9, False, 8, 8e12,
            {"fp4": 9e15, "fp8": 4.5e15, "int8": 4.5e15, "bf16": 2.25e15, "fp32": 75e12},
            _BLACKWELL, 2 * 10**12,
        ),
        Machine(
            "h100-80gb", _H100, False, 1, 3.35e12,
            {"fp8": 1979e12, "int8": 1979e12, "bf16": 989e12, "fp32": 67e12}, _HOPPER, 128 * 10**9,
        ),
    )
}  # fmt: skip


def machine(name: str) -> Machine:
    """The machine of that name.

    Raises:
        UserError: there is none; the message lists them.
    """
    if name.lower() not in MACHINES:
        raise UserError(f"there is no machine {name!r}; choose one of {', '.join(MACHINES)}")
    return MACHINES[name.lower()]


def any_machine(memory: int, unified: bool) -> Machine:
    """A machine of which only the memory is known: one card that computes in every format."""
    name = f"a machine with {memory / GIB:.0f} GiB"
    return Machine(name, memory, unified, 1, multiplies=_BLACKWELL, host_memory=memory)


def parse_memory(text: str) -> int:
    """Bytes of an amount such as ``128GiB``, ``80 GB`` or ``64`` (GiB).

    Raises:
        UserError: it is none, or not above 0.
    """
    match = _SIZE.fullmatch(text)
    amount = float(match[1]) * _UNITS[(match[2] or "GiB").lower()] if match else 0.0
    if not match or amount < 1 or not math.isfinite(amount):
        raise UserError(
            f"{text!r} is no amount of memory; write a number above 0 and a unit, such as 128GiB or"
            " 80GB"
        )
    return int(amount)


def detect(ask: Callable[[], str] | None = None, root: Path = Path("/")) -> Machine:
    """This machine: its memory, and its NVIDIA cards where there are any.

    A card that does not tell its memory shares the machine's, as a DGX Spark's does.

    Args:
        ask: gives what ``nvidia-smi`` says of name, memory (MiB) and compute capability; empty: no card.
        root: where ``proc`` and ``sys`` are; for tests.

    Raises:
        OperatorError: the kernel does not tell how much memory there is.
    """
    whole = total(root)
    rows = [line.split(",") for line in (ask or _ask_cards)().splitlines() if line.count(",") == 2]
    if not rows:
        return Machine("this machine", whole, True, 0)
    names = [name.strip() for name, _, _ in rows]
    known = next((m for m in MACHINES.values() if _is(m.name, names)), None)
    sizes = [memory.strip() for _, memory, _ in rows]
    if not all(size.isdecimal() for size in sizes):
        spark = MACHINES["dgx-spark"]
        return replace(spark, memory=whole) if known is spark else Machine(names[0], whole, True, 1)
    found = Machine(
        names[0], sum(int(s) for s in sizes) * 2**20, False, len(rows), host_memory=whole,
        multiplies=_multiplies(rows[0][2]),
    )  # fmt: skip
    if known is None:
        return found
    return replace(found, bandwidth=known.bandwidth, compute=known.compute)


def _is(name: str, cards: list[str]) -> bool:
    """Whether cards of these names are those of one of ``MACHINES``."""
    marks = {"dgx-spark": "GB10", "h100-80gb": "H100 80GB HBM3", "dgx-b200": "B200"}
    return name in marks and all(marks[name] in card for card in cards)


def _multiplies(capability: str) -> tuple[str, ...]:
    """What a card of this compute capability multiplies in hardware (CUDA C++ Programming Guide, appendix)."""
    try:
        found = float(capability)
    except ValueError:
        return ()
    if found >= 10:
        return _BLACKWELL
    if found >= 8.9:
        return _HOPPER
    return ("fp32", "bf16", "int8") if found >= 8 else ("fp32", "int8")


def _ask_cards() -> str:
    try:
        done = subprocess.run(_SMI, capture_output=True, text=True, timeout=20, check=False)
    except (
        OSError,
        subprocess.TimeoutExpired,
    ):  # no driver, or one that hangs: no card to plan for
        return ""
    return done.stdout if done.returncode == 0 else ""
