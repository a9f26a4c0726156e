"""Write requirements.lock from pyproject.toml.

Resolves the project's dependencies and its `dev` extra once, for every platform and every Python
the project supports, and writes `name==version ; marker` lines. It holds neither hashes nor hosts,
so that the same file works with any mirror. What is pinned already stays pinned while it satisfies
every bound; with `--upgrade` the newest of everything is taken.

torch's CUDA libraries are left out. Each build of torch pins its own, exactly: the registry's build
asks for several GB of them, the CPU build asks for none. A line for them here would force them on
both.

Needs `uv`, which is not among the project's own dependencies: `pip install uv`, then
`python scripts/make_lock.py`. Knows nothing of wheels: `python scripts/check_lock.py` proves that
what was pinned can be installed.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CUDA = re.compile(r"(nvidia|cuda)-|triton==")

HEADER = """\
# Every package of Alcove and of its tests, on every platform it supports.
# Made by scripts/make_lock.py, checked by scripts/check_lock.py. Edit pyproject.toml, not this.
# torch's CUDA libraries are absent on purpose: each build of torch pins its own.
"""


def resolve(root: Path, *options: str) -> str:
    """The resolution of `root`/pyproject.toml and its dev extra, as requirement lines.

    Raises `FileNotFoundError` when uv is not installed, `CalledProcessError` when nothing
    satisfies every bound.
    """
    command = ["uv", "pip", "compile", "--universal", "--extra", "dev", "--python-version", "3.11"]
    quiet = ["--quiet", "--no-header", "--no-annotate", "--no-emit-index-url", "pyproject.toml"]
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "requirements.txt"  # uv keeps to the pins in the file it writes
        shutil.copyfile(root / "requirements.lock", pins)
        output = ["--output-file", str(pins), *options]
        subprocess.run([*command, *quiet, *output], cwd=root, check=True, stdout=subprocess.DEVNULL)
        return pins.read_text(encoding="utf-8")


def without_cuda(requirements: str) -> list[str]:
    """The requirement lines that are not CUDA libraries, in their order."""
    lines = requirements.splitlines()
    return [line for line in lines if line.strip() and not CUDA.match(line)]


def main() -> int:
    """Write the lock file; return the exit status."""
    try:
        lines = without_cuda(resolve(ROOT, *sys.argv[1:]))
    except FileNotFoundError:
        print("'uv' was not found; install it with `pip install uv`", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError:
        print("'pyproject.toml' has no resolution; uv says above why", file=sys.stderr)
        return 1
    (ROOT / "requirements.lock").write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"requirements.lock: {len(lines)} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
