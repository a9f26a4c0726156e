"""Checks each sentence of a finished answer against what it cites, and says which are carried.

An answer is cut into sentences along its Markdown: list items and table rows are sentences,
headings and code state nothing, and an ``[n]`` behind the full stop belongs to the sentence before
it. A sentence is ``supported`` if its quotes have enough of its words and say nothing else in
its numbers, units, dates, names and negations (``agents.text.facts``).

A sentence that cites nothing but stands nearly word for word in a passage that the model was shown
is given the citation it lacks; nothing else is ever added to an answer.

Thresholds were measured on the sample's questions and squad-en (``docs/answers.md``). Knows nothing
of engines or steps.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agents.answering.citations import Read, Similar, Split, check
from agents.records.answers import Claim
from agents.text.facts import clashes, figures, is_computed
from agents.text.fences import unfenced
from agents.text.inert import inert
from agents.text.sentences import units
from agents.text.words import content_words
from agents.tools.computed import NOTHING, Computed
from corpus.records import Citation, Passage, Span
from ingest.chunking.sentences import sentence_spans

__all__ = ["SUPPORTED", "Grounded", "claims_of", "grounded", "judge", "sentences_of_answer"]

SUPPORTED = 0.5  # share of a sentence's words that must be carried
CREDITED = 0.9  # the same for a citation that is added,
_FEW_WORDS = 3  # to a sentence of at least so many words with a meaning
_AROUND = 240  # characters of the passage before and after a quote that may resolve its pronouns
_MARKS = re.compile(r"[ \t]*\[(\d{1,3})\](?!\()")
_GAPS = re.compile(rf"{_MARKS.pattern}|(?<=\n)[ \t>]+")
_BLOCK = re.compile(
    r"(?P<code>^[ \t]*(?P<ticks>```+|~~~+)[^\n]*\n.*?(?:^[ \t]*(?P=ticks)[`~]*[ \t]*$|\Z))"
    r"|(?P<heading>^ {0,3}#{1,6}[ \t][^\n]*$)"
    r"|(?P<rule>^[ \t]*\|?[ \t:|-]*-{3}[ \t:|-]*$)"
    r"|(?P<row>^[ \t]*\|[^\n]*$)"
    r"|(?P<line>^[^\n]+$)",
    re.MULTILINE | re.DOTALL,
)
_LEAD = re.compile(r"[ \t]*(?:>[ \t]?)*(?:[-*+•][ \t]+|\d{1,3}[.)][ \t]+)?(?:\[[ xX]\][ \t]+)?")
_BEGINS = re.compile(r"[ \t]*(?:>|[-*+•][ \t]|\d{1,3}[.)][ \t])")
_TALK = re.compile(
    r"(?:here (?:is|are)|hello|hi\b|sure\b|certainly|of course|thank|you'?re welcome|i hope|let me know"
    r"|feel free|in summary|to summari[sz]e|as an ai|according to the (?:passages|documents)\W*$"
    r"|yes\W*$|no\W*$)",
    re.IGNORECASE,
)
_FORMAT = re.compile(r"[*_`~#>|]+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence at ``[start, end)`` of the answer, its ``[n]`` inside; ``bare`` is without them."""

    start: int
    end: int
    bare: str
    numbers: tuple[int, ...]
    states: bool  # whether it states anything


@dataclass(frozen=True, slots=True)
class Grounded:
    """A checked answer: its clean text, its citations, and each of its sentences with a verdict."""

    text: str
    citations: tuple[Citation, ...]
    claims: tuple[Claim, ...]


