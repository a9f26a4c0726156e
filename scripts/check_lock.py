"""Prove that every pin of requirements.lock installs without a compiler, wherever Alcove runs.

For Linux on x86-64 and on arm64, and for each Python the project supports, every pin whose marker
holds there must be published as a wheel that fits. The few that are published as source alone are
named in `PURE_SDISTS`. Prints one line for each pin that fails and exits with status 1; with status
0 when there is none.

The lists of published files come from whatever index pip is configured for, through pip's own
machinery, so that proxies, certificates and mirrors are as they are for an install; nothing is
downloaded but those lists. Knows nothing of CUDA: the lock leaves it to torch.

Run it with `.venv/bin/python scripts/check_lock.py`, after scripts/make_lock.py.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
MACHINES = ("x86_64", "aarch64")
PYTHONS = ("3.11", "3.12", "3.13")
# The oldest C library promised: Ubuntu 22.04 has 2.35, Debian 12 has 2.36, DGX OS 7 has 2.39.
GLIBC_MINOR = 35

# Published as source only, and pure Python: pip builds them in a second, without a compiler.
PURE_SDISTS = frozenset({"langdetect"})


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of machine that an install is promised for: `machine` as uname says, and a Python."""

    machine: str
    python: str

    def __str__(self) -> str:
        return f"Linux {self.machine}, Python {self.python}"

    def environment(self) -> dict[str, str]:
        """The values of the environment markers there."""
        return {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.python}.9",
            "python_version": self.python,
            "sys_platform": "linux",
        }


@cache
def tags(target: Target) -> frozenset[Tag]:
    """The wheel tags that install on `target`."""
    version = tuple(int(part) for part in target.python.split("."))
    interpreter = "cp" + target.python.replace(".", "")
    manylinux = [f"manylinux_2_{minor}_{target.machine}" for minor in range(GLIBC_MINOR, 4, -1)]
    legacy = [f"manylinux{name}_{target.machine}" for name in ("2014", "2010", "1")]
    platforms = [*manylinux, *legacy, f"linux_{target.machine}"]
    native = cpython_tags(version, [interpreter], platforms)
    return frozenset(chain(native, compatible_tags(version, interpreter, platforms)))


TARGETS = tuple(Target(machine, python) for python in PYTHONS for machine in MACHINES)


@dataclass(frozen=True, slots=True)
class Published:
    """One file of a package on the index, its `Requires-Python` if it has one, its size in bytes."""

    filename: str
    requires_python: str | None = None
    size: int = 0

    def fits(self, version: Version, target: Target) -> bool:
        """Whether this is a wheel of `version` that installs on `target`."""
        try:
            _, found, _, wheel_tags = parse_wheel_filename(self.filename)
        except InvalidWheelFilename:
            return False
        if found != version or tags(target).isdisjoint(wheel_tags):
            return False
        return SpecifierSet(self.requires_python or "").contains(f"{target.python}.9")

    def is_sdist_of(self, version: Version) -> bool:
        """Whether this is the source distribution of `version`."""
        try:
            return parse_sdist_filename(self.filename)[1] == version
        except InvalidSdistFilename:
            return False


Listing = Callable[[str], list[Published]]


def pins(lock: str) -> list[Requirement]:
    """The requirements of a lock file's text, in order. Raises `ValueError` on a loose one."""
    lines = (line.strip() for line in lock.splitlines())
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    for requirement in found:
        if [specifier.operator for specifier in requirement.specifier] != ["=="]:
            raise ValueError(f"{str(requirement)!r} is not pinned; write it as name==version")
    return found


def pinned_version(requirement: Requirement) -> Version:
    """The one version that a pin of `pins` allows."""
    return Version(next(iter(requirement.specifier)).version)


def applies(requirement: Requirement, target: Target) -> bool:
    """Whether the pin's marker holds on `target`."""
    return requirement.marker is None or requirement.marker.evaluate(target.environment())


def missing(
    requirement: Requirement, files: list[Published], targets: Iterable[Target] = TARGETS
) -> Iterator[Target]:
    """The targets that install this pin but find no file among `files` that fits them."""
    version = pinned_version(requirement)
    from_source = canonicalize_name(requirement.name) in PURE_SDISTS
    if from_source and any(file.is_sdist_of(version) for file in files):
        return
    for target in targets:
        fitting = (file for file in files if file.fits(version, target))
        if applies(requirement, target) and not any(fitting):
            yield target


def problems(lock: str, listing: Listing) -> list[str]:
    """One sentence for each pin of the lock's text that does not install on some target.

    `listing` gives the published files of a package by its name; it is called from threads.
    """
    requirements = pins(lock)
    with ThreadPoolExecutor(4) as pool:
        listings = pool.map(listing, (requirement.name for requirement in requirements))
        return [
            f"{requirement.name}=={pinned_version(requirement)} has no wheel for {target}"
            for requirement, files in zip(requirements, listings, strict=True)
            for target in missing(requirement, files)
        ]


def index_listing() -> Listing:
    """A listing that asks the index pip is configured for. Uses the network when called."""
    # Only pip knows its index, certificates and proxies, and it has no public interface to them.
    from pip._internal.commands.download import DownloadCommand

    command = DownloadCommand("download", "")
    options, _ = command.parse_args([])
    session = command._build_session(options)

    def listing(name: str) -> list[Published]:
        url = f"{options.index_url.rstrip('/')}/{canonicalize_name(name)}/"
        reply = session.get(url, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
        reply.raise_for_status()
        files = reply.json()["files"]
        return [
            Published(file["filename"], file.get("requires-python"), file.get("size", 0))
            for file in files
            if not file.get("yanked")
        ]

    return listing


def main() -> int:
    """Check requirements.lock; return the exit status."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    found = problems(lock, index_listing())
    for line in found:
        print(line)
    if not found:
        print(f"{len(pins(lock))} pins install on: " + "; ".join(map(str, TARGETS)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
