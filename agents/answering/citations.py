"""Checks the citations of an answer against the stored texts; a citation that comes out is true.

Every ``[n]`` is looked up among the passages, and for the sentence that carries it the piece of the
passage that supports it best is taken, word for word, from the stored text. Numbers that name no
passage, or one whose stored text is no longer the same, are taken out of the answer. A number in
the text is the passage's number, and every citation is of a number that stands in the text.

Knows nothing of engines; works on any text with ``[n]`` in it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from agents.text.sentences import Unit, units
from agents.text.words import content_words, coverage, rarity
from corpus.errors import NotFound
from corpus.records import Citation, Passage, Span
from ingest.chunking.sentences import sentence_spans

__all__ = ["Read", "Similar", "Split", "check"]

Read = Callable[[str], str]  # document id -> canonical text; raises NotFound
Split = Callable[[Passage], Sequence[Unit]]
Similar = Callable[[str, Sequence[str]], Sequence[float]]  # cosines of a claim with texts

log = logging.getLogger(__name__)

_NUMBER = r"(?:(?:passage|source|doc|document|ref|citation)s?\s*)?[\^#]?\d{1,3}"
# [1], [1, 2], [1-3], [^1], [passage 1], [1, p. 4], 【1】, ［1］, 【1†source】; but not the text of a
# link, [1](…).
_MARK = re.compile(
    rf"[ \t]*[\[【［]\s*({_NUMBER}(?:\s*(?:,|;|-|–|and|&)\s*{_NUMBER})*)"
    r"\s*(?:†[^\]】］\n]{0,60}|[,:]\s*pp?(?:\.|ages?)?\s*\d[\d–-]*\s*)?[\]】］](?!\()",
    re.IGNORECASE,
)
# A list of sources that a model puts behind its answer, which the citations say better: lines that
# begin with a number in brackets, below a line "Sources:", or as footnotes, "[^1]: …", anywhere.
_LISTED = r"[ \t]*(?:[-*•][ \t]+)?[\[【［]\^?\d{1,3}[\]】］]"
_SOURCES = re.compile(
    r"(?:\A|\n)[ \t]*(?:#+[ \t]*|\*\*)?(?:sources?|references?|citations?|footnotes?)(?:\*\*)?:?(?:\*\*)?[ \t]*"
    rf"(?:\n+{_LISTED}[^\n]*|{_LISTED}[^\n]*)+\s*\Z",
    re.IGNORECASE,
)
_FOOTNOTE = re.compile(rf"(?:^|(?<=\n)){_LISTED}:[ \t][^\n]*(?:\n|\Z)")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_LONGEST_RANGE = 20
_LONGEST_QUOTE = 700  # characters; two quotes of one passage become one if it stays below,
_NEAR = 150  # and there are no more characters between them
_WORTH_JOINING = 0.15  # gain in support for which two neighbouring pieces are quoted together


@dataclass(frozen=True, slots=True)
class _Claim:
    """A sentence of the answer and a passage number that it carries."""

    sentence: str
    number: int


def check(
    text: str,
    passages: Sequence[Passage],
    read: Read,
    split: Split = units,
    similar: Similar | None = None,
) -> tuple[str, tuple[Citation, ...]]:
    """The answer without citations that point nowhere, and its citations in order of first use.

    Args:
        text: the answer, with numbers of ``passages`` in square brackets.
        passages: what the answer was made from.
        read: gives the canonical text of a document.
        split: cuts a passage into pieces to quote.
        similar: cosines between a sentence and pieces; without it only their words are compared.

    Returns:
        the cleaned text, and citations of which each ``quote`` is the stored text at its ``span``.
        Two citations have the same ``n`` where pieces far apart in one passage are meant.
    """
    stored = {p.number: p for p in passages if _is_stored(p, read)}
    clean, claims = _parse(_without_list(text), stored.keys())
    found: dict[int, list[Citation]] = {}
    for claim in claims:
        citation = _support(claim, stored[claim.number], split, similar)
        _add(found.setdefault(claim.number, []), citation, read)
    return clean, tuple(citation for group in found.values() for citation in group)


def _is_stored(passage: Passage, read: Read) -> bool:
    try:
        stored = read(passage.document.id)
    except NotFound:
        log.warning("document %r is gone; its passage is not cited", passage.document.source)
        return False
    return stored[passage.span.start : passage.span.end] == passage.text


def _parse(text: str, known: Collection[int]) -> tuple[str, list[_Claim]]:
    """The text with only known numbers, each written ``[n]``, and which sentence carries which."""
    bare, clean, last = "", "", 0
    marks: list[tuple[int, int]] = []
    for mark in _marks(text):
        between = text[last : mark.start()]
        bare, clean = bare + between, clean + between
        numbers = [n for n in _numbers(mark.group(1)) if n in known]
        if not between and marks:  # [1][1] is [1]
            at = len(bare.rstrip()) - 1
            numbers = [n for n in numbers if (at, n) not in marks]
        marks += [(len(bare.rstrip()) - 1, n) for n in numbers]
        if numbers:
            apart = " " if clean.strip() and not (not between and clean.endswith("]")) else ""
            clean = clean.rstrip(" \t") + apart
            clean += "".join(f"[{n}]" for n in numbers)
        last = mark.end()
    bare, clean = bare + text[last:], clean + text[last:]
    return _tidy(clean), [_Claim(_sentence_at(bare, at), n) for at, n in marks]


def _without_list(text: str) -> str:
    """``text`` without footnotes and without a list of sources at its end."""
    code = [Span(m.start(), m.end()) for m in _CODE.finditer(text)]

    def kept(found: re.Match[str]) -> str:
        inside = any(span.overlaps(Span(found.start(), found.end())) for span in code)
        return found[0] if inside else ""

    return _FOOTNOTE.sub(kept, _SOURCES.sub(kept, text))


def _marks(text: str) -> Iterator[re.Match[str]]:
    code = [Span(m.start(), m.end()) for m in _CODE.finditer(text)]
    for mark in _MARK.finditer(text):
        if not any(span.overlaps(Span(mark.start(1), mark.end(1))) for span in code):
            yield mark


def _numbers(inside: str) -> list[int]:
    """The numbers of one mark, once each: ``1, 3-5`` is 1, 3, 4, 5."""
    found: list[int] = []
    for first, last in re.findall(r"(\d+)(?:\s*[-–]\s*\^?(\d+))?", inside):
        end = int(last or first)
        found += range(int(first), min(end, int(first) + _LONGEST_RANGE) + 1)
    return list(dict.fromkeys(found))


def _tidy(text: str) -> str:
    """No space before a full stop, and none doubled, where a number was taken out."""
    text = re.sub(r"[ \t]+([.,;:!?](?:\s|$))", r"\1", text)
    return re.sub(r"(?<=\S)[ \t]{2,}(?=\S)", " ", text).strip()


def _sentence_at(text: str, at: int) -> str:
    for span in sentence_spans(text):
        if span.start <= at < span.end:
            return text[span.start : span.end]
    return ""


def _support(claim: _Claim, passage: Passage, split: Split, similar: Similar | None) -> Citation:
    """The piece of ``passage`` that carries the sentence best."""
    pieces = list(split(passage)) or [_whole(passage)]
    same = " ".join(claim.sentence.split())
    scores = _scores(same, pieces, similar)
    best = max(range(len(pieces)), key=lambda i: (pieces[i].shown == same, scores[i]))
    span, score = pieces[best].span, 1.0 if pieces[best].shown == same else scores[best]
    if score < 1.0:
        span, score = _with_neighbour(same, pieces, best, score, similar)
    page = pieces[best].page or passage.page
    source = passage.document.source
    support = round(min(1.0, score), 3)
    return Citation(passage.number, passage.document.id, source, page, span, "", support)


def _whole(passage: Passage) -> Unit:
    return Unit(passage.number, passage.span, passage.text, " ".join(passage.text.split()))


def _scores(claim: str, pieces: Sequence[Unit], similar: Similar | None) -> list[float]:
    """Support (0..1) of each piece: weighed words in common, with the cosine if there is one."""
    bags = [set(content_words(piece.whole)) for piece in pieces]
    weights = rarity(bags)
    unseen = max(weights.values(), default=1.0)
    wanted = set(content_words(claim))
    shared = [coverage(wanted, bag, weights, unseen) for bag in bags]
    if similar is None:
        return shared
    cosines = similar(claim, [piece.whole for piece in pieces])
    return [(s + max(0.0, c)) / 2 for s, c in zip(shared, cosines, strict=True)]


def _with_neighbour(
    claim: str, pieces: Sequence[Unit], best: int, score: float, similar: Similar | None
) -> tuple[Span, float]:
    """The best piece, or it and the next one if together they carry clearly more."""
    span = pieces[best].span
    for other in (best - 1, best + 1):
        if 0 <= other < len(pieces):
            first, second = pieces[min(best, other)], pieces[max(best, other)]
            pair = replace(first, shown=f"{first.shown} {second.shown}")
            joined = _scores(claim, [*pieces, pair], similar)[-1]
            if joined > score + _WORTH_JOINING:
                span, score = Span(first.span.start, second.span.end), joined
    return span, score


def _add(group: list[Citation], citation: Citation, read: Read) -> None:
    """Adds a citation of the same number; quotes that lie close together become one."""
    stored = read(citation.document)
    for index, other in enumerate(group):
        start = min(other.span.start, citation.span.start)
        end = max(other.span.end, citation.span.end)
        between = end - start - len(other.span) - len(citation.span)
        if other.span == citation.span or (between <= _NEAR and end - start <= _LONGEST_QUOTE):
            page = other.page if other.span.start <= citation.span.start else citation.page
            support = min(other.support, citation.support)
            quote = stored[start:end]
            joined = replace(other, span=Span(start, end), page=page, quote=quote, support=support)
            group[index] = joined
            return
    group.append(replace(citation, quote=stored[citation.span.start : citation.span.end]))