def grounded(
    text: str,
    passages: Sequence[Passage],
    read: Read,
    split: Split = units,
    similar: Similar | None = None,
    computed: Computed = NOTHING,
) -> Grounded:
    """What a model wrote, whole or cut short, checked against the passages it was shown.

    Args:
        text: as the model wrote it, with ``[n]``.
        passages, read, split, similar: as in ``agents.answering.citations.check``.
        computed: numbers that tools worked out and that therefore stand in no passage.
    """
    clean, citations = check(unfenced(inert(text)), passages, read, split, similar)
    added = _credited(clean, passages, split)
    if added != clean:
        clean, citations = check(added, passages, read, split, similar)
    return Grounded(clean, citations, claims_of(clean, citations, passages, split, computed))


def sentences_of_answer(text: str) -> list[Sentence]:
    """The sentences of an answer in Markdown, in order."""
    return [sentence for block in _blocks(text) for sentence in block]


def _blocks(text: str) -> Iterator[list[Sentence]]:
    pending: Span | None = None  # lines of one paragraph
    found = list(_BLOCK.finditer(text))
    for at, block in enumerate(found):
        start, end = block.span()
        if block["line"] is not None:
            touches = pending is not None and text[pending.end : start].count("\n") == 1
            if pending is not None and touches and not _BEGINS.match(text, start):
                pending = Span(pending.start, end)
                continue
        if pending is not None:
            yield _prose(text, pending)
            pending = None
        if block["line"] is not None:
            pending = Span(start, end)
        elif block["row"] is not None:
            header = at + 1 < len(found) and found[at + 1]["rule"] is not None
            yield [_sentence(text, start, end, states=not header)]
        elif block["rule"] is None:
            yield [_sentence(text, start, end, states=False)]
    if pending is not None:
        yield _prose(text, pending)


def _sentence(text: str, start: int, end: int, states: bool | None = None) -> Sentence:
    piece = text[start:end]
    bare = _squashed(_MARKS.sub("", piece))
    numbers = tuple(dict.fromkeys(int(m[1]) for m in _MARKS.finditer(piece)))
    return Sentence(start, end, bare, numbers, _states(bare) if states is None else states)


def _squashed(text: str) -> str:
    """``text`` on one line, without what Markdown formats it by."""
    return " ".join(_FORMAT.sub(" ", text).split())


def _states(bare: str) -> bool:
    if bare.endswith(("?", ":", "？", "؟")) or _TALK.match(bare):
        return False
    return bool(content_words(bare))


def _prose(text: str, block: Span) -> list[Sentence]:
    """The sentences of a paragraph or list item; a mark is with the words before it."""
    lead = _LEAD.match(text, block.start)
    start = lead.end() if lead and lead.end() < block.end else block.start
    bare, places, marks = _without_marks(text, Span(start, block.end))
    made: list[Sentence] = []
    for span in sentence_spans(bare):
        behind = [mark.end for mark in marks if span.start < mark.start <= span.end]
        leads = not made and any(mark.start <= span.start for mark in marks)
        first = start if leads else places[span.start]
        made.append(_sentence(text, first, max([places[span.end - 1] + 1, *behind])))
    return made


def _without_marks(text: str, block: Span) -> tuple[str, list[int], list[Span]]:
    """The block without marks and indents, where each of its characters stands, and each mark as (where it
    stands in that, where it ends in the text).
    """
    places: list[int] = []
    marks: list[Span] = []
    at = block.start
    for gap in _GAPS.finditer(text, block.start, block.end):
        places += range(at, gap.start())
        if gap[1]:
            marks.append(Span(len(places), gap.end()))
        at = gap.end()
    places += range(at, block.end)
    return "".join(text[place] for place in places), places, marks


def claims_of(
    text: str,
    citations: Sequence[Citation],
    passages: Sequence[Passage],
    split: Split = units,
    computed: Computed = NOTHING,
) -> tuple[Claim, ...]:
    """Every sentence of ``text`` with its verdict; spans index into ``text``.

    Args:
        text: the answer, its ``[n]`` checked by ``agents.answering.citations.check``.
        citations: what that gave with it.
        passages: what the answer was made from.
        split: cuts a passage into pieces; a sentence that is one of them word for word, as a row of
            a table with the names of its columns is, needs no judging.
        computed: as in ``grounded``; a sentence that says such a number may cite the table asked.
    """
    by_number = {passage.number: passage for passage in passages}
    quotes: dict[int, list[Citation]] = {}
    for citation in citations:
        quotes.setdefault(citation.n, []).append(citation)
    pieces = {
        n: {_squashed(piece.shown) for piece in split(by_number[n])}
        for n in quotes
        if n in by_number
    }
    return tuple(_claim(s, quotes, by_number, pieces, computed) for s in sentences_of_answer(text))


