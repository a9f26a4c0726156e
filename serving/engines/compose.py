"""A plan as an override for the Compose file: the commands, files and limits of its model servers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from serving.engines import launch_of
from serving.engines.launch import Launch, Serve
from serving.machines import GIB
from serving.plan.planner import Plan

__all__ = ["compose_override", "write_override"]

_SERVICES = {"vllm": "vllm", "tensorrt-llm": "tensorrt-llm", "llama.cpp": "llama-cpp"}
_ENTRY = {
    "vllm": 2,
    "tensorrt-llm": 0,
    "llama.cpp": 1,
}  # words that the image's entry point stands for
_ROOM = 1.1  # of what the plan counts, before the container is stopped from outside


def write_override(plan: Plan, model: str, folder: Path) -> Path:
    """Write ``override.yml``, and the files it mounts, to ``folder``; the override's path.

    It is laid over the Compose file: ``docker-compose -f docker-compose.yml -f FOLDER/override.yml``.

    Args:
        model: the model's name below the folder that is mounted at ``/models``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for launch in _launches(plan, model).values():
        for name, text in launch.files.items():
            (folder / name).write_text(text, encoding="utf-8")
    file = folder / "override.yml"
    text = json.dumps(compose_override(plan, model, folder.resolve()), indent=2)  # YAML holds JSON
    file.write_text(text + "\n", encoding="utf-8")
    return file


def compose_override(plan: Plan, model: str, folder: Path) -> dict[str, Any]:
    """The object of an override file; files of options are mounted from ``folder``."""
    found = {}
    for engine, launch in _launches(plan, model).items():
        words = launch.command[_ENTRY[engine] :]
        mounted = {name: f"/{name}" for name in launch.files}
        body: dict[str, Any] = {
            "command": [mounted.get(word, word) for word in words],
            "environment": dict(launch.environment),
        }
        if mounted:
            body["volumes"] = [f"{folder / name}:{to}:ro" for name, to in mounted.items()]
        found[_SERVICES[engine]] = body | _limits(plan)
    return {"services": found}


def _launches(plan: Plan, model: str) -> dict[str, Launch]:
    serve = Serve(f"/models/{model}", "0.0.0.0", 8000)
    return {e: launch_of(e, plan, serve) for e in _SERVICES if e in plan.form.engines}


def _limits(plan: Plan) -> dict[str, str]:
    """Of a container whose model lies in the memory that the kernel counts."""
    if not plan.machine.unified:
        return {}
    memory = plan.memory
    limit = int(_ROOM * (memory.weights + memory.cache + memory.engine) / GIB) + 1
    return {"mem_limit": f"{limit}g", "memswap_limit": f"{limit}g"}
