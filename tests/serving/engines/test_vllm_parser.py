"""vLLM's own parser accepts every command line that plans make, for every known model and format.

In an environment of its own, as ``tests/e2e/test_vllm.py`` makes it (``ALCOVE_VLLM_VENV`` keeps one).
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from serving.engines import launch_of
from serving.engines.launch import Serve
from serving.formats import FORMATS
from serving.machines import MACHINES
from serving.plan.memory import Load
from serving.plan.planner import candidates, plan
from serving.specs.known import KNOWN
from serving.specs.reading import read_spec
from tests.e2e.test_vllm import python

__all__ = ["python"]

pytestmark = [pytest.mark.full, pytest.mark.timeout(2400)]

PARSE = """
import json, sys
from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.tool_parsers import ToolParserManager
from vllm.utils.argparse_utils import FlexibleArgumentParser
parser = make_arg_parser(FlexibleArgumentParser(prog="vllm serve"))
for arguments in json.load(sys.stdin):
    found = parser.parse_args(arguments)
    validate_parsed_serve_args(found)
    if found.tool_call_parser:
        ToolParserManager.get_tool_parser(found.tool_call_parser)
    print(json.dumps([found.model_tag, found.kv_cache_memory_bytes, found.max_num_seqs]))
"""


def _command_lines() -> list[list[str]]:
    found = []
    for name in KNOWN:
        spec = read_spec(name)
        for machine in (MACHINES["dgx-spark"], MACHINES["dgx-h100"]):
            for form in candidates(spec, machine):
                if "vllm" not in FORMATS[form].engines:
                    continue
                for cache in ("bf16", "fp8"):
                    made = plan(spec, machine, Load(cache=cache, context=4096), form)
                    found.append(list(launch_of("vllm", made, Serve(name)).command[2:]))
    return found


def test_vllm_accepts_every_generated_command_line(python: Path) -> None:
    lines = _command_lines()
    assert len(lines) > 200
    environment = {**os.environ, "VLLM_TARGET_DEVICE": "cpu", "HF_HUB_OFFLINE": "1"}
    environment |= {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    ran = subprocess.run(
        [str(python), "-c", PARSE], input=json.dumps(lines), text=True, env=environment,
        capture_output=True, check=False, cwd="/",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    parsed = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("[")]
    assert [model for model, _, _ in parsed] == [line[0] for line in lines]
    assert all(users == 4 for _, _, users in parsed)
