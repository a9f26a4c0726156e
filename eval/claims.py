"""How well the check of sentences tells what a quote carries from what it does not.

Cases are made, not written: a reference answer with its gold quote is carried; the same answer with
another quote, with another number, with another name, or denied, is not. Halves are by the parity of
the question's place, so that what is tuned on one (``half=0``) can be reported on the other.

Knows nothing of engines. Used by ``tests/eval/test_claims.py``; figures are in ``docs/answers.md``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.answering.claims import SUPPORTED, judge
from agents.text.words import names
from ingest.chunking.sentences import sentence_spans

__all__ = ["Case", "Figures", "measure", "sample_cases", "squad_cases"]

_NUMBER = re.compile(r"\d+")
_AUXILIARY = re.compile(r"\b(is|are|was|were|can|does|do|did|has|have|will|should|must)\b(?! not)")


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence and the quote it cites; ``kind`` is ``carried`` or how it was made wrong."""

    kind: str
    sentence: str
    quote: str
    around: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the verdict ``supported``; ``found`` is, by kind, the share that was judged rightly."""

    cases: int
    precision: float
    recall: float
    auroc: float
    found: Mapping[str, float]


def sample_cases(questions: Path, half: int) -> list[Case]:
    """Cases from the sample's questions: their answers and gold quotes."""
    rows = [row for row in _lines(questions) if row.get("gold") and row.get("answer")]
    pairs = [(str(r["answer"]), "\n".join(g["quote"] for g in r["gold"])) for r in rows]
    pairs = [pair for at, pair in enumerate(pairs) if at % 2 == half]
    return [case for at in range(len(pairs)) for case in _variants(pairs, at)]


def squad_cases(folder: Path, half: int, most: int) -> list[Case]:
    """Cases from SQuAD: a question with its short answer as a sentence, beside its paragraph's
    sentence and beside one of another paragraph of the same article.
    """
    texts = {row["_id"]: row["text"] for row in _lines(folder / "corpus.jsonl")}
    gold = dict(line.split("\t")[:2] for line in _qrels(folder).splitlines() if "\t" in line)
    cases: list[Case] = []
    rows = [r for r in _lines(folder / "queries.jsonl") if r["_id"] in gold]
    for row in [r for at, r in enumerate(rows) if at % 2 == half][:most]:
        cases += _of_question(row, gold[row["_id"]], texts)
    return cases


def _qrels(folder: Path) -> str:
    return next((folder / "qrels").glob("*.tsv")).read_text(encoding="utf-8")


def _of_question(row: Mapping[str, Any], id: str, texts: Mapping[str, str]) -> Iterator[Case]:
    answer, own = str(row["metadata"]["answers"][0]), texts[id]
    sentence = f"{row['text'].rstrip('? ')}: {answer}."
    yield Case("carried", sentence, _quote(own, answer, sentence), own)
    article = id.partition("#")[0]
    others = [t for key, t in texts.items() if key.startswith(f"{article}#") and key != id]
    if others:
        other = max(others, key=lambda t: _shared(t, sentence))
        yield Case("other paragraph", sentence, _quote(other, "", sentence), other)
    if _NUMBER.search(answer):
        wrong = f"{row['text'].rstrip('? ')}: {_other_number(answer)}."
        yield Case("number", wrong, _quote(own, answer, sentence), own)


def _quote(text: str, answer: str, sentence: str) -> str:
    pieces = [text[s.start : s.end] for s in sentence_spans(text)]
    return max(pieces, key=lambda p: (bool(answer) and answer in p, _shared(p, sentence)))


def _shared(one: str, other: str) -> int:
    return len(set(one.lower().split()) & set(other.lower().split()))


def _variants(pairs: Sequence[tuple[str, str]], at: int) -> Iterator[Case]:
    answer, quote = pairs[at]
    yield Case("carried", answer, quote)
    yield Case("other quote", answer, pairs[(at + 1) % len(pairs)][1])
    if _NUMBER.search(answer):
        yield Case("number", _other_number(answer), quote)
    if swapped := _other_name(answer, quote, pairs[(at + 7) % len(pairs)][0]):
        yield Case("name", swapped, quote)
    if _AUXILIARY.search(answer):
        yield Case("negation", _AUXILIARY.sub(r"\1 not", answer, count=1), quote)


def _other_number(text: str) -> str:
    return _NUMBER.sub(lambda m: str(int(m[0]) + 3), text, count=1)


def _other_name(text: str, quote: str, source: str) -> str:
    there = re.findall(r"(?<=\s)[A-Z][A-Za-z0-9-]+", text)
    new = [n for n in re.findall(r"(?<=\s)[A-Z][A-Za-z0-9-]+", source) if n not in quote + text]
    return text.replace(there[0], new[0], 1) if there and new and names(text) else ""


def measure(cases: Sequence[Case]) -> Figures:
    """What ``agents.answering.claims.judge`` makes of the cases at its threshold."""
    judged = []
    for case in cases:
        support, clash = judge(case.sentence, case.quote, case.around)
        judged.append((case.kind, -1.0 + support if clash else support))
    right = [score for kind, score in judged if kind == "carried"]
    wrong = [score for kind, score in judged if kind != "carried"]
    true, false = (sum(s >= SUPPORTED for s in group) for group in (right, wrong))
    found: dict[str, list[bool]] = {}
    for kind, score in judged:
        found.setdefault(kind, []).append((score >= SUPPORTED) == (kind == "carried"))
    ahead = sum((r > w) + (r == w) / 2 for r in right for w in wrong)
    return Figures(
        len(cases),
        true / max(1, true + false),
        true / max(1, len(right)),
        ahead / max(1, len(right) * len(wrong)),
        {kind: sum(values) / len(values) for kind, values in found.items()},
    )


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
