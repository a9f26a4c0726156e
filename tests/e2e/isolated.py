"""Runs Alcove in a network of its own and counts every packet that tries to leave it.

Started as ``unshare --net python isolated.py FOLDER PORT``. The network has loopback and one interface that leads
nowhere, with the default route: whatever is meant for the outside, look-ups included, is sent there and counted by
the kernel. Prints one JSON object: what each step said, and the packets counted after it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]
SET_UP = """
sysctl -qw net.ipv6.conf.all.disable_ipv6=1
ip link set lo up
ip link add out0 type veth peer name out1
ip link set out0 arp off up
ip link set out1 up
ip address add 10.9.9.1/24 dev out0
ip route add default dev out0
"""


def packets() -> int:
    """Packets that left through the interface that leads nowhere."""
    shown = subprocess.run(
        ["ip", "-s", "-j", "link", "show", "out0"], check=True, capture_output=True, text=True
    )
    return int(json.loads(shown.stdout)[0]["stats64"]["tx"]["packets"])


def alcove(*arguments: str) -> str:
    """What a command prints."""
    command = [sys.executable, "-P", "-m", "ui.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def fetch(url: str, body: dict[str, object] | None = None) -> str:
    """The body of a reply from the stack."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as reply:
        return reply.read().decode()


def wait_until_ready(url: str) -> None:
    """Return once the service answers questions; until then it refuses them."""
    while True:
        try:
            fetch(f"{url}/readyz")
        except urllib.error.HTTPError as exc:
            if exc.code != 503:
                raise
            time.sleep(0.2)
        else:
            return


def stack(port: int, home: str) -> dict[str, object]:
    """The service and the page, started and asked once."""
    environment = {**os.environ, "ALCOVE_SERVICE__PORT": str(port + 1)}
    command = [sys.executable, "-P", "-m", "ui.cli", "up", "--no-sample", "--home", home]
    with subprocess.Popen(
        [*command, "--port", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as up:
        try:
            said = up.stdout.readline()
            page = fetch(f"http://127.0.0.1:{port}/")
            service = f"http://127.0.0.1:{port + 1}"
            wait_until_ready(service)
            found = json.loads(fetch(f"{service}/v1/search", {"query": "box"}))
        finally:
            up.send_signal(signal.SIGINT)
        return {"said": said, "page": len(page), "hits": len(found["hits"]), "status": up.wait(60)}


def main(folder: Path, port: int) -> dict[str, object]:
    """Every step with the packets counted so far; the last one leaves on purpose."""
    for line in SET_UP.strip().splitlines():
        subprocess.run(line.split(), check=True)
    home = str(folder / "home")
    told: dict[str, object] = {}
    told["ingest"] = json.loads(alcove("ingest", str(folder / "papers"), "--home", home, "--json"))
    told["packets_after_ingest"] = packets()
    told["ask"] = json.loads(alcove("ask", "How heavy is the red box?", "--home", home, "--json"))
    told["packets_after_ask"] = packets()
    told["up"] = stack(port, home)
    time.sleep(1)
    told["packets_after_up"] = packets()
    with contextlib.suppress(OSError), socket.socket() as probe:
        probe.settimeout(0.5)
        probe.connect(("192.0.2.1", 80))  # a documentation address: the counter must see this
    told["packets_after_control"] = packets()
    return told


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
