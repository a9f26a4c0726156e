"""A service in a process of its own whose encoder takes its time: ``python -m tests.slow_service HOME SECONDS [JSON]``.

SECONDS is what one call of the encoder takes, however many queries it is given; one that says "take 2 s" makes it
take so long. JSON holds settings. Prints its address once it accepts connections.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from agents.service import serve
from agents.settings import Settings
from tests.fakes import HashEncoder
from tests.service_bench import until


class SlowEncoder(HashEncoder):
    """Each call takes ``seconds``, in which other threads may run."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        asked = re.findall(r"take ([\d.]+) s", " ".join(texts))
        time.sleep(max([self.seconds, *map(float, asked)]))
        return super().encode_queries(texts)


class SlowService:
    """The process, started; ready when the constructor returns."""

    def __init__(self, home: Path, seconds: float, **service: Any) -> None:
        settings = {"service": {"port": 0, **service}, "llm": {"engine": "extractive"}}
        command = [sys.executable, "-m", "tests.slow_service", str(home), str(seconds)]
        root = Path(__file__).parents[1]
        self.process = subprocess.Popen(
            [*command, json.dumps(settings)],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        self.http = httpx.Client(base_url=self.url, timeout=20, trust_env=False)
        until(self.is_ready, 30)

    def is_ready(self) -> bool:
        return self.http.get("/readyz").status_code == 200

    def gauges(self, *names: str, labels: str = '{.*route="/v1/search".*}') -> list[float]:
        """Metrics by name: those without labels, or of searching."""
        text = self.http.get("/metrics").text
        found = [re.search(rf"^{name}(?:{labels})? (\S+)$", text, re.MULTILINE) for name in names]
        return [float(match[1]) for match in found if match]

    def __enter__(self) -> SlowService:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.http.close()
        self.process.terminate()
        self.process.communicate(timeout=20)


if __name__ == "__main__":
    serve(
        Settings.load(Path(sys.argv[1]), json.loads(sys.argv[3]), {}),
        lambda address: print(address, flush=True),
        lambda *_: (SlowEncoder(float(sys.argv[2])), "slow"),
    )
