"""A small data set in the layout of Chroma's evaluation, a grid over it, and benchmark homes with a fake encoder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.build import build
from agents.settings import Settings
from corpus.home import Home
from eval.bench import Bench
from eval.grid.compute import Benches
from retrieval.fingerprint import Fingerprint
from tests.fakes import HashEncoder

SUBJECTS = ("rain", "snow", "fog", "hail", "dew", "frost", "wind", "cloud")
GRID = """
name = "weather"
dataset = "weather"
[grid]
chunker = ["recursive", "sentence_window"]
size = [32]
fusion = ["dense", "lexical", "hybrid"]
k = [2]
"""


def sentence(subject: str) -> str:
    return f"The keeper of the {subject} writes down how much {subject} there was that day."


def write_weather(folder: Path) -> Path:
    """``corpora/sky.md``, ``corpora/ground.md`` and a question about each subject."""
    (folder / "corpora").mkdir(parents=True)
    questions = []
    for name, subjects in {"sky": SUBJECTS[:4], "ground": SUBJECTS[4:]}.items():
        parts = []
        for subject in subjects:
            parts.append(
                f"{sentence(subject)} Nobody else may read the book. It is kept in a drawer."
            )
        text = "\n\n".join(parts) + "\n"
        (folder / "corpora" / f"{name}.md").write_text(text, encoding="utf-8")
        for subject in subjects:
            start = text.index(sentence(subject))
            gold = {"content": sentence(subject), "start_index": start}
            gold["end_index"] = start + len(sentence(subject))
            questions.append(
                {"id": subject, "corpus": name, "references": [gold]}
                | {"question": f"Who writes down how much {subject} there was?"}
            )
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    (folder / "questions.jsonl").write_text(lines, encoding="utf-8")
    return folder


def write_grid(folder: Path, text: str = GRID) -> Path:
    """A grid file beside the data set ``weather``."""
    if not (folder / "weather").exists():
        write_weather(folder / "weather")
    path = folder / "grid.toml"
    path.write_text(text, encoding="utf-8")
    return path


def benches_in(root: Path, opened: Callable[[HashEncoder], object] = lambda _: None) -> Benches:
    """Benchmark homes below ``root`` whose encoder has no weights; ``opened`` is given it."""

    @contextmanager
    def open_one(name: str, encoder: str) -> Iterator[Bench]:
        fake = HashEncoder(name=encoder)
        opened(fake)

        def load(home: Home, space: Fingerprint | None) -> tuple[HashEncoder, str]:
            return fake, ""

        settings = Settings.load(root / name, environment={})
        app = build(settings, load)
        try:
            yield Bench(app)
        finally:
            app.close()

    return open_one
