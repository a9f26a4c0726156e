"""Runs the weather grid of a folder, and kills itself when the search of the cell with a given number begins.

python -m tests.eval.grid.killed_run FOLDER NUMBER
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from eval.grid.plan import load_grid
from eval.grid.run import run_grid
from tests.eval.grid.weather import benches_in


def main(root: Path, number: int) -> None:
    """Run until then."""
    begun: set[str] = set()

    def listen(doing: str, done: int, total: int) -> None:
        if doing.startswith("searching"):
            begun.add(doing)
            if len(begun) > number:
                os.kill(os.getpid(), signal.SIGKILL)

    grid = load_grid(root / "grid.toml")
    run_grid(grid, root / "out", None, root / "home", listen, benches_in(root / "benches"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