def _claim(
    sentence: Sentence,
    quotes: Mapping[int, Sequence[Citation]],
    passages: Mapping[int, Passage],
    pieces: Mapping[int, Collection[str]],
    computed: Computed,
) -> Claim:
    start, end = sentence.start, sentence.end
    cited = [citation for n in sentence.numbers for citation in quotes.get(n, ())]
    if not sentence.states:
        return Claim(start, end, "plain")
    if not cited:
        return Claim(start, end, "uncited")
    if any(sentence.bare in pieces.get(n, ()) for n in sentence.numbers):
        return Claim(start, end, "supported", 1.0)
    quote = "\n".join(citation.quote for citation in cited)
    around = "\n".join(_around(citation, passages.get(citation.n)) for citation in cited)
    support, clash = judge(sentence.bare, quote, around, computed.values)
    counted = not computed.tables.isdisjoint(sentence.numbers) and any(
        is_computed(figure, computed.values) for figure in figures(sentence.bare)
    )
    carried = not clash and (support >= SUPPORTED or counted)
    return Claim(start, end, "supported" if carried else "unsupported", support)


def judge(
    sentence: str, quote: str, around: str = "", computed: Collection[float] = ()
) -> tuple[float, list[str]]:
    """How far (0..1) a quote carries a sentence, and what the sentence says against it.

    The measure is the share of the sentence's words with a meaning that the quote has; words that
    only stand by it count half. Vectors of sentences told right from wrong no better.

    Args:
        sentence: without its ``[n]``.
        quote: the words it cites.
        around: what stands by the quote and says what its pronouns mean.
        computed: numbers that need stand nowhere.
    """
    flat = " ".join(quote.split())
    if sentence in flat:
        return 1.0, []
    wanted = set(content_words(sentence))
    near, far = set(content_words(flat)), set(content_words(around))
    shared = sum(1.0 if word in near else 0.5 * (word in far) for word in wanted)
    support = shared / len(wanted) if wanted else 0.0
    return round(support, 3), clashes(sentence, flat, around, computed)


def _around(citation: Citation, passage: Passage | None) -> str:
    if passage is None:
        return citation.source
    start = citation.span.start - passage.span.start
    end = citation.span.end - passage.span.start
    before = passage.text[max(0, start - _AROUND) : max(0, start)]
    names = (passage.document.title, *passage.headings)
    return "\n".join((*names, before, passage.text[end : end + _AROUND]))


def _credited(text: str, passages: Sequence[Passage], split: Split) -> str:
    """The answer with an ``[n]`` behind sentences that cite nothing but stand in a passage."""
    done, out = 0, ""
    bare = [s for s in sentences_of_answer(text) if s.states and not s.numbers]
    for sentence in bare:
        in_table = text[sentence.start : sentence.end].lstrip().startswith("|")
        number = None if in_table else _carrying(sentence.bare, passages, split)
        if number is not None:
            out += f"{text[done : sentence.end]} [{number}]"
            done = sentence.end
    return out + text[done:]


def _carrying(bare: str, passages: Sequence[Passage], split: Split) -> int | None:
    """The number of the first passage of which a piece carries the sentence nearly word for word."""
    if len(content_words(bare)) < _FEW_WORDS:
        return None
    for passage in passages:
        for piece in split(passage):
            support, clash = judge(bare, piece.shown, "")
            if support >= CREDITED and not clash:
                return passage.number
    return None
