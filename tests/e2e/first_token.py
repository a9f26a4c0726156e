"""How long Alcove itself takes before the first word of an answer; measured by hand, on a quiet machine.

``python -m tests.e2e.first_token`` asks a service of its own about the sample documents, whose language model is a
scripted server in this process, and prints what passes between the question and its first word, by whose doing:

- *before*: from sending the question until the server has the prompt, without the next two;
- *search*: finding the passages, as the service tells it;
- *weigh*: working out whether they answer the question, for which their sentences are encoded when first seen;
- *after*: from the first piece that the server sends until whoever asked has it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from tests.browser.measuring import Timings, table
from tests.e2e.test_service import ROOT, Process
from tests.fakes import FakeLLMServer, Reply, Request
from tests.service_bench import sse

TIMES, WARM = 200, 20
_THINKS_S = 0.1  # the server, before it writes: passages and words then reach the reader apart


class _Timed(FakeLLMServer):
    """Notes when it had the prompt and when it sent the first piece, in seconds of ``time.monotonic``."""

    def took(self, request: Request) -> None:
        self.had = time.monotonic()
        super().took(request)

    def reply_to(self, asked: Mapping[str, Any]) -> Reply:
        time.sleep(_THINKS_S)
        self.sent = time.monotonic()
        return Reply(pieces=("It says so [1].",))


def measured(service: Process, llm: _Timed, questions: list[str]) -> Timings:
    """Milliseconds by part, one value a question."""
    timings: Timings = defaultdict(list)
    for question in questions:
        thread = service.post("/v1/threads", {}, 201)["id"]
        asked = time.monotonic()
        run = service.post("/v1/runs", {"thread": thread, "question": question}, 202)["run"]
        marks, read = {}, None
        with service.http.stream("GET", f"/v1/runs/{run}/events") as stream:
            for event in sse(stream):
                if event["kind"] == "answered":
                    marks = event["answer"]["timings_ms"]
                if event["kind"] == "token" and read is None:
                    read = time.monotonic()
        if read is None:
            continue  # refused: the documents do not answer it, so no model was asked
        timings["search"].append(marks["search"])
        timings["weigh"].append(marks["weigh"] - marks["search"])
        before, after = 1000 * (llm.had - asked) - marks["weigh"], 1000 * (read - llm.sent)
        timings["before"].append(before)
        timings["after"].append(after)
        timings["before + after"].append(before + after)
    return timings


def _main() -> None:
    sample = ROOT / "corpus" / "sample"
    lines = (sample / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    questions = [row["question"] for row in rows if not row.get("unanswerable")]
    with tempfile.TemporaryDirectory() as folder, _Timed() as llm:
        ingest = [sys.executable, "-m", "ui.cli", "ingest", str(sample / "documents" / "guides")]
        subprocess.run([*ingest, "--home", f"{folder}/home"], cwd=ROOT, check=True)
        model = {"ALCOVE_LLM__URL": llm.url, "ALCOVE_LLM__MODEL": llm.model}
        service = Process(Path(folder), **model)
        try:
            service.start()
            asked = list(islice(cycle(questions), TIMES + WARM))
            timings = measured(service, llm, asked)
            print(table({name: values[WARM:] for name, values in timings.items()}))
        finally:
            service.close()


if __name__ == "__main__":
    _main()
