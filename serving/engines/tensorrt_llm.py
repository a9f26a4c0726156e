"""``trtllm-serve`` for a plan: its command line, and the options file that it reads.

Names of options are those of ``LlmArgs`` (``tensorrt_llm/llmapi/llm_args.py`` of TensorRT-LLM 1.2). The cache is
given in bytes (``max_gpu_total_bytes``) as well as in tokens, since a share of free memory means nothing where
the processor takes from it too. A first start can take up to 28 minutes on a DGX Spark; what the default
backend compiles is kept in the folder named here, on a local disk.
"""

from __future__ import annotations

import json
from typing import Any

from serving.engines.launch import QUIET, Launch, Serve
from serving.plan.memory import BATCHED, BLOCK
from serving.plan.planner import Plan

__all__ = ["launch", "options"]

OPTIONS = "trtllm-options.json"
CACHE = "/var/cache/alcove/tensorrt-llm"


def launch(plan: Plan, serve: Serve) -> Launch:
    """The command line, environment, options file and notes for a plan."""
    load = plan.load
    command = (
        "trtllm-serve", serve.model,
        "--host", serve.host,
        "--port", str(serve.port),
        "--backend", "pytorch",
        "--max_batch_size", str(load.users),
        "--max_num_tokens", str(BATCHED),
        "--max_seq_len", str(load.context),
        "--tp_size", str(load.parallel),
        "--extra_llm_api_options", OPTIONS,
    )  # fmt: skip
    text = json.dumps(options(plan), indent=2) + "\n"  # YAML holds JSON
    environment = {
        **QUIET,
        "TRTLLM_NO_USAGE_STATS": "1",
        "TORCHINDUCTOR_CACHE_DIR": f"{CACHE}/inductor",
        "TRITON_CACHE_DIR": f"{CACHE}/triton",
    }
    notes = (
        f"Keep {CACHE} on a local disk: a first start takes up to 28 minutes, later ones find there"
        " what was compiled.",
    )
    return Launch("tensorrt-llm", command, environment, {OPTIONS: text}, notes)


def options(plan: Plan) -> dict[str, Any]:
    """What the options file holds."""
    load = plan.load
    tokens = load.users * -(-load.context // BLOCK) * BLOCK
    cache: dict[str, Any] = {
        "enable_block_reuse": True,
        "max_tokens": tokens,
        "max_gpu_total_bytes": int(plan.memory.cache / load.parallel),
        "dtype": "fp8" if load.cache == "fp8" else "auto",
    }
    return {"kv_cache_config": cache, "enable_chunked_prefill": True}
