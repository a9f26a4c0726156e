"""How much memory is left: the machine's, or the control group's where that is nearer."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.errors import OperatorError
from serving.available import available, total


def _root(tmp_path: Path, cgroup: str, files: dict[str, str]) -> Path:
    files = {
        "proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 600 kB\n",
        "proc/self/cgroup": cgroup,
        **files,
    }
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def test_without_a_group_the_machine_counts(tmp_path: Path) -> None:
    root = _root(tmp_path, "0::/\n", {})
    assert (available(root), total(root)) == (600 * 1024, 1000 * 1024)


@pytest.mark.parametrize(
    ("line", "folder", "names"),
    [
        ("4:memory:/box/inner", "sys/fs/cgroup/memory/box",
         ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")),
        ("0::/box/inner", "sys/fs/cgroup/box", ("memory.max", "memory.current", "inactive_file")),
    ],
)  # fmt: skip
def test_a_group_s_limit_counts_where_it_is_nearer(
    tmp_path: Path, line: str, folder: str, names: tuple[str, str, str]
) -> None:
    root = _root(
        tmp_path, line + "\n",
        {f"{folder}/{names[0]}": "300000", f"{folder}/{names[1]}": "250000",
         f"{folder}/memory.stat": f"cache 1\n{names[2]} 20000\n", f"{folder}/inner/x": ""},
    )  # fmt: skip
    assert (available(root), total(root)) == (300000 - 250000 + 20000, 300000)


def test_a_kernel_that_tells_nothing_is_said_to(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="does not tell"):
        available(tmp_path)
