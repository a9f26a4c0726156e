"""With no network, and under the kernel's own count, nothing beyond loopback is even tried."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import free_port

PROBE = Path(__file__).with_name("isolated.py")


def can_isolate() -> bool:
    """Whether this user may make a network namespace with an interface in it."""
    if not all(shutil.which(name) for name in ("unshare", "ip", "sysctl")):
        return False
    link = "ip link add out0 type veth peer name out1"
    command = ["unshare", "--net", *link.split()]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.timeout(600)
def test_ingest_ask_and_the_page_send_nothing_beyond_loopback(tmp_path: Path) -> None:
    if not can_isolate():
        assert "CI" not in os.environ, "CI must be able to make a network namespace"
        pytest.skip("a network namespace needs root, unshare and iproute2")
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "box.txt").write_text("The red box weighs seven kilograms. It stands in the hall.")
    (papers / "car.html").write_text("<h1>Car</h1><p>The blue car is parked in the street.</p>")
    sample = Path(__file__).parents[2] / "corpus" / "sample" / "documents" / "images"
    shutil.copy(sample / "machine-room-sign.png", papers)
    ran = subprocess.run(
        ["unshare", "--net", sys.executable, str(PROBE), str(tmp_path), str(free_port())],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    told = json.loads(ran.stdout)
    assert told["ingest"]["files"] == {"indexed": 3}
    assert told["ask"]["citations"], told["ask"]
    assert told["up"]["hits"] > 0
    assert told["up"]["page"] > 500
    assert told["up"]["status"] == 0
    counted = [told[f"packets_after_{step}"] for step in ("ingest", "ask", "up")]
    assert counted == [0, 0, 0]
    assert told["packets_after_control"] > 0, "the counter sees nothing, so it proves nothing"
