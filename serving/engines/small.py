"""llama.cpp's and Ollama's servers for a plan: what a laptop runs, from GGUF files."""

from __future__ import annotations

from serving.engines.launch import Launch, Serve
from serving.plan.planner import Plan

__all__ = ["llama_cpp", "ollama"]

_QUANTIZED = {"gguf-q4": "Q4_K_M", "gguf-q8": "Q8_0", "bf16": "BF16", "mxfp4": "MXFP4"}
_CACHE = {"fp8": "q8_0", "bf16": "bf16", "fp32": "f32"}  # llama.cpp has no FP8; its Q8_0 is as wide


def llama_cpp(plan: Plan, serve: Serve) -> Launch:
    """``llama-server``: the context is that of all users together."""
    load = plan.load
    layers = ["--n-gpu-layers", "999"] if plan.machine.cards else []
    kind = _CACHE[load.cache]
    command = (
        "llama-server", "--model", serve.model,
        "--host", serve.host, "--port", str(serve.port), "--alias", plan.spec.name,
        "--ctx-size", str(load.context * load.users), "--parallel", str(load.users),
        "--cache-type-k", kind, "--cache-type-v", kind, "--flash-attn", "on", "--jinja",
        *layers,
    )  # fmt: skip
    return Launch("llama.cpp", command, {}, notes=(_file(plan),))


def ollama(plan: Plan, serve: Serve) -> Launch:
    """``ollama serve``: the model is made known with a file of its own, the rest is environment."""
    load = plan.load
    environment = {
        "OLLAMA_HOST": f"{serve.host}:{serve.port}",
        "OLLAMA_CONTEXT_LENGTH": str(load.context),
        "OLLAMA_NUM_PARALLEL": str(load.users),
        "OLLAMA_MAX_LOADED_MODELS": "1",
        "OLLAMA_FLASH_ATTENTION": "1",
        "OLLAMA_KV_CACHE_TYPE": "q8_0" if load.cache == "fp8" else "f16",
    }
    file = f"FROM {serve.model}\nPARAMETER num_ctx {load.context}\n"
    notes = (_file(plan), f"Then: ollama create {plan.spec.name} -f Modelfile")
    return Launch("ollama", ("ollama", "serve"), environment, {"Modelfile": file}, notes=notes)


def _file(plan: Plan) -> str:
    return f"The model is a GGUF file quantized as {_QUANTIZED[plan.form.name]}."
