"""The job process: ``python -m ingest`` reads settings and then requests from standard input, as JSON lines.

First line: ``{"corpus": …, "ingest": …, "embedding": …, "dense": …}``. Each further line is a request, ``{"job",
"collection", "paths" | "uploads", "strategy"}`` (with ``"changed"``: look only at these of the paths), ``{"job",
"rechunk": {"document", "strategy", "size"}}`` or ``{"job", "reindex": {"model", "precision", "back"}}``, answered by
progress lines ``{"done", "total", "file"}`` and one last line with ``"report"`` or ``"error"``. Ends when standard
input does, that is, when the service is gone.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from corpus.catalog import Catalog
from corpus.errors import AlcoveError
from corpus.home import Home
from corpus.settings import CorpusSettings
from ingest.moving import Move, move
from ingest.pipeline import Pipeline
from ingest.report import Progress, Reindexed, Report
from ingest.run import Listener
from ingest.settings import IngestSettings
from retrieval.settings import DenseSettings, EmbeddingSettings
from retrieval.spaces import Encoders, load_for


def main() -> None:
    """Serve requests until standard input ends."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # whatever a library prints must not end up between our lines
    settings = json.loads(sys.stdin.readline())
    workshop: _Workshop | None = None
    for line in sys.stdin:
        try:
            workshop = workshop or _Workshop(settings)
            request = json.loads(line)
            _say(out, {"report": workshop.serve(request, out)})
        except AlcoveError as exc:
            _say(out, {"error": str(exc)})


class _Workshop:
    """The encoder of the index, and a pipeline for each chunking strategy that was asked for."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._corpus = CorpusSettings.model_validate(settings["corpus"])
        self._ingest = IngestSettings.model_validate(settings["ingest"])
        self._dense = DenseSettings.model_validate(settings.get("dense", {}))
        embedding = EmbeddingSettings.model_validate(settings["embedding"])
        self._home = Home(self._corpus.home)
        self._catalog = Catalog(self._home)
        self._embedding = embedding
        self._encoders = Encoders(self._home, partial(load_for, embedding))
        self._pipelines: dict[str, Pipeline] = {}

    def serve(self, request: Mapping[str, Any], out: TextIO) -> dict[str, Any]:
        """Do what is asked, saying how far it is; returns the report as JSON."""
        if "reindex" in request:
            return self._move(Move(**request["reindex"]), out).to_json()
        if "rechunk" in request:
            how, pipeline = request["rechunk"], self._pipeline(None)
            listen = _listener(out)
            return pipeline.rechunk(how["document"], how["strategy"], how["size"], listen).to_json()
        return _ingest(self._pipeline(request.get("strategy")), request, out).to_json()

    def _move(self, to: Move, out: TextIO) -> Reindexed:
        def listen(done: int, total: int, source: str) -> None:
            _say(out, {"done": done, "total": total, "file": None})

        settings = (self._corpus, self._ingest, self._embedding, self._dense)
        return move(self._home, self._catalog, *settings, to, listen)

    def _pipeline(self, strategy: str | None) -> Pipeline:
        name = strategy or self._ingest.strategy
        if name not in self._pipelines:
            ingest = self._ingest.model_copy(update={"strategy": name})
            encoders = self._encoders
            self._pipelines[name] = Pipeline(
                self._home,
                self._catalog,
                encoders.current(),
                ingest,
                self._corpus,
                self._dense,
                encoders.of,
            )
        return self._pipelines[name]


def _listener(out: TextIO) -> Listener:
    def listen(progress: Progress) -> None:
        file = progress.file and {
            "source": progress.file.source,
            "state": str(progress.file.state),
            "reason": progress.file.reason,
        }
        _say(out, {"done": progress.done, "total": progress.total, "file": file})

    return listen


def _ingest(pipeline: Pipeline, request: Mapping[str, Any], out: TextIO) -> Report:
    listen = _listener(out)
    if request["uploads"] is not None:
        files = [(name, Path(path)) for name, path in request["uploads"]]
        return pipeline.add(files, request["collection"], listen, wait=True)
    paths = [Path(path) for path in request["paths"]]
    if "changed" in request:
        changed = [Path(path) for path in request["changed"]]
        return pipeline.follow(paths, changed, request["collection"], listen)
    return pipeline.sync(paths, request["collection"], listen, wait=True)


def _say(out: TextIO, message: Mapping[str, Any]) -> None:
    out.write(json.dumps(message) + "\n")


if __name__ == "__main__":
    main()
