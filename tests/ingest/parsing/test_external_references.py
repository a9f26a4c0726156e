"""A document that refers to something elsewhere is read without a look at it, and what follows is not lost.

The files are read outside of the processes that would refuse a connection anyway: what is counted is whether one is
tried, by Python (an audit hook sees it) or by a library or program (it would reach the listener).
"""

import json
import socket
import subprocess
import sys
from pathlib import Path

from tests.ingest.parsing.references import AFTER, REFERENCES

ROOT = Path(__file__).resolve().parents[3]

READ = """
import json, sys
from pathlib import Path
tried = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request"):
        tried.append([event, repr(arguments[-1])])
sys.addaudithook(watch)
from corpus.errors import FileProblem
from ingest.parsing import parse_file
def read(name):
    try:
        parsed = parse_file(Path(name))
    except FileProblem as problem:
        return problem.reason
    return sys.argv[1] in " ".join(parsed.text.split()) or list(parsed.missing)
print(json.dumps({"kept": {Path(name).name: read(name) for name in sys.argv[2:]}, "tried": tried}))
"""


def test_no_reference_is_followed_and_the_text_behind_it_is_kept(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        for name, make in REFERENCES.items():
            make(tmp_path / name, url)
        files = sorted(str(path) for path in tmp_path.iterdir())
        command = [sys.executable, "-c", READ, AFTER, *files]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        server.settimeout(0)
        try:
            server.accept()
        except BlockingIOError:
            reached = False
        else:
            reached = True
    said = json.loads(done.stdout.splitlines()[-1])
    assert not reached
    assert said["tried"] == []
    assert {name: kept for name, kept in said["kept"].items() if kept is not True} == {}
    assert len(said["kept"]) == len(REFERENCES) >= 20
