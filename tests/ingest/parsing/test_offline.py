"""Reading a document asks nothing of the network, not even in a thread whose failure nobody sees."""

import json
import subprocess
import sys
from pathlib import Path

import docx

from tests.ingest.parsing.papers import mail, picture_of

ROOT = Path(__file__).resolve().parents[3]

# An audit hook sees every attempt in the process, those of unstructured's reporting thread included.
WATCHED = """
import json, sys
tried = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request"):
        tried.append([event, repr(arguments[-1])])
sys.addaudithook(watch)
from pathlib import Path
from ingest.parsing import parse_file
lengths = [len(parse_file(Path(name)).text) for name in sys.argv[1:]]
import threading
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(5)
print(json.dumps({"tried": tried, "lengths": lengths}))
"""


def test_no_connection_is_tried_while_documents_of_all_kinds_are_read(tmp_path: Path) -> None:
    word = docx.Document()
    word.add_paragraph("Two fans cool the box. They are loud.")
    word.save(str(tmp_path / "a.docx"))
    (tmp_path / "b.html").write_text("<p>Look: <img src='http://192.0.2.1/x.png'> a fan.</p>")
    (tmp_path / "c.md").write_text("Two fans ![x](http://192.0.2.1/x.png) cool the box.")
    mail(tmp_path / "d.eml", "The fans have come. Who fetches them?")
    picture_of(["Keep this door shut"]).save(tmp_path / "e.png")
    (tmp_path / "f.rtf").write_text(r"{\rtf1 Two fans cool the box.}")
    files = sorted(str(path) for path in tmp_path.iterdir())
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["tried"] == []
    assert all(length > 10 for length in said["lengths"])
    assert len(said["lengths"]) == 6
