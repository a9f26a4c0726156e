"""Look every pin of requirements.lock up among the known vulnerabilities.

Runs `pip-audit` on the pins, which asks the package index that it is configured for. What is known
and accepted stands in `WAIVERS` with a reason and a last day; after that day it counts again. A pin
that could not be looked up is a problem too: nothing is known of it, which is not the same as
nothing being wrong. Prints one line for each problem and exits with status 1; with 0 when there is
none.

Needs `pip-audit`, which is not among the project's own dependencies: `pip install pip-audit`, then
`.venv/bin/python -m scripts.audit_lock`. An index that publishes no vulnerabilities cannot be used.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from scripts.check_lock import pinned_version, pins

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Waiver:
    """A vulnerability that is accepted until a day, that day included."""

    reason: str
    until: date


WAIVERS: Mapping[str, Waiver] = {}
"""By the vulnerability's id, e.g. `GHSA-…` or `PYSEC-…`."""


def audit(lock: str) -> list[Mapping[str, Any]]:
    """What pip-audit says of each pin of the lock's text.

    Raises `FileNotFoundError` when it is not installed, `CalledProcessError` when it fails.
    """
    tool = shutil.which("pip-audit")
    if tool is None:
        raise FileNotFoundError("pip-audit is not installed; `pip install pip-audit`")
    return [found for lines in rounds(lock) for found in _audited(tool, lines)]


def rounds(lock: str) -> list[list[str]]:
    """The pins as lists that name no package twice, which pip-audit refuses: markers may pin two versions."""
    taken: list[dict[str, str]] = []
    for pin in pins(lock):
        line = f"{pin.name}=={pinned_version(pin)}"
        if not any(names.get(pin.name) == line for names in taken):
            free = next((names for names in taken if pin.name not in names), None)
            if free is None:
                taken.append(free := {})
            free[pin.name] = line
    return [sorted(names.values()) for names in taken]


def _audited(tool: str, lines: list[str]) -> list[Mapping[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pins.txt"
        file.write_text("\n".join(lines), encoding="utf-8")
        command = [tool, "--no-deps", "--disable-pip", "--format", "json", "-r", str(file)]
        ran = subprocess.run(command, check=False, capture_output=True, text=True)
    if not ran.stdout.strip():
        sys.stderr.write(ran.stderr)
        raise subprocess.CalledProcessError(ran.returncode, command)
    found: list[Mapping[str, Any]] = json.loads(ran.stdout)["dependencies"]
    return found


def problems(
    report: Iterable[Mapping[str, Any]], today: date, waivers: Mapping[str, Waiver] = WAIVERS
) -> Iterator[str]:
    """One line for each pin that could not be looked up or has a vulnerability without a waiver."""
    for package in report:
        name = package["name"]
        if "skip_reason" in package:
            yield f"{name} was not looked up: {package['skip_reason']}"
            continue
        for found in package["vulns"]:
            waiver = waivers.get(found["id"])
            if waiver is None or waiver.until < today:
                fixed = ", ".join(found["fix_versions"]) or "no version"
                yield f"{name}=={package['version']} has {found['id']}, fixed in {fixed}"


def main() -> int:
    """Audit requirements.lock; return the exit status."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    found = list(problems(audit(lock), datetime.now(UTC).date()))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
