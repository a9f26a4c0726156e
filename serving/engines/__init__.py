"""How each server of language models is started for a plan: its command line, environment and files.

``ENGINES`` is keyed by name. Nothing here starts anything; memory is always given in bytes of the plan,
never as a guessed share.
"""

from __future__ import annotations

from collections.abc import Callable

from corpus.errors import UserError
from serving.engines.launch import Launch, Serve
from serving.plan.planner import Plan

__all__ = ["ENGINES", "launch_of"]


def _vllm(plan: Plan, serve: Serve) -> Launch:
    from serving.engines.vllm import launch

    return launch(plan, serve)


def _tensorrt_llm(plan: Plan, serve: Serve) -> Launch:
    from serving.engines.tensorrt_llm import launch

    return launch(plan, serve)


def _llama_cpp(plan: Plan, serve: Serve) -> Launch:
    from serving.engines.small import llama_cpp

    return llama_cpp(plan, serve)


def _ollama(plan: Plan, serve: Serve) -> Launch:
    from serving.engines.small import ollama

    return ollama(plan, serve)


ENGINES: dict[str, Callable[[Plan, Serve], Launch]] = {
    "vllm": _vllm,
    "tensorrt-llm": _tensorrt_llm,
    "llama.cpp": _llama_cpp,
    "ollama": _ollama,
}


def launch_of(engine: str, plan: Plan, serve: Serve) -> Launch:
    """How ``engine`` is started for ``plan``.

    Raises:
        UserError: there is no such engine, or it cannot load the plan's format.
    """
    if engine not in ENGINES:
        raise UserError(f"there is no engine {engine!r}; choose one of {', '.join(ENGINES)}")
    if engine not in plan.form.engines:
        raise UserError(
            f"{engine!r} does not load the format {plan.form.name!r}; it is for"
            f" {', '.join(plan.form.engines)}, or choose another --format"
        )
    return ENGINES[engine](plan, serve)
