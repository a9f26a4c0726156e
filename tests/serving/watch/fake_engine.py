"""An engine that answers with one word, until it does what its arguments say: a program of its own.

``python fake_engine.py PORT [--die-after S] [--mute-after S] [--eat MIB_PER_S] [--mute] [--child PIDFILE] [--count]``
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--die-after", type=float)
    parser.add_argument("--mute-after", type=float)
    parser.add_argument("--eat", type=float, help="MiB a second")
    parser.add_argument("--child", help="where to write the id of a child that outlives signals")
    parser.add_argument("--count", action="store_true", help="count tokens for others")
    given = parser.parse_args()
    if given.child:
        code = "import signal,time\nfor s in (15, 2, 1): signal.signal(s, signal.SIG_IGN)\ntime.sleep(600)"
        child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
        Path(given.child).write_text(str(child.pid))
    if given.die_after is not None:
        threading.Timer(given.die_after, os._exit, (3,)).start()
    if given.eat:
        threading.Thread(target=eat, args=(given.eat,), daemon=True).start()
    began = time.monotonic()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            tokens = int((time.monotonic() - began) * 100) if given.count else 0
            self._say(f'vllm:generation_tokens_total{{engine="0"}} {tokens}\n'.encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if given.mute_after is not None and time.monotonic() - began > given.mute_after:
                time.sleep(600)
            message = {"role": "assistant", "content": "Hi"}
            self._say(json.dumps({"choices": [{"message": message}]}).encode())

        def _say(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", given.port), Handler).serve_forever()


def eat(mib_per_s: float) -> None:
    held = []
    while True:
        held.append(bytearray(os.urandom(1 << 16)) * 16)  # 1 MiB that is really there
        time.sleep(1 / mib_per_s)


if __name__ == "__main__":
    main()
