"""An engine over budget is not started; its limits are those of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.errors import OperatorError, UserError
from serving.engines import launch_of
from serving.engines.launch import Serve
from serving.machines import GIB, MACHINES
from serving.plan.memory import Load
from serving.plan.planner import plan
from serving.specs.reading import read_spec
from serving.watch.guard import limits_of, needed_bytes, require_room, watched_engine

SPARK = MACHINES["dgx-spark"]


def test_what_does_not_fit_the_machine_is_refused_with_what_would() -> None:
    found = plan(read_spec("llama-3.1-70b"), SPARK, Load(), "bf16")
    with pytest.raises(UserError, match=r"needs .* In fp8 it fits"):
        require_room(found, 2**50)


def test_what_others_have_taken_is_not_taken_twice() -> None:
    found = plan(read_spec("llama-3.3-70b"), SPARK, Load(), "nvfp4")
    require_room(found, 60 * GIB)
    with pytest.raises(OperatorError, match=r"needs 55.* and 40.0 are left"):
        require_room(found, 40 * GIB)


def test_beside_cards_of_their_own_only_processes_are_counted() -> None:
    found = plan(read_spec("llama-3.1-8b"), MACHINES["h100-80gb"], Load(), "bf16")
    assert needed_bytes(found) == 4 * GIB


def test_lines_grow_with_the_machine() -> None:
    found = plan(read_spec("llama-3.1-8b"), SPARK, Load(), "bf16")
    large, small = limits_of(found, 128 * GIB), limits_of(found, 16 * GIB)
    assert (large.shed, large.stop) == (int(0.05 * 128 * GIB), int(0.025 * 128 * GIB))
    assert (small.shed, small.stop) == (2 * GIB, GIB)
    assert large.needed == needed_bytes(found) + large.stop


def test_files_of_options_lie_where_the_engine_is_started(tmp_path: Path) -> None:
    found = plan(read_spec("llama-3.1-8b"), SPARK, Load(), "bf16")
    serve = Serve("llama-3.1-8b", port=8123)
    watched = watched_engine(found, launch_of("tensorrt-llm", found, serve), serve, tmp_path)
    assert watched.folder == tmp_path
    assert (tmp_path / "trtllm-options.json").is_file()
    assert (watched.url, watched.model) == ("http://127.0.0.1:8123/v1", "llama-3.1-8b")
