"""Plans how a model is served on a machine: which format, whether it fits, how many users, how fast at most.

What does not fit is refused with what would: a narrower format, a shorter context, fewer users, another
machine. Everything is computed from the model's configuration and the machine's figures; nothing is run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from corpus.errors import UserError
from serving.formats import CACHE_FORMATS, FORMATS, WeightFormat
from serving.machines import GIB, Machine
from serving.plan.memory import Load, Memory, check_load, fit_context, fit_users, memory_of, usable
from serving.plan.speed import Speed, speed_of
from serving.specs.records import ModelSpec

__all__ = ["Plan", "candidates", "plan"]

_PLEASANT = 15.0  # tokens a second: about twice as fast as people read
_GPU = ("bf16", "fp8", "nvfp4")  # the most precise first
_OLDER_GPU = ("bf16", "fp8", "awq")
_CPU = ("bf16", "gguf-q8", "gguf-q4")


@dataclass(frozen=True, slots=True)
class Plan:
    """What was found; ``advice`` is sentences, the most pressing first."""

    spec: ModelSpec
    machine: Machine
    form: WeightFormat
    load: Load
    memory: Memory
    speed: Speed
    max_users: int
    max_context: int
    advice: tuple[str, ...]

    @property
    def available(self) -> float:
        """Bytes of the memory that the model would lie in."""
        return usable(self.machine, self.load)

    @property
    def fits(self) -> bool:
        """Whether everything fits, and beside a card what lies on the host too."""
        host = self.memory.encoder_index + self.memory.reserve
        beside = not self.memory.host or host <= self.machine.host_memory
        return self.memory.total <= self.available and beside


def plan(spec: ModelSpec, machine: Machine, load: Load, form: str | None = None) -> Plan:
    """Plan for ``spec`` on ``machine``; without ``form`` the format that suits it is taken.

    Raises:
        UserError: a number is impossible, or the machine or the files do not have that format.
    """
    check_load(spec, machine, load)
    possible = candidates(spec, machine)
    if form is not None and form not in possible:
        raise UserError(_not_possible(spec, machine, form, possible))
    taken = FORMATS[form] if form else _best(spec, machine, load, possible)
    users, context = fit_users(spec, taken, machine, load), fit_context(spec, taken, machine, load)
    found = Plan(
        spec, machine, taken, load, memory_of(spec, taken, machine, load),
        speed_of(spec, taken, machine, load), users, context, (),
    )  # fmt: skip
    return replace(found, advice=tuple(_advice(found, possible)))


def candidates(spec: ModelSpec, machine: Machine) -> list[str]:
    """Formats that the files come in or can be made in, and that the machine computes with, widest first."""
    if spec.stored:
        return [spec.stored]
    if not machine.cards:
        return list(_CPU)
    can = machine.multiplies or ("fp32", "bf16", "int8")
    others = [name for name in FORMATS if not name.startswith("gguf")]
    named = dict.fromkeys([*_usual(machine), *others])
    return [name for name in named if FORMATS[name].multiplies in can]


def _usual(machine: Machine) -> tuple[str, ...]:
    """The formats that a plan takes of itself."""
    if not machine.cards:
        return _CPU
    return _GPU if "fp4" in machine.multiplies else _OLDER_GPU


def _best(spec: ModelSpec, machine: Machine, load: Load, possible: list[str]) -> WeightFormat:
    """The most precise format that fits and writes pleasantly fast, else the fastest that fits, else the smallest."""
    usual = [FORMATS[name] for name in possible if name in _usual(machine)]
    usual = usual or [FORMATS[name] for name in possible]
    fitting = [f for f in usual if fit_users(spec, f, machine, load) >= load.users]
    for f in fitting:
        speed = speed_of(spec, f, machine, load).decode
        if speed is None or speed >= _PLEASANT:
            return f
    return min(fitting or usual, key=lambda f: f.weight_bytes(spec))


def _not_possible(spec: ModelSpec, machine: Machine, form: str, possible: list[str]) -> str:
    listed = ", ".join(possible)
    if spec.stored:
        return (
            f"--format is {form!r}, but the files of {spec.name!r} are quantized as"
            f" {spec.stored!r}; leave the format out, or plan for the model it was made from"
        )
    return f"--format is {form!r}, which {machine.name!r} does not compute with; choose one of {listed}"


def _advice(found: Plan, possible: list[str]) -> list[str]:
    spec, load, form = found.spec, found.load, found.form
    said = []
    if not found.fits:
        said.append(_refusal(found))
        said += _what_would_fit(found, possible)
    if found.fits and load.cache == "bf16" and found.memory.cache > found.memory.weights / 2:
        half = min(CACHE_FORMATS.values()) / CACHE_FORMATS[load.cache]
        said.append(
            f"The cache takes {found.memory.cache / GIB:.1f} GiB; --kv-format fp8 makes it"
            f" {found.memory.cache * half / GIB:.1f} GiB."
        )
    speed = found.speed.decode
    if speed is not None and speed < _PLEASANT:
        said.append(
            f"At most {speed:.1f} tokens a second for one user: memory is read at"
            f" {(found.machine.bandwidth or 0) / 1e9:,.0f} GB/s, and {form.name} of {spec.name!r} reads"
            f" {form.weight_bytes(spec, spec.active()) / 1e9:.1f} GB for each token. A mixture of experts"
            " reads less."
        )
    return said


def _refusal(found: Plan) -> str:
    needed, there = found.memory.total / GIB, found.available / GIB
    return (
        f"{found.spec.name} in {found.form.name} needs {needed:.1f} GiB with all that goes with it;"
        f" {found.machine.name} has {there:.1f} GiB."
    )


def _what_would_fit(found: Plan, possible: list[str]) -> list[str]:
    spec, machine, load = found.spec, found.machine, found.load
    if found.max_users:
        return [
            f"With {load.context:,} tokens each, {found.max_users} users fit; for {load.users} users"
            f" {found.max_context:,} tokens do."
        ]
    fitting = [n for n in possible if fit_users(spec, FORMATS[n], machine, replace(load, users=1))]
    if fitting:
        return [f"In {fitting[0]} it fits."]
    return [f"No format of {', '.join(possible)} fits this machine; take a smaller model."]
