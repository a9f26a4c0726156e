"""An answer's words against reference answers, as SQuAD's evaluation compares them.

Texts are compared after its normalisation: lower case, no punctuation, no articles (Rajpurkar et al.
2016, "SQuAD: 100,000+ Questions for Machine Comprehension of Text", and the script published with it).
The marks ``[n]`` of citations are no words of an answer. With several references, the best counts.
Knows texts only.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

__all__ = ["citation_numbers", "exact_match", "says", "token_f1", "token_recall", "words"]

_MARK = re.compile(
    r"`[^`]*`|\[(\d+(?:, ?\d+)*)\]"
)  # or code, in which brackets mean something else
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def words(text: str) -> list[str]:
    """Lower case, without punctuation and articles."""
    return re.sub(r"\b(a|an|the)\b", " ", text.lower().translate(_PUNCTUATION)).split()


def exact_match(references: Sequence[str], answer: str) -> float:
    """1 if the answer has the words of a reference in their order, and no others; else 0."""
    said = _said(answer)
    return float(any(words(reference) == said for reference in references))


def token_f1(references: Sequence[str], answer: str) -> float:
    """Harmonic mean (0..1) of the shares of words that an answer and its nearest reference have in common."""
    said = Counter(_said(answer))
    return max((_f1(Counter(words(reference)), said) for reference in references), default=0.0)


def token_recall(references: Sequence[str], answer: str) -> float:
    """Share (0..1) of a reference's words that the answer holds, each as often as the reference does.

    A reference without words is held by every answer.
    """
    said = Counter(_said(answer))
    shares = []
    for reference in references:
        wanted = Counter(words(reference))
        shares.append((wanted & said).total() / wanted.total() if wanted else 1.0)
    return max(shares, default=1.0)


def says(references: Sequence[str], answer: str) -> bool:
    """Whether the answer has all words of a reference, one after another."""
    said = _said(answer)
    return any(_stands(words(reference), said) for reference in references)


def citation_numbers(text: str) -> set[int]:
    """The numbers of the marks ``[n]`` in an answer, those in code left out."""
    marks = _MARK.findall(text)
    return {int(number) for mark in marks if mark for number in mark.split(",")}


def _said(answer: str) -> list[str]:
    return words(_MARK.sub(lambda found: " " if found[1] else found[0], answer))


def _f1(wanted: Counter[str], said: Counter[str]) -> float:
    if not wanted or not said:
        return float(wanted == said)
    return 2 * (wanted & said).total() / (wanted.total() + said.total())


def _stands(wanted: list[str], said: list[str]) -> bool:
    size = len(wanted)
    return bool(size) and any(said[i : i + size] == wanted for i in range(len(said) - size + 1))
