"""Ingestion, compaction, repair, reindexing and changes of one document in processes that are killed midway.

Run as a program it imports everything once and then, for each request it reads as a line of JSON, forks a child that
does the work, so that a kill costs milliseconds. Only processes started here are killed.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.catalog import Catalog
from corpus.crash import CrashPoint, arm
from corpus.home import Home
from corpus.settings import CorpusSettings
from ingest.compact import compact
from ingest.pipeline import Pipeline
from ingest.reindex import Reindexer
from ingest.repair import repair
from ingest.report import Progress
from ingest.settings import IngestSettings
from ingest.writer import Writer
from tests.fakes import HashEncoder
from tests.killed import Forker, killed_after, was_killed

NEXT = (64, "next")  # dimension and name of the encoder that the task "reindex" moves to


@dataclass(frozen=True)
class Ending:
    """How a piece of work ended: whether it was killed, the sources it acknowledged, the texts it embedded."""

    killed: bool
    acknowledged: list[str]
    embedded: int | None


class Workshop(Forker):
    """Does work on homes in children; ``with Workshop() as shop: shop.work("ingest", home, folder)``."""

    module = "tests.ingest.killed"

    def work(
        self,
        task: str,
        home: Path,
        folder: Path,
        *,
        point: CrashPoint | None = None,
        visit: int = 1,
        seconds: float | None = None,
        batch: int = 64,
    ) -> Ending:
        """Do ``task``; die when ``point`` is passed for the ``visit``-th time, or after ``seconds``."""
        request = {"task": task, "home": str(home), "folder": str(folder), "batch": batch}
        request |= {"point": point, "visit": visit, "seconds": seconds}
        return Ending(**self.request(request))


def _serve() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _child(request, writing)
        os.close(writing)
        print(json.dumps(_ending(child, reading, request["seconds"])), flush=True)


def _child(request: dict[str, Any], told: int) -> None:
    """Never returns."""
    os.setpgid(0, 0)
    status = 1
    try:
        if request["point"]:
            arm(CrashPoint(request["point"]), request["visit"])
        embedded = _do(request, told)
        os.write(told, json.dumps({"embedded": embedded}).encode() + b"\n")
        status = 0
    finally:
        os._exit(status)


def _do(request: dict[str, Any], told: int) -> int:
    home = Home(Path(request["home"]))
    encoder, following = HashEncoder(), HashEncoder(*NEXT)
    encoder_of = {e.fingerprint: e for e in (encoder, following)}.__getitem__
    corpus = CorpusSettings(home=home.root)
    with closing(Catalog(home)) as catalog:
        if request["task"] == "ingest":
            settings = IngestSettings(workers=1, commit_documents=request["batch"])

            def listen(progress: Progress) -> None:
                if progress.file:
                    os.write(told, json.dumps({"done": progress.file.source}).encode() + b"\n")

            with closing(
                Pipeline(home, catalog, encoder, settings, corpus, encoder_of=encoder_of)
            ) as pipeline:
                pipeline.sync([Path(request["folder"])], listen=listen)
        elif request["task"] in ("remove", "restore", "rechunk"):
            _change(request, Pipeline(home, catalog, encoder, IngestSettings(workers=1), corpus))
        elif request["task"] in ("reindex", "back"):
            target = following if request["task"] == "reindex" else encoder
            settings = IngestSettings(workers=1)
            with closing(Reindexer(home, catalog, target, settings, corpus)) as reindexer:
                reindexer.run() if target is following else reindexer.back()
        else:
            task = {"compact": compact, "repair": repair}[request["task"]]
            with closing(Writer(home, catalog, encoder, corpus)) as writer:
                task(home, catalog, writer)
    return encoder.encoded + following.encoded


def _change(request: dict[str, Any], pipeline: Pipeline) -> None:
    """What a person does to the document whose id is given in place of a folder."""
    id = Path(request["folder"]).name
    with closing(pipeline):
        if request["task"] == "remove":
            pipeline.remove([id], undo_s=3600)
        elif request["task"] == "restore":
            pipeline.restore(id)
        else:
            pipeline.rechunk(id, "fixed", 40)


def _ending(child: int, reading: int, seconds: float | None) -> dict[str, Any]:
    with killed_after(child, seconds), open(reading, "rb") as pipe:
        told = [json.loads(line) for line in pipe if line.endswith(b"\n")]
    return {
        "killed": was_killed(child, "work"),
        "acknowledged": [line["done"] for line in told if "done" in line],
        "embedded": next((line["embedded"] for line in told if "embedded" in line), None),
    }


if __name__ == "__main__":
    _serve()
