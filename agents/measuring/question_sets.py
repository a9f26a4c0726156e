"""The question sets that can be measured with: the sample's, the one made of feedback, and people's own.

One's own set is a file ``HOME/eval/questions/NAME.jsonl`` in the format of ``corpus.questions``, uploaded or put
together question by question; a broken one is refused before anything is kept. Feedback is that of the owner of the
machine alone, made into questions when it is asked for and kept nowhere else. Knows nothing of runs or HTTP.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import corpus
from agents.measuring.feedback import FEEDBACK, FeedbackQuestions
from agents.records.record_json import Json
from corpus.errors import AlcoveError, Conflict, NotFound, UserError
from corpus.home import Home, disk_errors, write_durably
from corpus.questions import UNANSWERABLE, QuestionSet, load_questions, write_questions
from corpus.records import content_id

__all__ = ["MOST_BYTES", "SAMPLE", "QuestionSets"]

SAMPLE = "sample"
MOST_BYTES = 16 * 2**20  # of an uploaded set

_SAVED = "saved"  # the kind of a question that was added by itself
_ENDING = ".jsonl"
_NAME = re.compile(r"\w[\w .-]{0,79}")

Feedback = Callable[[Iterable[str] | None], FeedbackQuestions]
"""The questions made of feedback; gold only in documents with these sources, or (``None``) in any."""


class QuestionSets:
    """The question sets of one home.

    Args:
        home: where uploaded sets are.
        feedback: gives the set made of feedback.
    """

    def __init__(self, home: Home, feedback: Feedback) -> None:
        self._folder = home.root / "eval" / "questions"
        self._feedback = feedback
        self._writing = threading.Lock()
        self._sample = Path(corpus.__file__).parent / "sample" / "questions.jsonl"

    def listed(self, sources: Iterable[str] | None = None) -> list[Json]:
        """Every set: name, origin, number of questions and how many have an answer.

        ``error`` says why a file cannot be used; ``left_out`` of the feedback's set counts the verdicts
        that are no question, by reason. ``sources``: of the documents there are, for the feedback.
        """
        made = self._feedback(sources)
        feedback = {"left_out": dict(made.left_out), **_counts(made.questions)}
        return [
            {"name": SAMPLE, "origin": "sample", **_counted(self._sample)},
            {"name": FEEDBACK, "origin": "feedback", **feedback},
            *({"name": p.stem, "origin": "uploaded", **_counted(p)} for p in self._uploaded()),
        ]

    def write(self, name: str, folder: Path, sources: Iterable[str] | None = None) -> Path:
        """Write a set into a folder, as ``NAME.jsonl``.

        Raises:
            NotFound: there is no such set.
            UserError: there is no question in it, or (it was changed by hand) it is broken.
        """
        path = folder / f"{name}{_ENDING}"
        if name == FEEDBACK:
            made = self._feedback(sources)
            if not made.questions.questions:
                raise UserError(
                    "there are no questions from feedback yet; say in the chat of some answers whether"
                    " they are right, or where the right one stands"
                )
            write_questions(path, made.questions)
            return path
        file = self._sample if name == SAMPLE else self._file(name)
        load_questions(file)
        with disk_errors(path):
            shutil.copyfile(file, path)
        return path

    def content(self, name: str, sources: Iterable[str] | None = None) -> bytes:
        """A set as the bytes of its file; raises as ``write``."""
        with tempfile.TemporaryDirectory() as folder:
            return self.write(name, Path(folder), sources).read_bytes()

    def add(self, file_name: str, data: bytes) -> Json:
        """Keep an uploaded set under its file's name; one of the same name is replaced.

        Raises:
            UserError: the name or a line is wrong (named with its line), or it is too long.
            Conflict: the name is that of a set that is always there.
        """
        with self._writing:
            return self._keep(_name_of(file_name), file_name, data)

    def add_question(self, name: str, text: str, sources: Sequence[Mapping[str, Any]]) -> Json:
        """Add a question to one's own set, which is made if there is none; one with the same words is replaced.

        Args:
            sources: where its answer stands, as ``right_sources`` gives them; none: the documents do not say.

        Raises:
            UserError: the name or the text is none, or the set is broken or full.
            Conflict: the name is that of a set that is always there.
        """
        words = " ".join(text.split())
        id = content_id(_SAVED, words.casefold())
        keys = {"document": "source", "quote": "quote", "start": "start", "end": "end"}
        question = {
            "id": id,
            "question": words,
            "kind": _SAVED if sources else UNANSWERABLE,
            "answer": "",
            "gold": [{key: source[held] for key, held in keys.items()} for source in sources],
        }
        name = _name_of(f"{name}{_ENDING}")
        with self._writing:
            lines = self._lines(name)
            kept = [line for line in lines if json.loads(line)["id"] != id]
            kept.append(json.dumps(question, ensure_ascii=False).encode())
            made = self._keep(name, name, b"".join(line + b"\n" for line in kept))
        return {"id": id, "replaced": len(kept) == len(lines), **made}

    def _lines(self, name: str) -> list[bytes]:
        """The lines of one's own set; none if there is none yet."""
        path = self._folder / f"{name}{_ENDING}"
        if not path.is_file():
            return []
        _checked(path)  # a broken one is named, not mended
        return [line for line in path.read_bytes().split(b"\n") if line.strip()]

    def _keep(self, name: str, called: str, data: bytes) -> Json:
        """Keep the bytes of one's own set, once it is known that they are one; the caller holds the lock."""
        if len(data) > MOST_BYTES:
            raise UserError(
                f"{called!r} has more than {MOST_BYTES // 2**20} MiB; split it into several sets"
            )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}{_ENDING}"
            path.write_bytes(data)
            counts = _counts(_checked(path))
        with disk_errors(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        write_durably(self._folder / f"{name}{_ENDING}", data)
        return {"name": name, "origin": "uploaded", **counts}

    def remove(self, name: str) -> None:
        """Delete an uploaded set; what was measured with it stays.

        Raises:
            NotFound: there is no such set. Conflict: it is one that is always there.
        """
        if name in (SAMPLE, FEEDBACK):
            raise Conflict(f"question set {name!r} is always there; only uploaded ones are deleted")
        self._file(name).unlink(missing_ok=True)

    def _uploaded(self) -> list[Path]:
        return sorted(p for p in self._folder.glob(f"*{_ENDING}") if _NAME.fullmatch(p.stem))

    def _file(self, name: str) -> Path:
        """An uploaded set's file: one of those that are there, whatever ``name`` looks like."""
        for path in self._uploaded():
            if path.stem == name:
                return path
        raise NotFound(f"there is no question set {name!r}; list them to see which exist")


def _name_of(file_name: str) -> str:
    name = Path(file_name.replace("\\", "/")).name
    stem = name.removesuffix(_ENDING)
    if stem == name or not _NAME.fullmatch(stem):
        raise UserError(
            f"{file_name[:100]!r} cannot name a question set; use letters, digits, '.', '-' and '_',"
            f" and end it in {_ENDING!r}"
        )
    if stem in (SAMPLE, FEEDBACK):
        raise Conflict(f"there is a question set {stem!r} already; give the file another name")
    return stem


def _checked(path: Path) -> QuestionSet:
    """A set as it was read; what is wrong with it names the file without its folder."""
    try:
        return load_questions(path)
    except UserError as exc:
        raise type(exc)(str(exc).replace(str(path), path.name)) from exc


def _counts(found: QuestionSet) -> dict[str, Any]:
    answerable = sum(question.answerable for question in found.questions)
    return {"questions": len(found.questions), "answerable": answerable, "error": None}


def _counted(path: Path) -> dict[str, Any]:
    try:
        seen = path.stat()
        return _read_counts(path, seen.st_mtime_ns, seen.st_size)
    except AlcoveError as exc:  # changed by hand: the others can still be used
        error = str(exc).replace(str(path), path.name)
        return {"questions": 0, "answerable": 0, "error": error}


@lru_cache(maxsize=256)
def _read_counts(path: Path, changed: int, size: int) -> dict[str, Any]:
    return _counts(load_questions(path))
