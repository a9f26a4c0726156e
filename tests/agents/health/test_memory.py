"""Memory as the kernel tells it."""

from __future__ import annotations

from pathlib import Path

from agents.health.memory import available_bytes, process_bytes

MIB = 2**20


def test_this_process_takes_some_of_what_the_machine_has() -> None:
    used, left = process_bytes(), available_bytes()
    assert used is not None
    assert left is not None
    assert used > 5 * MIB
    assert left > 0


def test_a_container_s_limit_counts_where_it_leaves_less(tmp_path: Path) -> None:
    proc, group = tmp_path / "proc", tmp_path / "sys/fs/cgroup"
    (proc / "self").mkdir(parents=True)
    group.mkdir(parents=True)
    (proc / "self/cgroup").write_text("0::/\n")
    (proc / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    4096 kB\n")
    assert available_bytes(tmp_path) == 4 * MIB
    (group / "memory.max").write_text("max\n")
    assert available_bytes(tmp_path) == 4 * MIB
    (group / "memory.max").write_text(f"{10 * MIB}\n")
    (group / "memory.current").write_text(f"{9 * MIB}\n")
    (group / "memory.stat").write_text(f"anon 1\ninactive_file {2 * MIB}\n")
    assert available_bytes(tmp_path) == 3 * MIB


def test_where_the_kernel_does_not_tell_nothing_is_told(tmp_path: Path) -> None:
    assert process_bytes(proc=tmp_path) is None
    assert available_bytes(tmp_path) is None
