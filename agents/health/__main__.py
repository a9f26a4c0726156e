"""Makes the doctor's lasting checks: ``python -P -m agents.health``, started by ``agents.health.doctor``.

Reads one line of JSON, the sections of the settings that are looked at, and writes each finding, as it is made, as a
line of JSON. A process of its own, so that no check can hold up an answer, whatever it reads or hashes.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from agents.health.checks import LASTING, examine
from agents.settings import Settings

__all__ = ["main"]


def main() -> None:
    """Look, and say what was found."""
    settings = Settings.model_validate_json(sys.stdin.readline())
    for finding in examine(settings, LASTING):
        print(json.dumps(asdict(finding)), flush=True)


if __name__ == "__main__":
    main()
