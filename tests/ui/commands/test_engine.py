"""``alcove engine``: refuses what is over budget, watches what it starts, and tells how it is."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from serving.watch.state import read_state
from tests.command_line import Alcove
from tests.ports import free_port
from tests.serving.watch.test_engine_watch import ENGINE

ROOT = Path(__file__).parents[3]
PATIENCE_S = 60.0


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model of a few thousand parameters, so that it fits everywhere."""
    folder = tmp_path / "little-model"
    folder.mkdir()
    config = {
        "model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 2, "vocab_size": 256, "max_position_embeddings": 2048,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Takes llama.cpp's options and answers as an engine does."""
    file = tmp_path / "llama-server"
    file.write_text(
        f"#!{sys.executable}\nimport os, sys\n"
        'port = sys.argv[sys.argv.index("--port") + 1]\n'
        f"os.execv(sys.executable, [sys.executable, {str(ENGINE)!r}, port])\n"
    )
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


@contextmanager
def started(home: Path, model: Path, program: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "ui.cli", "engine", "start", "llama.cpp", str(model)]
    command += ["--home", str(home), "--port", str(free_port()), "--program", str(program)]
    process = subprocess.Popen([*command, "--users", "1", "--context", "512"], cwd=ROOT)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


def _until_ready(home: Path, process: subprocess.Popen[bytes]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        state = read_state(home)
        if state is not None and state.state == "ready":
            return state
        assert process.poll() is None, "it ended"
        assert time.monotonic() < deadline, state
        time.sleep(0.1)


def test_an_engine_is_started_told_about_and_stopped(
    alcove: Alcove, tmp_path: Path, model: Path, program: Path
) -> None:
    home = tmp_path / "home"
    assert alcove("engine", "status").status == 1
    with started(home, model, program) as process:
        state = _until_ready(home, process)
        assert (state.engine, state.model, state.pid) == ("llama.cpp", "little-model", process.pid)
        assert alcove("engine", "status", "--json").json["state"] == "ready"
        said = alcove("engine", "status").out
        assert "llama.cpp: ready, little-model at http://127.0.0.1:" in said
        assert "being stopped" in alcove("engine", "stop").out
        assert process.wait(PATIENCE_S) == 0
    assert alcove("engine", "status", "--json").json["state"] == "stopped"
    assert alcove("engine", "stop").status == 2


def test_ctrl_c_ends_it_cleanly(tmp_path: Path, model: Path, program: Path) -> None:
    home = tmp_path / "home"
    with started(home, model, program) as process:
        _until_ready(home, process)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0


def test_over_budget_nothing_is_started(alcove: Alcove, tmp_path: Path) -> None:
    outcome = alcove("engine", "start", "llama.cpp", "llama-3.1-405b", "--format", "gguf-q8")
    assert (outcome.status, outcome.out) == (2, "")
    assert "llama-3.1-405b in gguf-q8 needs" in outcome.err
    assert read_state(tmp_path / "home") is None


def test_an_engine_that_does_not_load_the_format_is_refused(alcove: Alcove, model: Path) -> None:
    outcome = alcove("engine", "start", "vllm", str(model), "--format", "gguf-q4")
    assert outcome.status == 2
    assert (
        "'vllm' does not load the format 'gguf-q4'" in outcome.err
        or "does not compute" in outcome.err
    )
