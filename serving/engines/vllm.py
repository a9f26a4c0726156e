"""``vllm serve`` for a plan. Its flags are those of vLLM 0.32, whose own parser a test asks.

``--gpu-memory-utilization`` is the plan's bytes as a share of the card's. On unified memory the cache is given in
bytes too (``--kv-cache-memory-bytes``): there vLLM's own profiling goes past the share that it was given and can
take the whole machine with it (vllm#46307, #56824).
"""

from __future__ import annotations

import math

from serving.engines.launch import QUIET, Launch, Serve, tool_parser
from serving.plan.memory import BATCHED
from serving.plan.planner import Plan

__all__ = ["launch"]

_ON_THE_FLY = {"fp8": "fp8"}  # formats that vLLM rounds 16-bit files to while it loads them


def launch(plan: Plan, serve: Serve) -> Launch:
    """The command line, environment and notes for a plan."""
    load, memory = plan.load, plan.memory
    used = (memory.weights + memory.cache + memory.engine) / load.parallel
    card = plan.available / load.parallel
    arguments = [
        f"--host={serve.host}",
        f"--port={serve.port}",
        f"--served-model-name={plan.spec.name}",
        f"--max-model-len={load.context}",
        f"--max-num-seqs={load.users}",
        f"--max-num-batched-tokens={BATCHED}",
        f"--gpu-memory-utilization={_share(used, card)}",
        f"--tensor-parallel-size={load.parallel}",
        "--enable-prefix-caching",
    ]
    if plan.machine.unified:
        arguments.append(f"--kv-cache-memory-bytes={int(memory.cache / load.parallel)}")
    if load.cache == "fp8":
        arguments.append("--kv-cache-dtype=fp8")
    notes = []
    if plan.form.name in _ON_THE_FLY and not plan.spec.stored:
        arguments.append(f"--quantization={_ON_THE_FLY[plan.form.name]}")
    elif plan.form.name in ("fp32", "bf16"):
        arguments.append(f"--dtype={'float32' if plan.form.name == 'fp32' else 'bfloat16'}")
    elif not plan.spec.stored:
        notes.append(
            f"vLLM loads {plan.form.name} from files that were quantized before: give the folder or"
            " name of such a checkpoint."
        )
    if parser := tool_parser(plan.spec.family):
        arguments += ["--enable-auto-tool-choice", f"--tool-call-parser={parser}"]
    arguments.append('--structured-outputs-config={"backend": "auto"}')
    return Launch(
        "vllm",
        ("vllm", "serve", serve.model, *arguments),
        {**QUIET, "VLLM_NO_USAGE_STATS": "1"},
        notes=tuple(notes),
    )


def _share(used: float, card: float) -> float:
    """The part of a card's memory, rounded up to a thousandth, and never all of it."""
    return min(math.ceil(1000 * used / card) / 1000, 0.98)
