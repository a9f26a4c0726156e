"""How each engine is started for a plan: in bytes of the plan, for this machine only, without telemetry."""

from __future__ import annotations

import json
import shlex

import pytest

from corpus.errors import UserError
from serving.engines import ENGINES, launch_of
from serving.engines.launch import Launch, Serve
from serving.machines import MACHINES, Machine
from serving.plan.memory import Load
from serving.plan.planner import Plan, plan
from serving.specs.reading import read_spec

SPARK = MACHINES["dgx-spark"]
LAPTOP = Machine("laptop", 32 * 2**30, True, 0)
SERVE = Serve("/models/it's here", port=8123)


def _planned(
    model: str, form: str | None = None, machine: Machine = SPARK, load: Load | None = None
) -> Plan:
    return plan(read_spec(model), machine, load or Load(), form)


def _flags(launch: Launch) -> dict[str, str]:
    """``--name=value`` and ``--name value`` alike; a flag alone is an empty value."""
    found, words = {}, list(launch.command)
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if not name.startswith("--"):
            continue
        follows = words[at + 1] if at + 1 < len(words) else ""
        found[name] = value if equals else ("" if follows.startswith("--") else follows)
    return found


def test_vllm_is_given_the_share_that_the_plan_s_bytes_are() -> None:
    found = _planned("llama-3.3-70b", "nvfp4")
    flags = _flags(launch_of("vllm", found, SERVE))
    memory = found.memory
    needed = memory.weights + memory.cache + memory.engine
    assert needed / SPARK.memory <= float(flags["--gpu-memory-utilization"]) < 0.5
    assert int(flags["--kv-cache-memory-bytes"]) == int(memory.cache)  # as memory is unified
    assert (flags["--max-model-len"], flags["--max-num-seqs"]) == ("8192", "4")
    assert flags["--tool-call-parser"] == "llama3_json"


def test_on_cards_of_their_own_vllm_measures_its_cache_itself() -> None:
    found = _planned("llama-3.3-70b", "fp8", MACHINES["dgx-h100"], Load(parallel=8, cache="fp8"))
    flags = _flags(launch_of("vllm", found, SERVE))
    assert "--kv-cache-memory-bytes" not in flags
    assert (flags["--tensor-parallel-size"], flags["--kv-cache-dtype"]) == ("8", "fp8")
    assert flags["--quantization"] == "fp8"


def test_files_that_are_quantized_need_no_flag_and_others_are_said_to() -> None:
    stored = launch_of("vllm", _planned("gpt-oss-120b"), SERVE)
    assert "--quantization" not in _flags(stored)
    assert stored.notes == ()
    assert "quantized before" in launch_of("vllm", _planned("qwen3-32b", "nvfp4"), SERVE).notes[0]


def test_tensorrt_llm_reads_its_cache_s_bytes_from_a_file_of_options() -> None:
    found = _planned("llama-3.1-8b", "fp8", load=Load(users=3, context=4000, cache="fp8"))
    launch = launch_of("tensorrt-llm", found, SERVE)
    flags = _flags(launch)
    options = json.loads(launch.files[flags["--extra_llm_api_options"]])
    cache = options["kv_cache_config"]
    assert cache["max_gpu_total_bytes"] == int(found.memory.cache)
    assert (cache["max_tokens"], cache["dtype"]) == (3 * 4000, "fp8")
    assert (flags["--max_seq_len"], flags["--max_batch_size"]) == ("4000", "3")
    assert "28 minutes" in launch.notes[0]


def test_llama_cpp_is_given_the_context_of_all_users_together() -> None:
    found = _planned("llama-3.1-8b", "gguf-q4", LAPTOP, Load(users=2, context=4096, cache="fp8"))
    flags = _flags(launch_of("llama.cpp", found, SERVE))
    assert (flags["--ctx-size"], flags["--parallel"], flags["--cache-type-k"]) == (
        "8192",
        "2",
        "q8_0",
    )
    assert "--n-gpu-layers" not in flags


def test_ollama_is_told_through_its_environment_and_a_file() -> None:
    found = _planned("llama-3.1-8b", "gguf-q4", LAPTOP, Load(users=2, context=4096))
    launch = launch_of("ollama", found, SERVE)
    assert launch.environment["OLLAMA_HOST"] == "127.0.0.1:8123"
    assert launch.environment["OLLAMA_CONTEXT_LENGTH"] == "4096"
    assert "num_ctx 4096" in launch.files["Modelfile"]


@pytest.mark.parametrize("engine", ["vllm", "tensorrt-llm"])
def test_engines_ask_no_hub_and_send_no_statistics(engine: str) -> None:
    environment = launch_of(engine, _planned("llama-3.1-8b", "bf16"), SERVE).environment
    assert (environment["HF_HUB_OFFLINE"], environment["DO_NOT_TRACK"]) == ("1", "1")


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_listen_on_this_machine_and_names_are_quoted_for_a_shell(engine: str) -> None:
    cpu = engine in ("llama.cpp", "ollama")
    found = _planned("llama-3.1-8b", "gguf-q8" if cpu else "bf16", LAPTOP if cpu else SPARK)
    launch = launch_of(engine, found, SERVE)
    assert "127.0.0.1" in launch.shell()
    given = len(launch.environment)
    assert tuple(shlex.split(launch.shell())[given:]) == launch.command


def test_an_engine_that_does_not_load_the_format_says_which_do() -> None:
    with pytest.raises(
        UserError, match="'vllm' does not load the format 'gguf-q4'; it is for llama"
    ):
        launch_of("vllm", _planned("llama-3.1-8b", "gguf-q4", LAPTOP), SERVE)
    with pytest.raises(UserError, match="no engine 'magic'; choose one of vllm"):
        launch_of("magic", _planned("llama-3.1-8b"), SERVE)
